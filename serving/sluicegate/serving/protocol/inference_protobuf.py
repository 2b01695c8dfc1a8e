"""Open Inference's protobuf messages to requests and answers, and back.

For the gRPC door and for calls of remote units. Contents come typed or raw, and are answered as they came; but FP16 and
BF16 have raw contents only.
"""

import json
import math
from typing import Any

import numpy as np

from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.inference import (
    InferenceAnswer,
    InferenceRequest,
    check_names,
    checked_datatype,
    checked_id,
    classes_of,
)
from sluicegate.serving.protocol.messages import Array
from sluicegate.serving.protocol.protobuf import message_type
from sluicegate.serving.protocol.tensors import NUMPY_TYPES, Tensor, check_extent, from_bytes, octets, texts, to_bytes

ModelInferRequest = message_type("inference.ModelInferRequest")
ModelInferResponse = message_type("inference.ModelInferResponse")
_CONTENTS = {
    "BOOL": "bool_contents",
    "INT8": "int_contents",
    "INT16": "int_contents",
    "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents",
    "UINT16": "uint_contents",
    "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}


def request_from(received: Any) -> InferenceRequest:
    """Read a ModelInferRequest. Raises BadPayloadError naming the field."""
    return InferenceRequest(
        id=checked_id(received.id),
        inputs=_tensors(received.inputs, received.raw_input_contents, "inputs", "raw_input_contents"),
        outputs=tuple(output.name for output in received.outputs),
        parameters=_parameters(received.parameters),
    )


def answer_from(received: Any) -> InferenceAnswer:
    """Read a ModelInferResponse. Raises BadPayloadError naming the field."""
    outputs = _tensors(received.outputs, received.raw_output_contents, "outputs", "raw_output_contents")
    version = received.model_version
    return InferenceAnswer(model=received.model_name, version=version, id=received.id, outputs=outputs)


def _tensors(tensors: Any, raw: Any, path: str, raw_path: str) -> tuple[Tensor, ...]:
    if not tensors:
        raise BadPayloadError(path, "nothing", "tensors")
    if raw and len(raw) != len(tensors):
        raise BadPayloadError(raw_path, f"{len(raw)} of them", f"one for each of the {len(tensors)} tensors")
    read = tuple(
        _tensor(tensor, raw[index] if raw else None, f"{path}[{index}]", f"{raw_path}[{index}]")
        for index, tensor in enumerate(tensors)
    )
    check_names(read)
    return read


def _tensor(tensor: Any, raw: bytes | None, path: str, raw_path: str) -> Tensor:
    if not tensor.name:
        raise BadPayloadError(f"{path}.name", "nothing", "a name")
    checked_datatype(tensor.datatype, path)
    shape = tuple(tensor.shape)
    if not 0 < len(shape) <= 32 or min(shape) < 0 or max(shape) >= 2**31:
        expected = "1 to 32 whole numbers from 0 to 2147483647"
        raise BadPayloadError(f"{path}.shape", f"{list(shape[:33])}", expected)
    check_extent(shape, f"{path}.shape")
    if raw is None:
        values = _typed(tensor, shape, path)
    elif tensor.HasField("contents"):
        raise BadPayloadError(f"{path}.contents", "contents beside raw contents", "one of them")
    else:
        values = from_bytes(raw, tensor.datatype, shape, raw_path)
    parameters = _parameters(tensor.parameters)
    classes = classes_of(_from_json(parameters.get("classes")))
    return Tensor(name=tensor.name, datatype=tensor.datatype, values=values, parameters=parameters, classes=classes)


def _from_json(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _typed(tensor: Any, shape: tuple[int, ...], path: str) -> Array:
    field = _CONTENTS.get(tensor.datatype)
    if field is None:
        raise BadPayloadError(f"{path}.contents", f"contents of {tensor.datatype}", "raw contents, as it has no others")
    listed = getattr(tensor.contents, field)
    if len(listed) != math.prod(shape):
        found = f"{len(listed)} values"
        raise BadPayloadError(f"{path}.contents.{field}", found, f"{math.prod(shape)} for shape {list(shape)}")
    if tensor.datatype == "BYTES":
        return texts(list(listed)).reshape(shape)
    target = np.dtype(NUMPY_TYPES[tensor.datatype])
    values = np.array(listed, dtype=np.int64 if target.kind in "iu" and target.itemsize < 8 else target)
    if target != values.dtype and values.size:
        limits = np.iinfo(target)
        if values.min() < limits.min or values.max() > limits.max:
            found = f"numbers from {values.min()} to {values.max()}"
            raise BadPayloadError(
                f"{path}.contents.{field}", found, f"{limits.min} to {limits.max} ({tensor.datatype})"
            )
    return values.astype(target, copy=False).reshape(shape)


def _parameters(given: Any) -> dict[str, Any]:
    return {
        name: getattr(value, which)
        for name, value in given.items()
        if (which := value.WhichOneof("parameter_choice")) is not None
    }


def to_answer(answer: InferenceAnswer, *, raw: bool) -> Any:
    """A ModelInferResponse, ``raw`` as the request's contents were. Raises BadAnswerError."""
    made = ModelInferResponse(model_name=answer.model, model_version=answer.version, id=answer.id)
    contents = _add(made.outputs, answer.outputs, raw=raw)
    made.raw_output_contents.extend(contents)
    return made


def to_request(request: InferenceRequest, *, model: str, version: str = "", raw: bool = True) -> Any:
    """A ModelInferRequest. Raises BadAnswerError."""
    made = ModelInferRequest(model_name=model, model_version=version, id=request.id)
    _fill_parameters(made.parameters, request.parameters)
    contents = _add(made.inputs, request.inputs, raw=raw)
    made.raw_input_contents.extend(contents)
    for name in request.outputs:
        made.outputs.add(name=name)
    return made


def _add(made: Any, tensors: tuple[Tensor, ...], *, raw: bool) -> list[bytes]:
    raw = raw or any(tensor.datatype not in _CONTENTS for tensor in tensors)
    for tensor in tensors:
        written = made.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.values.shape)
        classes = {"classes": json.dumps(tensor.classes, ensure_ascii=False)} if tensor.classes else {}
        _fill_parameters(written.parameters, tensor.parameters | classes)
        if not raw:
            flat = octets(tensor.values) if tensor.datatype == "BYTES" else tensor.values.ravel().tolist()
            getattr(written.contents, _CONTENTS[tensor.datatype]).extend(flat)
    return [_raw(tensor) for tensor in tensors] if raw else []


def _raw(tensor: Tensor) -> bytes:
    if tensor.datatype == "BF16":
        return to_bytes((tensor.values.astype("<f4").view(np.uint32) >> 16).astype(np.uint16))
    return to_bytes(tensor.values)


def _fill_parameters(made: Any, parameters: dict[str, Any]) -> None:
    for name, value in parameters.items():
        if isinstance(value, bool):
            made[name].bool_param = value
        elif isinstance(value, int) and abs(value) < 2**63:
            made[name].int64_param = value
        elif isinstance(value, float):
            made[name].double_param = value
        else:
            made[name].string_param = value if isinstance(value, str) else json.dumps(value)
