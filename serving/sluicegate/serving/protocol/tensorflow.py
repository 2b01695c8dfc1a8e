"""TensorFlow Serving's JSON: predict by rows or by columns, classify, regress, and what it says of a model.

For the server's doors. ``{"b64": text}`` stands for bytes, wherever a value may; examples of classify and regress are
rows by name. Answers take the format of their request.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from sluicegate.serving.protocol.arrays import DEPTH, array_of, list_of
from sluicegate.serving.protocol.errors import BadPayloadError, NotCarriedError, shown
from sluicegate.serving.protocol.messages import Array, JSONValue, Message
from sluicegate.serving.protocol.tensors import Tensor, datatype_of, message_of_tensors, tensors_of_message

Verb = Literal["predict", "classify", "regress"]
SIGNATURE = "serving_default"


@dataclass(frozen=True, slots=True)
class TensorflowRequest:
    """A request; ``rows`` says whether it came row by row, as the answer will."""

    message: Message
    rows: bool


def request_from(value: JSONValue, verb: Verb, signatures: tuple[str, ...] = (SIGNATURE,)) -> TensorflowRequest:
    """Read the body of ``:predict``, ``:classify`` or ``:regress``. Raises BadPayloadError naming the field."""
    if not isinstance(value, dict):
        raise BadPayloadError("(body)", shown(value), "a JSON object")
    signature = value.get("signature_name") or signatures[0]
    if signature not in signatures:
        raise BadPayloadError("signature_name", shown(signature), " or ".join(signatures))
    if verb != "predict":
        return TensorflowRequest(message_of_tensors(_examples(value)), rows=True)
    present = [name for name in ("instances", "inputs") if name in value]
    if len(present) != 1:
        raise BadPayloadError(
            "(body)", " and ".join(present) or "neither of them", "exactly one of instances and inputs"
        )
    if present == ["instances"]:
        return TensorflowRequest(message_of_tensors(_instances(value["instances"]), "instances"), rows=True)
    return TensorflowRequest(message_of_tensors(_inputs(value["inputs"])), rows=False)


def answer_from(value: JSONValue) -> list[Tensor]:
    """Read what ``:predict`` answered: outputs by name, a single one without. Raises BadPayloadError."""
    if isinstance(value, dict) and "predictions" in value:
        return _instances(value["predictions"], "predictions")
    if isinstance(value, dict) and "outputs" in value:
        return _inputs(value["outputs"], "outputs")
    raise BadPayloadError("(body)", shown(value), "an object with predictions or outputs")


def body_of_request(tensors: Sequence[Tensor]) -> dict[str, Any]:
    """Tensors as a request: the rows of a single one, else columns by name. Raises BadAnswerError."""
    if len(tensors) == 1:
        return {"instances": _listed(tensors[0])}
    return {"inputs": {tensor.name: _listed(tensor) for tensor in tensors}}


def _instances(instances: JSONValue, path: str = "instances") -> list[Tensor]:
    if not isinstance(instances, list) or not instances:
        raise BadPayloadError(path, shown(instances), "a list of at least one instance")
    if not _is_named(instances[0]):
        return [_tensor("", instances, path)]
    return _by_name(instances, path)


def _by_name(rows: list[Any], path: str) -> list[Tensor]:
    names = list(rows[0])
    for index, row in enumerate(rows):
        if not _is_named(row) or set(row) != set(names):
            found = ", ".join(map(str, row)) if isinstance(row, dict) else shown(row)
            raise BadPayloadError(f"{path}[{index}]", found, f"an object with {', '.join(names)} like the first")
    return [_tensor(name, [row[name] for row in rows], f"{path}[…].{name}") for name in names]


def _is_named(value: JSONValue) -> bool:
    return isinstance(value, dict) and set(value) != {"b64"} and bool(value)


def _inputs(inputs: JSONValue, path: str = "inputs") -> list[Tensor]:
    if _is_named(inputs):
        return [_tensor(name, _as_list(values), f"{path}.{name}") for name, values in inputs.items()]
    return [_tensor("", _as_list(inputs), path)]


def _as_list(value: JSONValue) -> JSONValue:
    return value if isinstance(value, list) else [value]


def _examples(value: dict[str, Any]) -> list[Tensor]:
    examples, context = value.get("examples"), value.get("context") or {}
    if not isinstance(examples, list) or not examples:
        raise BadPayloadError("examples", shown(examples), "a list of at least one object")
    if not isinstance(context, dict):
        raise BadPayloadError("context", shown(context), "an object")
    for index, example in enumerate(examples):
        if not isinstance(example, dict) or not (example or context):
            raise BadPayloadError(f"examples[{index}]", shown(example), "an object of features")
    rows = [context | example for example in examples]
    names = dict.fromkeys(name for row in rows for name in row)
    # A feature that an example leaves out is missing there.
    return _by_name([{name: row.get(name) for name in names} for row in rows], "examples")


def _tensor(name: str, values: JSONValue, path: str) -> Tensor:
    array = array_of(_decoded(values, path) if _holds_bytes(values) else values, path)
    return Tensor(name=name, datatype=datatype_of(array), values=array)


def _holds_bytes(value: JSONValue) -> bool:
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, dict)


def _decoded(value: JSONValue, path: str, left: int = DEPTH) -> JSONValue:
    if isinstance(value, list):
        if not left:
            raise BadPayloadError(path, f"lists in more than {DEPTH} others", "a tensor")
        return [_decoded(each, path, left - 1) for each in value]
    if not isinstance(value, dict) or set(value) != {"b64"}:
        return value
    try:
        return base64.b64decode(value["b64"], validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise BadPayloadError(f"{path}.b64", shown(value["b64"]), "a base64 string") from error


def answer_of(message: Message, verb: Verb, *, rows: bool, output: str) -> dict[str, Any]:
    """The answer's body. Raises BadAnswerError for what the format cannot carry."""
    tensors = tensors_of_message(message, output)
    if verb == "classify":
        return {"results": _classes(tensors[0])}
    if verb == "regress":
        return {"results": _numbers(tensors[0])}
    if not rows:
        listed = {tensor.name: _listed(tensor) for tensor in tensors}
        return {"outputs": listed if len(tensors) > 1 else listed[tensors[0].name]}
    if len(tensors) == 1:
        return {"predictions": _listed(tensors[0])}
    counts = {len(tensor.values) for tensor in tensors}
    if len(counts) != 1:
        raise NotCarriedError("the answer's outputs differ in their number of rows; ask by columns (inputs)")
    columns = [(tensor.name, _listed(tensor)) for tensor in tensors]
    return {"predictions": [{name: column[row] for name, column in columns} for row in range(counts.pop())]}


