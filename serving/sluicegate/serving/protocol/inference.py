"""Open Inference protocol, version 2, over REST: inference requests, answers and model metadata.

Tensors travel as JSON here (flat or nested, row-major); FP16 is read from JSON numbers, BF16 is refused by name, since
JSON has no form for it. A request becomes the same ``Message`` as Seldon's: one matrix, or one column for each tensor.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sluicegate.serving.protocol.arrays import array_of, list_of
from sluicegate.serving.protocol.errors import BadAnswerError, BadPayloadError, shown
from sluicegate.serving.protocol.messages import Array, JSONValue, Message
from sluicegate.serving.protocol.seldon import shape_from

NUMPY_TYPES: dict[str, Any] = {
    "BOOL": np.bool_,
    "UINT8": np.uint8,
    "UINT16": np.uint16,
    "UINT32": np.uint32,
    "UINT64": np.uint64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "BYTES": np.object_,
}
_DATATYPES = {np.dtype(kind): name for name, kind in NUMPY_TYPES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A named array with its Open Inference datatype."""

    name: str
    datatype: str
    values: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceRequest:
    """What a client asks; ``outputs`` empty means all of them."""

    id: str = ""
    inputs: tuple[Tensor, ...]
    outputs: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)


def request_from(value: JSONValue) -> InferenceRequest:
    """Read an inference request. Raises BadPayloadError naming the field."""
    if not isinstance(value, dict):
        raise BadPayloadError("(body)", shown(value), "a JSON object")
    inputs = value.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise BadPayloadError("inputs", "nothing" if inputs in (None, []) else shown(inputs), "a list of tensors")
    identity = value.get("id", "")
    if not isinstance(identity, str) or len(identity) > 256 or (identity and not identity.isprintable()):
        raise BadPayloadError("id", shown(identity), "a string of at most 256 printable characters")
    tensors = tuple(_tensor(tensor, f"inputs[{index}]") for index, tensor in enumerate(inputs))
    repeated = {tensor.name for tensor in tensors if sum(other.name == tensor.name for other in tensors) > 1}
    if repeated:
        raise BadPayloadError("inputs", f"the name {min(repeated)!r} twice", "a name of its own for each tensor")
    return InferenceRequest(id=identity, inputs=tensors, outputs=_outputs(value.get("outputs")))


def _outputs(outputs: JSONValue) -> tuple[str, ...]:
    if outputs is None:
        return ()
    if not isinstance(outputs, list):
        raise BadPayloadError("outputs", shown(outputs), "a list of objects with a name")
    for index, output in enumerate(outputs):
        if not isinstance(output, dict) or not isinstance(output.get("name"), str):
            raise BadPayloadError(f"outputs[{index}]", shown(output), "an object with a name")
    return tuple(output["name"] for output in outputs)


def _tensor(tensor: JSONValue, path: str) -> Tensor:
    if not isinstance(tensor, dict):
        raise BadPayloadError(path, shown(tensor), "an object with name, shape, datatype and data")
    name, datatype = tensor.get("name"), tensor.get("datatype")
    if not isinstance(name, str) or not name:
        raise BadPayloadError(f"{path}.name", shown(name), "a name")
    if not isinstance(datatype, str) or datatype not in NUMPY_TYPES:
        raise BadPayloadError(f"{path}.datatype", shown(datatype), f"one of {', '.join(NUMPY_TYPES)}")
    shape = shape_from(tensor.get("shape"), f"{path}.shape")
    if "data" not in tensor:
        raise BadPayloadError(f"{path}.data", "nothing", "the values as JSON")
    values = array_of(tensor["data"], f"{path}.data")
    if values.size != math.prod(shape):
        raise BadPayloadError(f"{path}.data", f"{values.size} values", f"{math.prod(shape)} for shape {list(shape)}")
    return Tensor(name=name, datatype=datatype, values=_typed(values, datatype, f"{path}.data").reshape(shape))


def _typed(values: Array, datatype: str, path: str) -> Array:
    target = np.dtype(NUMPY_TYPES[datatype])
    if datatype == "BYTES":
        return _texts(values, path)
    if values.size and values.dtype.kind not in {"b": "b", "f": "fib"}.get(target.kind, "if"):
        raise BadPayloadError(path, _kind_of(values), f"values of {datatype}")
    if target.kind in "iu":
        _check_whole(values, target, datatype, path)
    return values.astype(target)


def _texts(values: Array, path: str) -> Array:
    for index, element in enumerate(values.ravel().tolist()):
        if not isinstance(element, str):
            raise BadPayloadError(f"{path}[{index}]", shown(element), "a string")
    return values


def _check_whole(values: Array, target: np.dtype[Any], datatype: str, path: str) -> None:
    limits = np.iinfo(target)
    flat = values.ravel()
    with np.errstate(invalid="ignore"):
        wrong = (flat < limits.min) | (flat > limits.max) | (flat != np.floor(flat))
    if wrong.any():
        index = int(np.argmax(wrong))
        expected = f"a whole number from {limits.min} to {limits.max} ({datatype})"
        raise BadPayloadError(f"{path}[{index}]", shown(flat[index].item()), expected)


def _kind_of(values: Array) -> str:
    return {"b": "truth values", "O": "text", "f": "fractions or null"}.get(values.dtype.kind, "numbers")


def message_of(request: InferenceRequest) -> Message:
    """The request as a message: a single tensor as it is, several as the columns that they name.

    Raises BadPayloadError when several tensors do not have one value for each row.
    """
    first = request.inputs[0]
    if len(request.inputs) == 1 and first.values.ndim != 1:
        named = (first.name,) if first.values.shape[1:] == (1,) else ()
        return Message(content=first.values, form="tensor", names=named)
    columns = [_column(tensor, index, len(first.values)) for index, tensor in enumerate(request.inputs)]
    text = any(column.dtype.kind == "O" for column in columns)
    content = np.column_stack([column.astype(object) for column in columns] if text else columns)
    return Message(content=content, form="tensor", names=tuple(tensor.name for tensor in request.inputs))


def _column(tensor: Tensor, index: int, rows: int) -> Array:
    shape = tensor.values.shape
    if shape not in ((rows,), (rows, 1)):
        expected = f"[{rows}] or [{rows}, 1]: one value a row, as in the first tensor"
        raise BadPayloadError(f"inputs[{index}].shape", str(list(shape)), expected)
    return tensor.values.reshape(rows)


def answer_of(message: Message, *, model: str, version: str, identity: str, output: str) -> dict[str, Any]:
    """The answer as the protocol writes it, one output tensor. Raises BadAnswerError for what it cannot carry."""
    content = message.content
    if isinstance(content, str | bytes):
        content = np.array([content.decode("latin-1") if isinstance(content, bytes) else content], dtype=object)
    if not isinstance(content, np.ndarray):
        raise BadAnswerError("the model answered JSON; Open Inference carries tensors only")
    array = content if content.ndim else content.reshape(1)
    tensor: dict[str, Any] = {
        "name": output,
        "shape": list(array.shape),
        "datatype": _datatype(array),
        "data": list_of(array.ravel(), output),
    }
    if message.names:
        tensor["parameters"] = {"classes": list(message.names)}
    answer: dict[str, Any] = {"model_name": model, "id": identity, "outputs": [tensor]}
    return answer | {"model_version": version} if version else answer


def _datatype(array: Array) -> str:
    return "BYTES" if array.dtype.kind in "OUS" else _DATATYPES.get(array.dtype, "FP64")
