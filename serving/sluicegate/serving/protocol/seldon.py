"""Seldon's JSON: prediction requests, answers, feedback and the status object of a failure.

Used by the server's doors, by bundles (their input example is such a request) and by the collector. The content is one
of ``data.ndarray``, ``data.tensor``, ``data.tftensor``, ``strData``, ``jsonData``, ``binData``, ``customData``; JSON
null in numeric data means NaN.
"""

import base64
import binascii
import math
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from sluicegate.serving.protocol import large_json
from sluicegate.serving.protocol.arrays import array_of, foreign, list_of
from sluicegate.serving.protocol.errors import BadAnswerError, BadPayloadError, shown
from sluicegate.serving.protocol.messages import (
    NO_META,
    Array,
    Feedback,
    JSONValue,
    Message,
    Meta,
    Metric,
    MetricKind,
    Status,
)
from sluicegate.serving.protocol.tensorflow_tensors import array_from_json, check_filled, json_of
from sluicegate.serving.protocol.tensors import check_extent

CONTENT_FIELDS = ("data", "strData", "jsonData", "binData", "customData")
_DATA_FIELDS = ("ndarray", "tensor", "tftensor")
_METRIC_KINDS: dict[Any, MetricKind] = {0: "COUNTER", 1: "GAUGE", 2: "TIMER"}
_METRIC_KINDS |= {kind: kind for kind in _METRIC_KINDS.values()}
_JSON = msgspec.json.Decoder()


def parse(body: bytes | bytearray) -> JSONValue:
    """The body as JSON. Raises BadPayloadError with the place where it ends to be JSON."""
    if not body:
        raise BadPayloadError("(body)", "nothing", "a JSON object")
    try:
        return _JSON.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadPayloadError("(body)", str(error), "a JSON object") from error


def parse_large(body: bytes) -> JSONValue:
    """As ``parse``, sooner where the body is a large table of floats: there, an array stands for the nested lists."""
    value = large_json.read(body) if len(body) >= large_json.LEAST else None
    return parse(body) if value is None else value


def message_from(value: JSONValue, path: str = "", *, reported: bool = False) -> Message:
    """Read a SeldonMessage; of a unit's answer, as ``reported`` says, status and metrics too.

    Raises BadPayloadError naming the field.
    """
    if not isinstance(value, dict):
        raise BadPayloadError(path or "(body)", shown(value), "a JSON object")
    present = [name for name in CONTENT_FIELDS if name in value]
    if len(present) != 1:
        raise _content_error(value, present, path)
    meta = meta_from(value["meta"], f"{path}meta", reported=reported) if value.get("meta") else NO_META
    name = present[0]
    read = _data if name == "data" else _other
    message = read(name, value[name], f"{path}{name}", meta)
    if reported and value.get("status"):
        return replace(message, status=status_from(value["status"], f"{path}status"))
    return message


def messages_from(value: JSONValue) -> list[Message]:
    """Read the messages that a combiner gets: a list of them, or a SeldonMessageList. Raises BadPayloadError."""
    listed = value.get("seldonMessages") if isinstance(value, dict) else value
    if not isinstance(listed, list) or not listed:
        raise BadPayloadError("(body)", shown(listed), "a list of messages, or an object with seldonMessages")
    read = [message_from(each, f"[{index}].", reported=True) for index, each in enumerate(listed)]
    check_filled((each.content for each in read), "(body)")
    return read


def status_from(value: JSONValue, path: str = "status") -> Status:
    """Read a status object. Raises BadPayloadError."""
    told = _mapping(value, path)
    code, flag = told.get("code", 0), told.get("status", 0)
    if isinstance(code, bool) or not isinstance(code, int):
        raise BadPayloadError(f"{path}.code", shown(code), "a whole number")
    if flag not in (0, 1, "SUCCESS", "FAILURE"):
        raise BadPayloadError(f"{path}.status", shown(flag), "SUCCESS or FAILURE")
    info, reason = (str(told.get(name) or "") for name in ("info", "reason"))
    return Status(code=code, info=info, reason=reason, failed=flag in (1, "FAILURE"))