def _listed(tensor: Tensor) -> list[Any]:
    values = tensor.values
    if values.dtype.kind == "O" and any(isinstance(element, bytes) for element in values.ravel().tolist()):
        values = np.frompyfunc(lambda element: _Encoded(element) if isinstance(element, bytes) else element, 1, 1)(
            values
        )
        return [_unwrapped(each) for each in values.tolist()]
    return list_of(values, tensor.name) if values.size else values.tolist()


@dataclass(frozen=True, slots=True)
class _Encoded:
    value: bytes


def _unwrapped(value: Any) -> JSONValue:
    if isinstance(value, list):
        return [_unwrapped(each) for each in value]
    return {"b64": base64.b64encode(value.value).decode()} if isinstance(value, _Encoded) else value


def _classes(tensor: Tensor) -> list[list[list[Any]]]:
    values = tensor.values
    if values.ndim == 1 and values.dtype.kind in "OU":
        return [[[str(label), 1.0]] for label in values.tolist()]
    if values.ndim != 2 or values.dtype.kind not in "fiub":
        expected = "classify needs a score for each class, so a model that answers probabilities"
        raise NotCarriedError(f"the answer has shape {list(values.shape)} of {tensor.datatype}; {expected}")
    labels = tensor.classes if len(tensor.classes) == values.shape[1] else tuple(map(str, range(values.shape[1])))
    return [[[label, score] for label, score in zip(labels, row, strict=True)] for row in values.tolist()]


def _numbers(tensor: Tensor) -> list[Any]:
    values: Array = tensor.values
    if values.dtype.kind not in "fiub" or values.shape not in ((len(values),), (len(values), 1)):
        raise NotCarriedError(f"the answer has shape {list(values.shape)}; regress needs one number for each example")
    listed: list[Any] = values.ravel().tolist()
    return listed
