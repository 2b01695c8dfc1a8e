"""CloudEvents 1.0 as the request log sends them: one, or a batch, read and checked field by field.

In a batch every good event is taken and every bad one refused by position and field; the sender need send neither
again. Types that nobody here reads are accepted and ignored, so that a newer server can say more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

REQUEST = "io.seldon.serving.inference.request"
RESPONSE = "io.seldon.serving.inference.response"
FEEDBACK = "io.seldon.serving.feedback"
MODEL_READY = "dev.sluicegate.model.ready"
TYPES = frozenset({REQUEST, RESPONSE, FEEDBACK, MODEL_READY})

MOST_CHARACTERS = 512
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event. Attribute names are CloudEvents' own; ``data`` stays as it came until somebody needs it."""

    id: str
    source: str
    type: str
    time: str = ""
    requestid: str = ""
    modelid: str = ""
    inferenceservicename: str = ""
    namespace: str = ""
    endpoint: str = ""
    statuscode: str | int = "200"
    durationms: str | float = ""
    shadow: str | bool = ""
    modelversion: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def key(self) -> str:
        """What tells it from any other event: CloudEvents makes source and id unique together."""
        return f"{self.source} {self.id}"

    @property
    def is_shadow(self) -> bool:
        """Whether it is about a copy of a request that no user waits for."""
        return self.shadow in ("true", True)

    @property
    def failed(self) -> bool:
        """Whether the status code is none of the 2xx."""
        return not str(self.statuscode).startswith("2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Events that were understood, and a sentence for each that was not."""

    events: tuple[Event, ...]
    refusals: tuple[str, ...] = ()


_EVENTS = msgspec.json.Decoder(list[Event])
_PARTS = msgspec.json.Decoder(list[msgspec.Raw])
_EVENT = msgspec.json.Decoder(Event)
_ANY = msgspec.json.Decoder()


def read_batch(body: bytes) -> Batch:
    """The events of a JSON array (``application/cloudevents-batch+json``)."""
    try:
        events = _EVENTS.decode(body)
    except msgspec.ValidationError:
        return _one_by_one(body)
    except UNREADABLE as error:
        return Batch(events=(), refusals=(f"body: {error}; expected a JSON array of CloudEvents",))
    return _checked(list(enumerate(events)), [])


def read_one(body: bytes) -> Batch:
    """The event of a JSON object (``application/cloudevents+json``)."""
    return read_batch(b"[" + body + b"]")


def read_binary(headers: Mapping[str, str], body: bytes) -> Batch:
    """An event whose attributes are ``ce-`` headers and whose data is the body, as Seldon's own executor sends them."""
    attributes: dict[str, Any] = {name[3:].lower(): value for name, value in headers.items() if name.startswith("ce-")}
    try:
        _ANY.decode(body or b"null")
        event = msgspec.convert(attributes | {"data": msgspec.Raw(body or b"null")}, Event)
    except UNREADABLE as error:
        return Batch(events=(), refusals=(f"event: {error}; expected ce-id, ce-source, ce-type and a JSON body",))
    return _checked([(0, event)], [])


def read_data(event: Event) -> Any:
    """The decoded payload; None when it is no JSON."""
    try:
        return _ANY.decode(event.data)
    except UNREADABLE:
        return None


def _one_by_one(body: bytes) -> Batch:
    try:
        parts = _PARTS.decode(body)
    except UNREADABLE as error:
        return Batch(events=(), refusals=(f"body: {error}; expected a JSON array of CloudEvents",))
    events: list[tuple[int, Event]] = []
    refusals: list[str] = []
    for index, part in enumerate(parts):
        try:
            events.append((index, _EVENT.decode(part)))
        except UNREADABLE as error:
            refusals.append(f"events[{index}]: {error}")
    return _checked(events, refusals)


def _checked(events: list[tuple[int, Event]], refusals: list[str]) -> Batch:
    faults = {index: fault for index, event in events if (fault := _fault(event))}
    return Batch(
        events=tuple(event for index, event in events if index not in faults),
        refusals=(*refusals, *(f"events[{index}].{fault}" for index, fault in faults.items())),
    )


def _fault(event: Event) -> str:
    for name in ("id", "source", "type"):
        if not 0 < len(getattr(event, name)) <= MOST_CHARACTERS:
            return f"{name}: found {len(getattr(event, name))} characters; expected 1 to {MOST_CHARACTERS}"
    if event.type not in TYPES:
        return ""
    if event.type in (REQUEST, RESPONSE) and not event.requestid:
        return "requestid: missing; expected the request's id"
    for name in ("namespace", "inferenceservicename", "endpoint"):
        if not 0 < len(getattr(event, name)) <= MOST_CHARACTERS:
            return f"{name}: found {getattr(event, name)[:60]!r}; expected 1 to {MOST_CHARACTERS} characters"
    return ""
