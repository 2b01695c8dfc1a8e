"""Seldon's protobuf messages to ours and back: predictions, answers, feedback, lists for combiners, failures.

For the gRPC door and for calls of remote units. It says what ``seldon`` says in JSON, by the same rules: whole numbers
of ``ndarray``, ``jsonData`` and tags are whole numbers, and an empty value is null.
"""

import base64
import binascii
import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from google.protobuf.descriptor_pool import Default
from google.protobuf.json_format import Error as JsonFormatError
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import DecodeError

from sluicegate.serving.protocol.arrays import array_of, foreign, list_of
from sluicegate.serving.protocol.errors import BadAnswerError, BadPayloadError, NotCarriedError
from sluicegate.serving.protocol.messages import NO_META, Array, Feedback, JSONValue, Message, Meta, Status
from sluicegate.serving.protocol.protobuf import POOL, message_type
from sluicegate.serving.protocol.seldon import finite, meta_from
from sluicegate.serving.protocol.tensorflow_protobuf import fill_tensor, tensor_array
from sluicegate.serving.protocol.tensorflow_tensors import check_filled
from sluicegate.serving.protocol.tensors import check_extent

SeldonMessage = message_type("seldon.protos.SeldonMessage")
SeldonMessageList = message_type("seldon.protos.SeldonMessageList")
FeedbackMessage = message_type("seldon.protos.Feedback")
_Any = message_type("google.protobuf.Any")
_KINDS = {0: "COUNTER", 1: "GAUGE", 2: "TIMER"}
_NUMBERS = {name: number for number, name in _KINDS.items()}
_EXACT = 2**53
"""Whole numbers beyond are not all doubles."""


def message_from(received: Any, path: str = "", *, reported: bool = False) -> Message:
    """Read a SeldonMessage; of a unit's answer, as ``reported`` says, status and metrics too.

    Raises BadPayloadError naming the field.
    """
    which = received.WhichOneof("data_oneof")
    if which is None:
        raise BadPayloadError(path or "(message)", "no content", "one of data, binData, strData, jsonData, customData")
    meta = _meta(received.meta, f"{path}meta", reported=reported) if received.HasField("meta") else NO_META
    status = status_from(received) if reported and received.HasField("status") else None
    if which == "data":
        content, form = _data(received.data, f"{path}data")
        return Message(content=content, form=form, names=tuple(received.data.names), meta=meta, status=status)
    if which == "jsonData":
        return Message(content=_plain(received.jsonData), form="jsonData", meta=meta, status=status)
    if which == "customData":
        return Message(content=_custom(received.customData), form="customData", meta=meta, status=status)
    return Message(content=getattr(received, which), form=which, meta=meta, status=status)


def status_from(received: Any) -> Status:
    """What a SeldonMessage says of how the call went."""
    told = received.status
    return Status(code=told.code, info=told.info, reason=told.reason, failed=told.status == 1)


def messages_from(received: Any) -> list[Message]:
    """Read a SeldonMessageList. Raises BadPayloadError."""
    if not received.seldonMessages:
        raise BadPayloadError("seldonMessages", "none", "at least one message")
    read = [
        message_from(each, f"seldonMessages[{index}].", reported=True)
        for index, each in enumerate(received.seldonMessages)
    ]
    check_filled((each.content for each in read), "seldonMessages")
    return read


def _data(data: Any, path: str) -> tuple[Array, Any]:
    which = data.WhichOneof("data_oneof")
    if which == "tensor":
        return _tensor(data.tensor, f"{path}.tensor"), which
    if which == "ndarray":
        return array_of([_plain(each) for each in data.ndarray.values], f"{path}.ndarray"), which
    if which == "tftensor":
        return tensor_array(data.tftensor, f"{path}.tftensor"), which
    raise BadPayloadError(path, "none of them", "exactly one of ndarray, tensor, tftensor")


def _tensor(tensor: Any, path: str) -> Array:
    values = np.array(tensor.values, dtype=np.float64)
    shape = tuple(tensor.shape) or (len(values),)
    if min(shape) < 0 or len(shape) > 32 or int(np.prod(shape, dtype=object)) != len(values):
        found = f"{list(shape)[:33]} for {len(values)} values"
        raise BadPayloadError(f"{path}.shape", found, "a shape of that many values")
    check_extent(shape, f"{path}.shape")
    return values.reshape(shape)


def _plain(value: Any) -> JSONValue:
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() and abs(number) <= _EXACT else number
    if kind == "list_value":
        return [_plain(each) for each in value.list_value.values]
    if kind == "struct_value":
        return {name: _plain(each) for name, each in value.struct_value.fields.items()}
    return None if kind in (None, "null_value") else getattr(value, kind)


def _meta(meta: Any, path: str, *, reported: bool) -> Meta:
    value: dict[str, Any] = {
        "puid": meta.puid,
        "tags": {name: _plain(each) for name, each in meta.tags.items()},
        "routing": dict(meta.routing),
        "requestPath": dict(meta.requestPath),
    }
    if reported:
        value["metrics"] = [
            {"key": each.key, "type": each.type, "value": each.value, "tags": dict(each.tags)} for each in meta.metrics
        ]
    return meta_from(value, path, reported=reported)


def _custom(packed: Any) -> dict[str, Any]:
    for pool in (POOL, Default()):
        try:
            return dict(MessageToDict(packed, preserving_proto_field_name=False, descriptor_pool=pool))
        except (TypeError, JsonFormatError, KeyError, DecodeError):
            continue
    return {"@type": packed.type_url, "value": base64.b64encode(packed.value).decode()}


