"""The request log: what was asked and answered, as batches of CloudEvents to the collector, never before the answer.

The event loop only appends to a bounded queue; a thread of its own redacts, encodes and sends. What finds the queue
full, or cannot be delivered, is dropped and counted: a collector that is down costs no request.
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

from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.seldon import parse
from sluicegate.serving.server.redaction import Redaction, redacted

REQUEST = "io.seldon.serving.inference.request"
RESPONSE = "io.seldon.serving.inference.response"
FEEDBACK = "io.seldon.serving.feedback"
READY = "dev.sluicegate.model.ready"
_MEDIA_TYPE = "application/cloudevents-batch+json"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event before it is encoded. ``data`` is JSON bytes, or a value."""

    type: str
    request_id: str
    at: float = field(default_factory=time)
    data: bytes | dict[str, Any]
    status: int | None = None
    seconds: float | None = None
    shadow: bool = False


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
    event["data"] = _data(entry, sender)
    return event


def _data(entry: Entry, sender: Sender) -> Any:
    if isinstance(entry.data, dict):
        return entry.data
    if not sender.redaction.active and entry.data:
        return msgspec.Raw(entry.data)
    try:
        payload = parse(entry.data)
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
        try:
            body = msgspec.json.encode([event_of(entry, sender) for entry, sender in taken])
        except Exception as error:  # noqa: BLE001  (one event that cannot be encoded must not end the log)
            self._lost(len(taken), error)
            return
        for attempt in range(3):
            try:
                self._post(body)
            except (OSError, http.client.HTTPException) as error:
                self._connection = None
                if attempt == 2:
                    self._lost(len(taken), error)
                else:
                    self._stopping.wait(0.2 * attempt)
            else:
                self.sent += len(taken)
                self._reported = False
                return

    def _post(self, body: bytes) -> None:
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            self._connection = kind(self._host, self._port, timeout=2)
        self._connection.request("POST", self._path, body, {"Content-Type": _MEDIA_TYPE})
        response = self._connection.getresponse()
        response.read()
        if response.status >= 300:
            raise http.client.HTTPException(f"the collector answered {response.status}")

    def _lost(self, count: int, error: Exception) -> None:
        self.dropped += count
        if not self._reported:
            self._reported = True
            _LOG.warning("request log: %d events dropped, not sent: %s", count, error)
