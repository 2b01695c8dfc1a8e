"""Replays flights through the gateway: a request when one leaves, its label as feedback when it has landed.

One thread keeps the schedule, a few send over kept-alive connections. Time is compressed so that requests come at a
steady rate; a label is late by the flight's own duration, compressed as much. Everything that a user would see is
counted here, on the user's side of the gateway.
"""

import heapq
import http.client
import itertools
import json
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from demo.flights import COLUMNS, Departure, departures

_SENDERS = 6
_NAMES = json.dumps(COLUMNS)
Change = Callable[[tuple[float | None, ...]], tuple[float | None, ...]]


def _unchanged(values: tuple[float | None, ...]) -> tuple[float | None, ...]:
    return values


def _without_acars(values: tuple[float | None, ...]) -> tuple[float | None, ...]:
    index = COLUMNS.index("acars_delay")
    return (*values[:index], None, *values[index + 1 :])


@dataclass(slots=True)
class Tally:
    """What users saw, by second: requests, failures, wrong answers, and who answered."""

    sent: Counter[int] = field(default_factory=Counter)
    failed: Counter[int] = field(default_factory=Counter)
    wrong: Counter[int] = field(default_factory=Counter)
    versions: dict[str, Counter[int]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    labels: int = 0

    def since(self, start: float) -> tuple[int, int, int]:
        """Requests, failures and wrong answers since a moment (Unix seconds)."""
        counts = (self.sent, self.failed, self.wrong)
        return tuple(sum(n for second, n in counter.items() if second >= int(start)) for counter in counts)  # type: ignore[return-value]  # three counters


@dataclass(order=True, slots=True)
class _Label:
    due: float
    number: int
    puid: str = field(compare=False)
    late: int = field(compare=False)


class Replay:
    """A continuous replay in the background; ``start`` and ``stop`` it, switch its days while it runs."""

    def __init__(self, host: str, port: int, path: str, flights: Sequence[Departure], rate: float) -> None:
        self.host, self.port, self.path, self.rate = host, port, path, rate
        self.tally = Tally()
        self._change: Change = _unchanged
        self._flights = flights
        self._tasks: queue.Queue[tuple[str, bytes, Departure | None]] = queue.Queue(maxsize=2000)
        self._labels: list[_Label] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._schedule, daemon=True)]
        self._threads += [threading.Thread(target=self._send, daemon=True) for _ in range(_SENDERS)]

    def start(self) -> None:
        """Begin to send."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Send no more; wait for what is in flight."""
        self._stop.set()
        for thread in filter(threading.Thread.is_alive, self._threads):
            thread.join(timeout=10)

    def silence(self) -> None:
        """The radio feed falls silent: its column comes empty."""
        self._change = _without_acars

    def restore(self) -> None:
        """The feed is heard again."""
        self._change = _unchanged

    def switch(self, first: str, last: str) -> None:
        """Go on with other days (ISO dates, inclusive)."""
        self._flights = departures(first, last)

    def _schedule(self) -> None:
        begin, index, flights = time.monotonic(), 0, self._flights
        for number in itertools.count():
            if flights is not self._flights:
                flights, index = self._flights, 0
            wait = begin + number / self.rate - time.monotonic()
            if self._stop.wait(max(wait, 0)):
                return
            flight = flights[index % len(flights)]
            index += 1
            body = f'{{"data":{{"names":{_NAMES},"ndarray":[{json.dumps(self._change(flight.values))}]}}}}'
            self._tasks.put(("/api/v1.0/predictions", body.encode(), flight))
            self._send_labels()

    def _send_labels(self) -> None:
        # Never put under the lock: a full queue waits for the senders, and they wait for the lock to count.
        for label in self._due():
            truth = {"data": {"ndarray": [[label.late]]}}
            body = {"response": {"meta": {"puid": label.puid}}, "truth": truth, "reward": 0}
            self._tasks.put(("/api/v1.0/feedback", json.dumps(body).encode(), None))

    def _due(self) -> list[_Label]:
        now, due = time.monotonic(), []
        with self._lock:
            while self._labels and self._labels[0].due <= now:
                due.append(heapq.heappop(self._labels))
        return due

    def _send(self) -> None:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=10)
        while not (self._stop.is_set() and self._tasks.empty()):
            try:
                path, body, flight = self._tasks.get(timeout=0.1)
            except queue.Empty:
                continue
            status, answer = self._post(connection, path, body)
            if flight is not None:
                self._count(flight, status, answer)
            elif status == 200:
                self.tally.labels += 1

    def _post(self, connection: http.client.HTTPConnection, path: str, body: bytes) -> tuple[int, bytes]:
        """One request; a connection that the gateway closed is opened again once, as any client does."""
        for attempt in range(2):
            try:
                connection.request("POST", self.path + path, body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                return response.status, response.read()
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                if attempt:
                    return 0, str(error).encode()
        return 0, b""

    def _count(self, flight: Departure, status: int, answer: bytes) -> None:
        second = int(time.time())
        with self._lock:
            self.tally.sent[second] += 1
            if status != 200:
                self.tally.failed[second] += 1
                self.tally.failures[f"{status} {answer[:120].decode(errors='replace')}"] += 1
                return
        decoded = json.loads(answer)
        late = decoded["data"]["ndarray"][0][-1] > 0.5
        delay = (flight.landed - flight.departed) * 60 * self._compression()
        label = _Label(time.monotonic() + delay, next(self._numbers), decoded["meta"]["puid"], flight.late)
        with self._lock:
            self.tally.wrong[second] += late != flight.late
            heapq.heappush(self._labels, label)

    def _compression(self) -> float:
        """Seconds of the replay for one second of 2013: some 900 flights leave in a day."""
        return 900 / self.rate / 86400