def feedback_from(received: Any) -> Feedback:
    """Read a Feedback. Raises BadPayloadError when nothing joins it to an answer and nothing is told."""
    present = {name for name in ("request", "response", "truth") if received.HasField(name)}
    if not present and not received.reward:
        raise BadPayloadError("(message)", "none of them", "truth or reward, and response.meta.puid")
    metas = {name: _meta(getattr(received, name).meta, f"{name}.meta", reported=False) for name in present}
    answered, asked = metas.get("response", NO_META), metas.get("request", NO_META)
    return Feedback(
        puid=answered.puid or asked.puid,
        reward=finite(received.reward, "reward"),
        truth=_part(received, "truth"),
        request=_part(received, "request"),
        response=_part(received, "response"),
        routing=answered.routing,
    )


def _part(received: Any, name: str) -> Message | None:
    inner = getattr(received, name)
    return message_from(inner, f"{name}.") if inner.WhichOneof("data_oneof") else None


def to_message(message: Message) -> Any:
    """The message as a SeldonMessage. Raises BadAnswerError for what protobuf or Seldon's form of it cannot carry."""
    made = SeldonMessage()
    try:
        _fill_content(made, message)
        _fill_meta(made.meta, message.meta)
    except (TypeError, ValueError, RecursionError, JsonFormatError) as error:
        raise BadAnswerError(f"the answer cannot be written as a SeldonMessage: {error}") from error
    if message.status is not None:
        _fill_status(made.status, message.status)
    return made


def to_messages(messages: Sequence[Message]) -> Any:
    """What a combiner is called with. Raises BadAnswerError."""
    return SeldonMessageList(seldonMessages=[to_message(each) for each in messages])


def to_feedback(feedback: Feedback) -> Any:
    """The feedback as a unit is told it. Raises BadAnswerError."""
    made = FeedbackMessage(reward=feedback.reward)
    for name in ("request", "response", "truth"):
        part = getattr(feedback, name)
        if part is not None:
            getattr(made, name).CopyFrom(to_message(part))
    if feedback.puid and not made.response.meta.puid:
        made.response.meta.puid = feedback.puid
    made.response.meta.routing.update(feedback.routing)
    return made


def failure(code: int, reason: str, info: str, puid: str = "") -> Any:
    """Seldon's status of a failure."""
    made = SeldonMessage()
    _fill_status(made.status, Status(code=code, info=info, reason=reason, failed=True))
    if puid:
        made.meta.puid = puid
    return made


def _fill_content(made: Any, message: Message) -> None:
    content = message.content
    if isinstance(content, np.ndarray):
        _fill_data(made.data, content, message)
    elif isinstance(content, bytes):
        made.binData = content
    elif isinstance(content, str) and message.form == "strData":
        made.strData = content
    elif isinstance(content, dict) and message.form == "customData":
        _fill_custom(made.customData, content)
    else:
        ParseDict(_carried(msgspec.to_builtins(content, enc_hook=foreign)), made.jsonData)


def _fill_data(data: Any, content: Array, message: Message) -> None:
    data.names.extend(message.names)
    if message.form == "tftensor":
        fill_tensor(data.tftensor, content)
    elif message.form == "tensor" and content.dtype.kind in "fiub":
        _check_finite(content)
        data.tensor.shape.extend(content.shape or (1,))
        data.tensor.values.extend(_doubles(content).ravel().tolist())
    else:
        values = list_of(content)
        if content.dtype.kind in "iu":
            _doubles(content)
        data.ndarray.SetInParent()
        data.ndarray.extend(_carried(values) if content.dtype.kind == "O" else values)


def _check_finite(content: Array) -> None:
    if content.dtype.kind == "f" and not np.isfinite(content).all():
        list_of(content)


def _doubles(content: Array) -> Array:
    if content.dtype.kind in "iu" and content.size and max(abs(int(content.max())), abs(int(content.min()))) > _EXACT:
        raise NotCarriedError(
            "the answer holds whole numbers beyond 2^53, which Seldon's protobuf cannot carry but as tftensor"
        )
    return content.astype(np.float64)


def _carried(value: JSONValue) -> JSONValue:
    if isinstance(value, dict):
        return {str(name): _carried(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_carried(each) for each in value]
    if isinstance(value, int) and abs(value) > _EXACT:
        raise NotCarriedError(f"the answer holds {value}, beyond 2^53, which protobuf's Value cannot carry")
    # As in JSON, where what is no number is null.
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _fill_custom(packed: Any, content: dict[str, Any]) -> None:
    for pool in (POOL, Default()):
        try:
            packed.CopyFrom(ParseDict(content, _Any(), descriptor_pool=pool))
        except (TypeError, JsonFormatError, KeyError):
            continue
        return
    if set(content) != {"@type", "value"}:
        raise NotCarriedError(
            f"customData: {content['@type']} is not known here; only its bytes (value) can be carried"
        )
    try:
        packed.type_url, packed.value = content["@type"], base64.b64decode(content["value"], validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise BadAnswerError(f"customData.value is no base64 string: {error}") from error


def _fill_meta(made: Any, meta: Meta) -> None:
    made.puid = meta.puid
    for name, value in meta.tags.items():
        ParseDict(_carried(msgspec.to_builtins(value, enc_hook=foreign)), made.tags[name])
    made.routing.update(meta.routing)
    made.requestPath.update(meta.request_path)
    for metric in meta.metrics:
        made.metrics.add(key=metric.key, type=_NUMBERS[metric.kind], value=metric.value, tags=metric.tags)


def _fill_status(made: Any, status: Status) -> None:
    made.code, made.info, made.reason, made.status = status.code, status.info, status.reason, int(status.failed)
