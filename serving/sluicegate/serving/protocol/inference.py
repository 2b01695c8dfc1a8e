"""Open Inference protocol, version 2: inference requests and answers, whichever way they travel, and their JSON.

In JSON tensors are lists (flat or nested, row-major), or bytes behind the JSON as the binary extension has them; FP16
is read from either, BF16 from bytes only, since JSON has no form for it. A request becomes the same ``Message`` as
Seldon's.
"""

import math
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from sluicegate.serving.protocol.arrays import array_of, list_of
from sluicegate.serving.protocol.errors import BadPayloadError, NotCarriedError, shown
from sluicegate.serving.protocol.messages import Array, JSONValue, Message
from sluicegate.serving.protocol.seldon import shape_from
from sluicegate.serving.protocol.tensors import (
    NUMPY_TYPES,
    Tensor,
    chosen,
    from_bytes,
    message_of_tensors,
    tensors_of_message,
    to_bytes,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceRequest:
    """What a client asks; ``outputs`` empty means all of them."""

    id: str = ""
    inputs: tuple[Tensor, ...]
    outputs: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    binary: dict[str, bool] = field(default_factory=dict)
    """Outputs of which the client said whether it wants bytes."""

    def wants_bytes(self, output: str) -> bool:
        """Whether the client wants this output as bytes behind the JSON."""
        return self.binary.get(output, self.parameters.get("binary_data_output") is True)


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceAnswer:
    """What a client gets."""

    model: str
    version: str
    id: str
    outputs: tuple[Tensor, ...]


def request_from(value: JSONValue, tail: bytes | memoryview = b"") -> InferenceRequest:
    """Read an inference request; ``tail`` is what came behind its JSON. Raises BadPayloadError naming the field."""
    if not isinstance(value, dict):
        raise BadPayloadError("(body)", shown(value), "a JSON object")
    inputs = value.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise BadPayloadError("inputs", "nothing" if inputs in (None, []) else shown(inputs), "a list of tensors")
    identity = checked_id(value.get("id", ""))
    parts = _Tail(memoryview(tail))
    tensors = tuple(_tensor(tensor, f"inputs[{index}]", parts) for index, tensor in enumerate(inputs))
    parts.check_end()
    check_names(tensors)
    outputs = _outputs(value.get("outputs"))
    told = {name: _parameters(output, f"outputs.{name}") for name, output in outputs.items()}
    return InferenceRequest(
        id=identity,
        inputs=tensors,
        outputs=tuple(outputs),
        parameters=_parameters(value, ""),
        binary={name: given["binary_data"] for name, given in told.items() if "binary_data" in given},
    )


def checked_id(identity: JSONValue) -> str:
    """A request's id. Raises BadPayloadError."""
    if not isinstance(identity, str) or len(identity) > 256 or (identity and not identity.isprintable()):
        raise BadPayloadError("id", shown(identity), "a string of at most 256 printable characters")
    return identity


def check_names(tensors: tuple[Tensor, ...]) -> None:
    """Raise BadPayloadError for a name that two tensors have."""
    seen: set[str] = set()
    for tensor in tensors:
        if tensor.name in seen:
            raise BadPayloadError("inputs", f"the name {tensor.name!r} twice", "a name of its own for each tensor")
        seen.add(tensor.name)


@dataclass(slots=True)
class _Tail:
    """What came behind the JSON, taken from the front."""

    left: memoryview

    def take(self, size: JSONValue, path: str) -> memoryview:
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= len(self.left):
            raise BadPayloadError(
                path, shown(size), f"at most the {len(self.left)} bytes that are left behind the JSON"
            )
        taken, self.left = self.left[:size], self.left[size:]
        return taken

    def check_end(self) -> None:
        if self.left:
            raise BadPayloadError(
                "(body)", f"{len(self.left)} bytes too many behind the JSON", "binary_data_size of all"
            )


def _outputs(outputs: JSONValue) -> dict[str, dict[str, Any]]:
    if outputs is None:
        return {}
    if not isinstance(outputs, list):
        raise BadPayloadError("outputs", shown(outputs), "a list of objects with a name")
    for index, output in enumerate(outputs):
        if not isinstance(output, dict) or not isinstance(output.get("name"), str):
            raise BadPayloadError(f"outputs[{index}]", shown(output), "an object with a name")
    return {output["name"]: output for output in outputs}


def _parameters(value: dict[str, Any], path: str) -> dict[str, Any]:
    given = value.get("parameters")
    if given is not None and not isinstance(given, dict):
        raise BadPayloadError(f"{path}.parameters".lstrip("."), shown(given), "an object")
    return given or {}


def _tensor(tensor: JSONValue, path: str, tail: _Tail) -> Tensor:
    if not isinstance(tensor, dict):
        raise BadPayloadError(path, shown(tensor), "an object with name, shape, datatype and data")
    name, datatype = tensor.get("name"), tensor.get("datatype")
    if not isinstance(name, str) or not name:
        raise BadPayloadError(f"{path}.name", shown(name), "a name")
    datatype = checked_datatype(datatype, path)
    shape = shape_from(tensor.get("shape"), f"{path}.shape")
    parameters = _parameters(tensor, path)
    values = _values(tensor, datatype, shape, path, tail)
    return Tensor(
        name=name,
        datatype=datatype,
        values=values,
        parameters=parameters,
        classes=classes_of(parameters.get("classes")),
    )


def classes_of(told: JSONValue) -> tuple[str, ...]:
    """Names of what is along an answer's second axis, as our own servers tell them; nothing of anything else."""
    return tuple(told) if isinstance(told, list) and all(isinstance(name, str) for name in told) else ()


def checked_datatype(datatype: JSONValue, path: str) -> str:
    """A tensor's type. Raises BadPayloadError for one that the protocol does not have."""
    if not isinstance(datatype, str) or datatype not in NUMPY_TYPES:
        raise BadPayloadError(f"{path}.datatype", shown(datatype), f"one of {', '.join(NUMPY_TYPES)}")
    return datatype


def _values(tensor: dict[str, Any], datatype: str, shape: tuple[int, ...], path: str, tail: _Tail) -> Array:
    size = (tensor.get("parameters") or {}).get("binary_data_size")
    if size is not None:
        where = f"{path}.parameters.binary_data_size"
        return from_bytes(tail.take(size, where), datatype, shape, where)
    if "data" not in tensor:
        raise BadPayloadError(f"{path}.data", "nothing", "the values as JSON, or parameters.binary_data_size")
    if datatype == "BF16":
        raise BadPayloadError(f"{path}.datatype", "BF16 with JSON data", "bytes (parameters.binary_data_size), or FP32")
    values = array_of(tensor["data"], f"{path}.data")
    if datatype == "UINT64" and values.dtype.kind == "f":
        values = _whole_numbers(tensor["data"], values)
    if values.size != math.prod(shape):
        raise BadPayloadError(f"{path}.data", f"{values.size} values", f"{math.prod(shape)} for shape {list(shape)}")
    return _typed(values, datatype, f"{path}.data").reshape(shape)


def _whole_numbers(listed: list[Any], values: Array) -> Array:
    """What numpy makes fractions of, as some numbers are beyond 2^63 and others are not: exact, if they are whole."""
    exact = np.array(listed, dtype=object)
    whole = all(isinstance(number, int) and 0 <= number < 2**64 for number in exact.flat)
    return exact.astype(np.uint64) if whole else values


def _typed(values: Array, datatype: str, path: str) -> Array:
    target = np.dtype(NUMPY_TYPES[datatype])
    if datatype == "BYTES":
        return _texts(values, path)
    if values.size and values.dtype.kind not in {"b": "b", "f": "fiub"}.get(target.kind, "iuf"):
        raise BadPayloadError(path, _kind_of(values), f"values of {datatype}")
    if target.kind in "iu":
        _check_whole(values, target, datatype, path)
    return _narrowed(values, target, datatype, path)


def _narrowed(values: Array, target: np.dtype[Any], datatype: str, path: str) -> Array:
    try:
        with np.errstate(over="raise"):
            return values.astype(target)
    except FloatingPointError as error:
        raise BadPayloadError(path, "a number beyond its type", f"values of {datatype}") from error


def _texts(values: Array, path: str) -> Array:
    for index, element in enumerate(values.ravel().tolist()):
        if not isinstance(element, str):
            raise BadPayloadError(f"{path}[{index}]", shown(element), "a string")
    return values


def _check_whole(values: Array, target: np.dtype[Any], datatype: str, path: str) -> None:
    limits = np.iinfo(target)
    flat = values.ravel()
    # The largest number of 64 bits is no double; the next one is.
    beyond = flat >= float(limits.max) + 1 if flat.dtype.kind == "f" else flat > limits.max
    with np.errstate(invalid="ignore"):
        wrong = (flat < limits.min) | beyond | (flat != np.floor(flat))
    if wrong.any():
        index = int(np.argmax(wrong))
        expected = f"a whole number from {limits.min} to {limits.max} ({datatype})"
        raise BadPayloadError(f"{path}[{index}]", shown(flat[index].item()), expected)


def _kind_of(values: Array) -> str:
    return {"b": "truth values", "O": "text", "f": "fractions or null"}.get(values.dtype.kind, "numbers")


def answer_from(value: JSONValue, tail: bytes | memoryview = b"") -> InferenceAnswer:
    """Read an inference response. Raises BadPayloadError naming the field."""
    outputs = value.get("outputs") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(outputs, list) or not outputs:
        raise BadPayloadError("outputs", shown(outputs), "a list of tensors")
    parts = _Tail(memoryview(tail))
    return InferenceAnswer(
        model=str(value.get("model_name", "")),
        version=str(value.get("model_version", "")),
        id=checked_id(value.get("id") or ""),
        outputs=tuple(_tensor(tensor, f"outputs[{index}]", parts) for index, tensor in enumerate(outputs)),
    )


def body_of_request(request: InferenceRequest) -> bytes:
    """The request as JSON alone. Raises BadAnswerError for what JSON has no form for."""
    inputs = [
        {"name": each.name, "shape": list(each.values.shape), "datatype": each.datatype, "data": _listed(each)}
        for each in request.inputs
    ]
    return msgspec.json.encode({"id": request.id, "inputs": inputs} if request.id else {"inputs": inputs})


def message_of(request: InferenceRequest) -> Message:
    """The request as a message: a single tensor as it is, several as the columns that they name, or each by its name.

    Raises BadPayloadError when several tensors have different numbers of rows.
    """
    return message_of_tensors(request.inputs)


def answer_of(message: Message, request: InferenceRequest, *, model: str, version: str, output: str) -> InferenceAnswer:
    """The answer to a request, of the outputs that it wants. Raises BadAnswerError, BadPayloadError."""
    return InferenceAnswer(
        model=model,
        version=version,
        id=request.id or message.meta.puid,
        outputs=chosen(tensors_of_message(message, output), request.outputs),
    )


def body_of(answer: InferenceAnswer, request: InferenceRequest) -> tuple[bytes, int | None]:
    """The answer's bytes, and how many of them are JSON if other bytes follow. Raises BadAnswerError."""
    outputs, tail = [], []
    for tensor in answer.outputs:
        written: dict[str, Any] = {"name": tensor.name, "shape": list(tensor.values.shape), "datatype": tensor.datatype}
        parameters: dict[str, Any] = {"classes": list(tensor.classes)} if tensor.classes else {}
        if request.wants_bytes(tensor.name):
            tail.append(to_bytes(tensor.values))
            parameters["binary_data_size"] = len(tail[-1])
        else:
            written["data"] = _listed(tensor)
        outputs.append(written | {"parameters": parameters} if parameters else written)
    body: dict[str, Any] = {"model_name": answer.model, "id": answer.id, "outputs": outputs}
    encoded = msgspec.json.encode(body | {"model_version": answer.version} if answer.version else body)
    return (b"".join([encoded, *tail]), len(encoded)) if tail else (encoded, None)


def _listed(tensor: Tensor) -> list[Any]:
    flat = tensor.values.ravel()
    if not flat.size:
        return []
    if flat.dtype.kind == "O" and any(isinstance(element, bytes) for element in flat.tolist()):
        raise NotCarriedError(f"{tensor.name} holds bytes that are no text; ask for it with parameters.binary_data")
    return list_of(flat, tensor.name)