def _content_error(value: dict[str, Any], present: list[str], path: str) -> BadPayloadError:
    found = " and ".join(present) or (f"only {', '.join(map(shown, list(value)[:5]))}" if value else "an empty object")
    return BadPayloadError(path or "(body)", found, f"exactly one of {', '.join(CONTENT_FIELDS)}")


def _data(_: str, data: JSONValue, path: str, meta: Meta) -> Message:
    if not isinstance(data, dict):
        raise BadPayloadError(path, shown(data), "an object with ndarray, tensor or tftensor")
    names = _names(data.get("names"), f"{path}.names")
    present = [name for name in _DATA_FIELDS if name in data]
    if present == ["ndarray"]:
        content = array_of(data["ndarray"], f"{path}.ndarray")
        return Message(content=content, form="ndarray", names=names, meta=meta)
    if present == ["tensor"]:
        return Message(content=_tensor(data["tensor"], f"{path}.tensor"), form="tensor", names=names, meta=meta)
    if present == ["tftensor"]:
        content = array_from_json(data["tftensor"], f"{path}.tftensor")
        return Message(content=content, form="tftensor", names=names, meta=meta)
    raise BadPayloadError(path, " and ".join(present) or "none of them", f"exactly one of {', '.join(_DATA_FIELDS)}")


def _names(names: JSONValue, path: str) -> tuple[str, ...]:
    if names is None:
        return ()
    if not isinstance(names, list):
        raise BadPayloadError(path, shown(names), "a list of strings")
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise BadPayloadError(f"{path}[{index}]", shown(name), "a string")
    return tuple(names)


def _tensor(tensor: JSONValue, path: str) -> Array:
    if not isinstance(tensor, dict):
        raise BadPayloadError(path, shown(tensor), "an object with shape and values")
    values = array_of(tensor.get("values"), f"{path}.values")
    if values.ndim != 1 or values.dtype.kind not in "fiub":
        raise BadPayloadError(f"{path}.values", "something else", "a flat list of numbers")
    shape = shape_from(tensor.get("shape", [len(values)]), f"{path}.shape")
    if math.prod(shape) != len(values):
        raise BadPayloadError(f"{path}.shape", f"{list(shape)} for {len(values)} values", "a shape of that many values")
    return values.reshape(shape)


def shape_from(shape: JSONValue, path: str) -> tuple[int, ...]:
    """Read a tensor's shape: up to 32 whole numbers, none negative."""
    if not isinstance(shape, list) or not 0 < len(shape) <= 32:
        raise BadPayloadError(path, shown(shape), "a list of 1 to 32 whole numbers")
    for index, length in enumerate(shape):
        if isinstance(length, bool) or not isinstance(length, int) or not 0 <= length < 2**31:
            raise BadPayloadError(f"{path}[{index}]", shown(length), "a whole number from 0 to 2147483647")
    check_extent(shape, path)
    return tuple(shape)


def _other(name: str, value: JSONValue, path: str, meta: Meta) -> Message:
    if name == "jsonData":
        return Message(content=value, form="jsonData", meta=meta)
    if name == "customData":
        return Message(content=_custom(value, path), form="customData", meta=meta)
    if not isinstance(value, str):
        raise BadPayloadError(path, shown(value), "a string" if name == "strData" else "a base64 string")
    if name == "strData":
        return Message(content=value, form="strData", meta=meta)
    try:
        return Message(content=base64.b64decode(value, validate=True), form="binData", meta=meta)
    except (binascii.Error, ValueError) as error:
        raise BadPayloadError(path, shown(value), "a base64 string") from error


