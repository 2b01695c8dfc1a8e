"""Kubernetes' protobuf bodies of the core kinds: kubectl sends them for ``create secret`` and its like.

Read by hand, by the field numbers of ``k8s.io/api/core/v1/generated.proto``: a table of what kubectl sends is smaller
than the generated classes. Answers stay JSON, which every client reads.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.api.errors import bad_request

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    type: Literal["text", "bytes", "flag", "texts", "map", "bytes map", "message", "messages"] = "text"
    fields: "dict[int, _Field]" = field(default_factory=dict)


_OWNER = {
    1: _Field("kind"),
    3: _Field("name"),
    4: _Field("uid"),
    5: _Field("apiVersion"),
    6: _Field("controller", "flag"),
    7: _Field("blockOwnerDeletion", "flag"),
}
_META = {
    1: _Field("name"),
    2: _Field("generateName"),
    3: _Field("namespace"),
    5: _Field("uid"),
    6: _Field("resourceVersion"),
    11: _Field("labels", "map"),
    12: _Field("annotations", "map"),
    13: _Field("ownerReferences", "messages", _OWNER),
    14: _Field("finalizers", "texts"),
}
_KINDS: dict[str, dict[int, _Field]] = {
    "ConfigMap": {
        1: _Field("metadata", "message", _META),
        2: _Field("data", "map"),
        3: _Field("binaryData", "bytes map"),
        4: _Field("immutable", "flag"),
    },
    "Secret": {
        1: _Field("metadata", "message", _META),
        2: _Field("data", "bytes map"),
        3: _Field("type"),
        4: _Field("stringData", "map"),
        5: _Field("immutable", "flag"),
    },
    "Namespace": {1: _Field("metadata", "message", _META)},
}
_TYPE = {1: _Field("apiVersion"), 2: _Field("kind")}
_ENVELOPE = {1: _Field("type", "message", _TYPE), 2: _Field("raw", "bytes")}


def parsed_protobuf(read: bytes) -> JSON:
    """The body as the JSON object that it means. Raises RequestError."""
    if not read.startswith(_MAGIC):
        raise bad_request("the body is not Kubernetes' protobuf: it does not begin with k8s")
    try:
        envelope = _message(read[len(_MAGIC) :], _ENVELOPE)
        type_: JSON = envelope.get("type", {})
        kind = type_.get("kind", "")
        if kind not in _KINDS:
            raise bad_request(f"{kind!r} is not read as protobuf here (only {', '.join(_KINDS)}): send JSON")
        return type_ | _message(envelope.get("raw", b""), _KINDS[kind])
    except (IndexError, UnicodeDecodeError, AttributeError) as error:
        raise bad_request(f"the body is broken protobuf: {error}") from error


def _message(read: bytes, fields: dict[int, _Field]) -> JSON:
    message: JSON = {}
    for number, value in _wire(read):
        known = fields.get(number)
        if known is not None:
            _put(message, known, value)
    return message


def _put(message: JSON, known: _Field, value: Any) -> None:
    if isinstance(value, int) is not (known.type == "flag"):
        raise IndexError(f"field {known.name} has the wrong wire type")
    if known.type in ("map", "bytes map"):
        entry = dict(_wire(value))
        text = base64.b64encode(entry.get(2, b"")) if known.type == "bytes map" else entry.get(2, b"")
        message.setdefault(known.name, {})[entry.get(1, b"").decode()] = text.decode()
    elif known.type == "messages":
        message.setdefault(known.name, []).append(_message(value, known.fields))
    elif known.type == "texts":
        message.setdefault(known.name, []).append(value.decode())
    elif known.type == "message":
        message[known.name] = _message(value, known.fields)
    elif known.type == "flag":
        message[known.name] = bool(value)
    elif value:
        message[known.name] = value if known.type == "bytes" else value.decode()


def _wire(read: bytes) -> Iterator[tuple[int, Any]]:
    """Fields by number: whole numbers, or bytes. IndexError when it ends too early."""
    position = 0
    while position < len(read):
        tag, position = _varint(read, position)
        wire = tag & 7
        if wire == 0:
            value, position = _varint(read, position)
            yield tag >> 3, value
            continue
        length, position = _varint(read, position) if wire == 2 else ({1: 8, 5: 4}.get(wire, -1), position)
        if length < 0 or position + length > len(read):
            raise IndexError("it ends in the middle of a field")
        yield tag >> 3, read[position : position + length]
        position += length


def _varint(read: bytes, position: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = read[position + shift // 7]
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position + shift // 7 + 1
    raise IndexError("a number is too long")
