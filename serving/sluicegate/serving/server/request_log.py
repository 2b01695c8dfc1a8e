"""The request log: what was asked and answered, as CloudEvents to the collector, never before the answer.

The event loop only appends to a queue that is bounded in number and bytes; a thread of its own redacts, encodes and
sends. What finds the queue full, or cannot be delivered, is dropped and counted: a collector that is down costs no
request. What the collector refuses is dropped, too, and not sent again; the rest of its batch is kept.
"""

import logging
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import time
from typing import Any
from uuid import uuid4

import msgspec

from sluicegate.serving.protocol import trace_context
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.protocol.seldon import encode, log_value, parse
from sluicegate.serving.server.log_sending import Sink
from sluicegate.serving.server.redaction import Redaction, redacted
from sluicegate.serving.server.settings import Settings

REQUEST = "io.seldon.serving.inference.request"
RESPONSE = "io.seldon.serving.inference.response"
FEEDBACK = "io.seldon.serving.feedback"
READY = "dev.sluicegate.model.ready"
_LEFT_OUT = {"all": "", "request": RESPONSE, "response": REQUEST}
"""By mode; what is no event of a prediction is told in any case."""
_BATCH_BYTES = 1024 * 1024
_SMALL = 1000
"""What an event is counted as beside its data."""
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
    protocol: str = ""
    """Whose JSON the data is: seldon, v2 or tensorflow."""

    @property
    def size(self) -> int:
        """About its bytes."""
        if isinstance(self.data, Message):
            return _SMALL + self.data.size
        return _SMALL + len(self.data) if isinstance(self.data, bytes) else _SMALL


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
    if entry.protocol:
        event["protocol"] = entry.protocol
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
    """A bounded queue and the thread that empties it. ``form`` and ``mode`` are words of the settings."""

    def __init__(
        self,
        url: str,
        *,
        queue_size: int = 10_000,
        queue_bytes: int = 64 * 1024 * 1024,
        batch: int = 500,
        wait_seconds: float = 0.1,
        form: str = "batch",
        mode: str = "all",
    ) -> None:
        self._entries: deque[tuple[Entry, Sender]] = deque()
        self._size, self._most_bytes, self._batch, self._wait = queue_size, queue_bytes, batch, wait_seconds
        self._left_out = _LEFT_OUT[mode]
        self._added = self._taken = 0
        """Bytes that came to the queue, counted by the event loop, and left it, counted by the thread."""
        self._stopping = threading.Event()
        self._sink = Sink(url, form)
        self._thread = threading.Thread(target=self._work, name="request-log", daemon=True)
        self._reported = False
        self.dropped = 0
        self.sent = 0

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def offer(self, entry: Entry, sender: Sender) -> None:
        """Queue an event; count it as dropped when the queue is full."""
        if entry.type == self._left_out:
            return
        size = entry.size
        if len(self._entries) >= self._size or self._added - self._taken + size > self._most_bytes:
            self.dropped += 1
        else:
            self._added += size
            self._entries.append((entry, sender))

    @property
    def waiting(self) -> int:
        """Events in the queue."""
        return len(self._entries)

    def stop(self, seconds: float) -> None:
        """Send what is queued, for so long at most."""
        self._sink.stop(seconds)
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(seconds)

    def _work(self) -> None:
        while not (self._stopping.wait(self._wait) and not self._entries):
            while self._entries:
                self._deliver(self._together())

    def _together(self) -> list[tuple[Entry, Sender]]:
        """The oldest events, as many as go into one request."""
        found: list[tuple[Entry, Sender]] = []
        size = 0
        while self._entries and len(found) < self._batch and size < _BATCH_BYTES:
            found.append(self._entries.popleft())
            size += found[-1][0].size
        self._taken += size
        return found

    def _deliver(self, taken: list[tuple[Entry, Sender]]) -> None:
        events = []
        for entry, sender in taken:
            try:
                events.append(self._sink.event(event_of(entry, sender)))
            except Exception as error:  # noqa: BLE001  (one event that cannot be encoded must not end the log)
                self._lost(1, str(error))
        if not events:
            return
        found = self._sink.send(events)
        self.sent += found.kept
        if found.lost:
            self._lost(found.lost, found.reason)
        else:
            self._reported = False

    def _lost(self, count: int, reason: str) -> None:
        self.dropped += count
        if not self._reported:
            self._reported = True
            _LOG.warning("request log: %d events dropped: %s", count, reason)


def log_of(settings: Settings) -> RequestLog | None:
    """As the settings say; None: nothing is logged."""
    if not settings.log_url:
        return None
    return RequestLog(
        settings.log_url,
        queue_size=settings.log_queue,
        queue_bytes=settings.log_queue_bytes,
        form=settings.log_form,
        mode=settings.log_mode,
    )