def _custom(value: JSONValue, path: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not isinstance(value.get("@type"), str) or not value["@type"]:
        raise BadPayloadError(path, shown(value), "an object whose @type names its protobuf message")
    return value


def meta_from(value: JSONValue, path: str = "meta", *, reported: bool = False) -> Meta:
    """Read ``meta``; unknown fields are ignored, and metrics unless a unit ``reported`` them.

    Raises BadPayloadError naming the field.
    """
    if not isinstance(value, dict):
        raise BadPayloadError(path, shown(value), "an object")
    puid = "" if value.get("puid") is None else value["puid"]
    if not isinstance(puid, str) or len(puid) > 256 or not puid.isascii() or not (puid.isprintable()):
        raise BadPayloadError(f"{path}.puid", shown(puid), "at most 256 printable ASCII characters")
    return Meta(
        puid=puid,
        tags=_mapping(value.get("tags"), f"{path}.tags"),
        routing=_routing(value.get("routing"), f"{path}.routing"),
        request_path={str(k): str(v) for k, v in _mapping(value.get("requestPath"), f"{path}.requestPath").items()},
        metrics=_metrics(value.get("metrics"), f"{path}.metrics") if reported else (),
    )


def _metrics(value: JSONValue, path: str) -> tuple[Metric, ...]:
    if value is not None and not isinstance(value, list):
        raise BadPayloadError(path, shown(value), "a list of metrics")
    return tuple(_metric_from(each, f"{path}[{index}]") for index, each in enumerate(value or ()))


def _metric_from(value: JSONValue, path: str) -> Metric:
    told = _mapping(value, path)
    key, kind = told.get("key"), told.get("type", 0)
    if not isinstance(key, str) or not key:
        raise BadPayloadError(f"{path}.key", shown(key), "a name")
    if not isinstance(kind, str | int) or kind not in _METRIC_KINDS:
        raise BadPayloadError(f"{path}.type", shown(kind), "COUNTER, GAUGE or TIMER")
    tags = {str(name): str(text) for name, text in _mapping(told.get("tags"), f"{path}.tags").items()}
    figure = finite(told.get("value", 0.0), f"{path}.value")
    return Metric(key=key, kind=_METRIC_KINDS[kind], value=figure, tags=tags, counted=True)


def finite(value: JSONValue, path: str) -> float:
    """A number that is one, as counters add it up. Raises BadPayloadError."""
    try:
        number = math.nan if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise BadPayloadError(path, shown(value), "a number")
    return number


def _mapping(value: JSONValue, path: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadPayloadError(path, shown(value), "an object")
    return value


def _routing(value: JSONValue, path: str) -> dict[str, int]:
    routing = _mapping(value, path)
    for unit, branch in routing.items():
        if isinstance(branch, bool) or not isinstance(branch, int):
            raise BadPayloadError(f"{path}.{unit}", shown(branch), "the number of a branch")
    return routing


def feedback_from(value: JSONValue) -> Feedback:
    """Read a Feedback. Raises BadPayloadError when nothing joins it to an answer and nothing is told."""
    if not isinstance(value, dict):
        raise BadPayloadError("(body)", shown(value), "a JSON object")
    reward = finite(value.get("reward", 0.0), "reward")
    meta = _meta_of(value, "response")
    truth = message_from(value["truth"], "truth.") if value.get("truth") else None
    if not any(name in value for name in ("truth", "reward", "response", "request")):
        raise BadPayloadError("(body)", "none of them", "truth or reward, and response.meta.puid")
    return Feedback(
        puid=meta.puid or _meta_of(value, "request").puid,
        reward=reward,
        truth=truth,
        request=_part(value, "request"),
        response=_part(value, "response"),
        routing=meta.routing,
    )


def _meta_of(value: dict[str, Any], part: str) -> Meta:
    inner = _mapping(value.get(part), part)
    return meta_from(inner["meta"], f"{part}.meta") if inner.get("meta") else NO_META


def _part(value: dict[str, Any], part: str) -> Message | None:
    inner = _mapping(value.get(part), part)
    return message_from(inner, f"{part}.") if any(name in inner for name in CONTENT_FIELDS) else None


def body_of(message: Message) -> dict[str, Any]:
    """The message as Seldon's JSON. Raises BadAnswerError for content that JSON cannot carry, NaN included."""
    body = _content(message)
    meta = message.meta
    written: dict[str, Any] = {"puid": meta.puid} if meta.puid else {}
    if meta.tags:
        written["tags"] = meta.tags
    if meta.routing:
        written["routing"] = meta.routing
    if meta.request_path:
        written["requestPath"] = meta.request_path
    if meta.metrics:
        written["metrics"] = [_metric(metric) for metric in meta.metrics]
    body["meta"] = written
    if message.status is not None:
        body["status"] = _status(message.status)
    return body


def _status(status: Status) -> dict[str, Any]:
    flag = "FAILURE" if status.failed else "SUCCESS"
    return {"code": status.code, "info": status.info, "reason": status.reason, "status": flag}


def body_of_feedback(feedback: Feedback) -> dict[str, Any]:
    """The feedback as Seldon's JSON; its puid and routing stand in the response's meta. Raises BadAnswerError."""
    response = body_of(feedback.response) if feedback.response is not None else {"meta": {}}
    known = {name: told for name, told in (("puid", feedback.puid), ("routing", feedback.routing)) if told}
    body: dict[str, Any] = {"reward": feedback.reward, "response": response | {"meta": {**response["meta"], **known}}}
    for name, part in (("request", feedback.request), ("truth", feedback.truth)):
        if part is not None:
            body[name] = body_of(part)
    return body


def _content(message: Message) -> dict[str, Any]:
    content = message.content
    if isinstance(content, np.ndarray):
        return {"data": _written(content, message)}
    if isinstance(content, bytes):
        return {"binData": base64.b64encode(content).decode()}
    if message.form == "customData":
        return {"customData": content}
    return {"strData" if message.form == "strData" else "jsonData": content}


def _written(content: Array, message: Message) -> dict[str, Any]:
    named: dict[str, Any] = {"names": list(message.names)}
    if message.form == "tftensor":
        return named | {"tftensor": json_of(content)}
    values = list_of(content)
    if message.form == "tensor" and content.dtype.kind in "fiub":
        flat = content.ravel().tolist()
        return named | {"tensor": {"shape": list(content.shape) or [1], "values": flat}}
    return named | {"ndarray": values}


def _metric(metric: Metric) -> dict[str, Any]:
    written = {"key": metric.key, "type": metric.kind, "value": metric.value}
    return written | {"tags": metric.tags} if metric.tags else written


def log_value(message: Message) -> dict[str, Any]:
    """The message as Seldon's JSON for the request log, whatever its form; what is no finite number is null."""
    content = message.content
    if isinstance(content, np.ndarray):
        body: dict[str, Any] = {"data": {"names": list(message.names), "ndarray": _finite_or_null(content).tolist()}}
    elif isinstance(content, dict) and any(isinstance(each, np.ndarray) for each in content.values()):
        parts = {name: _finite_or_null(np.asarray(each)).tolist() for name, each in content.items()}
        body = {"jsonData": parts}
    else:
        body = _content(message)
    return body | {"meta": {"puid": message.meta.puid}}


def with_nulls(message: Message) -> Message:
    """The message with null for a value that is missing (NaN): for another unit it is a value like others."""
    content = message.content
    if not isinstance(content, np.ndarray) or content.dtype.kind != "f" or message.form == "tftensor":
        return message
    missing = np.isnan(content)
    if not missing.any():
        return message
    listed = content.astype(object)
    listed[missing] = None
    return replace(message, content=listed)


def _finite_or_null(array: Array) -> Array:
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array
    listed = array.astype(object)
    listed[~np.isfinite(array)] = None
    return listed


def encode(value: JSONValue) -> bytes:
    """JSON bytes. Raises BadAnswerError for what JSON cannot carry."""
    try:
        return msgspec.json.encode(value, enc_hook=foreign)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadAnswerError(f"the answer cannot be written as JSON: {error}") from error


def failure(code: int, reason: str, info: str, puid: str = "") -> dict[str, Any]:
    """Seldon's status object: ``info`` says what was wrong and what to do."""
    status = _status(Status(code=code, info=info, reason=reason, failed=True))
    return {"status": status, "meta": {"puid": puid}} if puid else {"status": status}
