"""How events of the request log get to their receiver: many in one request or one in each, again while that can help.

``request_log``'s thread calls it. A receiver that is away is waited for, with growing pauses; meanwhile events wait in
the log's bounded queue. What was tried for too long is given up, so that the newest are not lost for the oldest.
"""

import http.client
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from sluicegate.serving.server.log_answers import Outcome, outcome

_BATCH_TYPE = "application/cloudevents-batch+json"
_TIMEOUT_SECONDS = 2.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
GIVING_UP_SECONDS = 60.0
"""About as long as a receiver needs to be moved to another machine."""
_PLAIN = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"
"""What may stand in a header of an event as it is; all else goes percent-encoded, as CloudEvents says."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as it goes out: in a batch all of it is body, alone its attributes are headers."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of some events."""

    kept: int
    lost: int
    reason: str = ""


class Sink:
    """One receiver at ``url``. ``form`` is one of LOG_FORMS; ``patience``: seconds until an event is given up."""

    def __init__(
        self, url: str, form: str, *, patience: float = GIVING_UP_SECONDS, now: Callable[[], float] = monotonic
    ) -> None:
        parts = urlsplit(url)
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname or "", parts.port
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._form, self._patience, self._now = form, patience, now
        self._connection: http.client.HTTPConnection | None = None
        self._stopping = threading.Event()
        self._end = float("inf")

    def stop(self, seconds: float) -> None:
        """From now on nothing is tried for longer."""
        self._end = self._now() + seconds
        self._stopping.set()

    def event(self, event: dict[str, Any]) -> Event:
        """The event as it goes out. Raises what an encoder raises."""
        return _binary(event) if self._form == "binary" else Event(msgspec.json.encode(event))

    def send(self, events: Sequence[Event]) -> Sent:
        """Deliver them; returns when each is either kept by the receiver or given up."""
        if self._form == "binary":
            each = [self._deliver([event]) for event in events]
            return Sent(sum(one.kept for one in each), sum(one.lost for one in each), _last_reason(each))
        return self._deliver(events)

    def _deliver(self, events: Sequence[Event]) -> Sent:
        found = self._tried(events)
        if found.verdict == "halve":
            middle = len(events) // 2
            first, second = self._deliver(events[:middle]), self._deliver(events[middle:])
            return Sent(first.kept + second.kept, first.lost + second.lost, _last_reason((first, second)))
        lost = len(events) if found.verdict == "again" else found.refused
        return Sent(len(events) - lost, lost, found.reason if lost else "")

    def _tried(self, events: Sequence[Event]) -> Outcome:
        """The last answer."""
        headers, body = events[0].headers, events[0].body
        if self._form == "batch":
            headers, body = {"Content-Type": _BATCH_TYPE}, b"[" + b",".join(each.body for each in events) + b"]"
        pause, end = _FIRST_PAUSE, self._now() + self._patience
        while True:
            found = self._post(headers, body, len(events))
            if found.verdict != "again" or self._now() + pause > min(end, self._end):
                return found
            if self._stopping.is_set():
                sleep(_FIRST_PAUSE)
            else:
                self._stopping.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _post(self, headers: dict[str, str], body: bytes, count: int) -> Outcome:
        kept = self._connection is not None
        try:
            if self._connection is None:
                kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
                self._connection = kind(self._host, self._port, timeout=_TIMEOUT_SECONDS)
            self._connection.request("POST", self._path, body, headers)
            response = self._connection.getresponse()
            return outcome(response.status, response.read(), count)
        except (OSError, http.client.HTTPException) as error:
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            if kept and isinstance(error, ConnectionError):  # it was closed while nothing was to be sent
                return self._post(headers, body, count)
            return Outcome(verdict="again", reason=f"{type(error).__name__}: {error}")


def _binary(event: dict[str, Any]) -> Event:
    told = {
        f"ce-{name}": quote(str(value), safe=_PLAIN)
        for name, value in event.items()
        if name not in ("data", "datacontenttype")
    }
    return Event(msgspec.json.encode(event["data"]), {"Content-Type": event["datacontenttype"], **told})


def _last_reason(parts: Sequence[Sent]) -> str:
    return next((part.reason for part in reversed(parts) if part.reason), "")
