"""The request log: what was asked and answered, as batches of CloudEvents to the collector, never before the answer.

The event loop only appends to a bounded queue; a thread of its own redacts, encodes and sends. What finds the queue
full, or cannot be delivered, is dropped and counted: a collector that is down costs no request. What the collector
refuses is dropped, too, and not sent again; the rest of its batch is kept.
"""

import http.client
import logging
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import time
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec

from sluicegate.serving.protocol import trace_context
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.protocol.seldon import encode, log_value, parse
from sluicegate.serving.server.log_answers import Outcome, outcome
from sluicegate.serving.server.redaction import Redaction, redacted

REQUEST = "io.seldon.serving.inference.request"
RESPONSE = "io.seldon.serving.inference.response"
FEEDBACK = "io.seldon.serving.feedback"
READY = "dev.sluicegate.model.ready"
_MEDIA_TYPE = "application/cloudevents-batch+json"
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds between attempts: about as long as a collector needs to start again."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event before it is encoded. ``data`` is JSON bytes, a value, or a message that did not travel as JSON."""

    type: str
    request_id: str
    at: float = field(default_factory=time)
    data: bytes | dict[str, Any] | Message
    status: int | None = None
    seconds: float | None = None
    shadow: bool = False
    headers: trace_context.Headers = field(default_factory=dict)
    """Of the request: they say which trace it belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends: attributes that all events have. ``columns`` name the table of a request that brings no names."""

    source: str
    attributes: dict[str, str]
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    redaction: Redaction = field(default_factory=Redaction)


def event_of(entry: Entry, sender: Sender) -> dict[str, Any]:
    """The entry as a CloudEvent 1.0. Data that is not JSON is left out."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": sender.source,
        "type": entry.type,
        "time": datetime.fromtimestamp(entry.at, UTC).isoformat().replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "requestid": entry.request_id,
        **sender.attributes,
    }
    if entry.status is not None:
        event["statuscode"] = str(entry.status)
    if entry.seconds is not None:
        event["durationms"] = f"{entry.seconds * 1000:.3f}"
    if entry.shadow:
        event["shadow"] = "true"
    context = trace_context.read(entry.headers)
    if context is not None:
        event["traceparent"] = context.traceparent
        if context.state:
            event["tracestate"] = context.state
    event["data"] = _data(entry, sender)
    return event


def _data(entry: Entry, sender: Sender) -> Any:
    if isinstance(entry.data, dict):
        return entry.data
    data = encode(log_value(entry.data)) if isinstance(entry.data, Message) else entry.data
    if not sender.redaction.active and data:
        return msgspec.Raw(data)
    try:
        payload = parse(data)
    except BadPayloadError:
        return None
    return redacted(payload, sender.redaction, sender.classes if entry.type == RESPONSE else sender.columns)


class RequestLog:
    """A bounded queue and the thread that empties it."""

    def __init__(self, url: str, *, queue_size: int = 10_000, batch: int = 500, wait_seconds: float = 0.1) -> None:
        parts = urlsplit(url)
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname or "", parts.port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._entries: deque[tuple[Entry, Sender]] = deque()
        self._size, self._batch, self._wait = queue_size, batch, wait_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="request-log", daemon=True)
        self._connection: http.client.HTTPConnection | None = None
        self._reported = False
        self._away = False
        self.dropped = 0
        self.sent = 0

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def offer(self, entry: Entry, sender: Sender) -> None:
        """Queue an event; count it as dropped when the queue is full."""
        if len(self._entries) >= self._size:
            self.dropped += 1
        else:
            self._entries.append((entry, sender))

    def stop(self, seconds: float) -> None:
        """Send what is queued, for so long at most."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _work(self) -> None:
        while not (self._stopping.wait(self._wait) and not self._entries):
            while self._entries:
                taken = [self._entries.popleft() for _ in range(min(self._batch, len(self._entries)))]
                self._deliver(taken)

    def _deliver(self, taken: list[tuple[Entry, Sender]]) -> None:
        events = []
        for entry, sender in taken:
            try:
                events.append(msgspec.json.encode(event_of(entry, sender)))
            except Exception as error:  # noqa: BLE001  (one event that cannot be encoded must not end the log)
                self._lost(1, str(error))
        if events:
            self._send(events)

    def _send(self, events: list[bytes]) -> None:
        body = b"[" + b",".join(events) + b"]"
        found = self._post(body, len(events))
        # While it stays away, each batch is tried once: what waits would only fill the memory.
        for pause in () if self._away else _PAUSES:
            if found.verdict != "again":
                break
            self._stopping.wait(pause)
            found = self._post(body, len(events))
        self._away = found.verdict == "again"
        if found.verdict == "halve":
            middle = len(events) // 2
            self._send(events[:middle])
            self._send(events[middle:])
            return
        lost = len(events) if self._away else found.refused
        self.sent += len(events) - lost
        if lost:
            self._lost(lost, found.reason)
        else:
            self._reported = False

    def _post(self, body: bytes, count: int) -> Outcome:
        try:
            if self._connection is None:
                kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
                self._connection = kind(self._host, self._port, timeout=2)
            self._connection.request("POST", self._path, body, {"Content-Type": _MEDIA_TYPE})
            response = self._connection.getresponse()
            return outcome(response.status, response.read(), count)
        except (OSError, http.client.HTTPException) as error:
            self._connection = None
            return Outcome(verdict="again", reason=f"{type(error).__name__}: {error}")

    def _lost(self, count: int, reason: str) -> None:
        self.dropped += count
        if not self._reported:
            self._reported = True
            _LOG.warning("request log: %d events dropped: %s", count, reason)
