"""When a request meets the model: on the event loop if that is quick, else on the one worker thread; alone or together.

Requests that arrived in one turn of the loop, or while the worker was busy, share a call where the model's rows are
independent. No timer holds a request back. Waiting is bounded in number and in time.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from sluicegate.serving.graph.execution import NO_HEADERS, FusedGraph
from sluicegate.serving.graph.units import Headers
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.runtime.errors import ModelFailedError
from sluicegate.serving.server.errors import OverloadedError, TimedOutError
from sluicegate.serving.server.unit_thread import UnitThread

Result = Message | BaseException


class Loop(Protocol):
    """What is needed of an event loop."""

    def call_soon(self, callback: Callable[[], None], /) -> object:
        """Run it in this turn or the next."""

    def call_soon_threadsafe(self, callback: Callable[..., None], /, *args: Any) -> object:
        """The same, from another thread."""


class Dispatching(Protocol):
    """The way to a graph, as the doors know it."""

    @property
    def in_flight(self) -> int:
        """Requests that wait or are under way."""

    @property
    def waiting(self) -> int:
        """Those of them that wait."""

    def submit(
        self,
        message: Message,
        done: Callable[[Result], None],
        wanted: Callable[[], bool],
        headers: Headers = NO_HEADERS,
    ) -> None:
        """Give ``done`` the answer or the error, later; nothing if ``wanted`` says that nobody waits any more."""

    def tell(
        self, feedback: Feedback, done: Callable[[BaseException | None], None], headers: Headers = NO_HEADERS
    ) -> None:
        """Let the units learn; ``done`` gets what one of them raised, or None."""

    def sweep(self, now: float) -> None:
        """Answer those who waited too long."""


class Around:
    """``Dispatching`` that hands everything on to ``inner``: for what stands around it and changes a part."""

    def __init__(self, inner: Dispatching) -> None:
        self._inner = inner

    @property
    def in_flight(self) -> int:
        """As the port says."""
        return self._inner.in_flight

    @property
    def waiting(self) -> int:
        """As the port says."""
        return self._inner.waiting

    def submit(
        self,
        message: Message,
        done: Callable[[Result], None],
        wanted: Callable[[], bool],
        headers: Headers = NO_HEADERS,
    ) -> None:
        """As the port says."""
        self._inner.submit(message, done, wanted, headers)

    def tell(
        self, feedback: Feedback, done: Callable[[BaseException | None], None], headers: Headers = NO_HEADERS
    ) -> None:
        """As the port says."""
        self._inner.tell(feedback, done, headers)

    def sweep(self, now: float) -> None:
        """As the port says."""
        self._inner.sweep(now)


@dataclass(slots=True)
class Job:
    """A request that waits for its answer."""

    message: Message
    done: Callable[[Result], None] | None
    wanted: Callable[[], bool]
    deadline: float
    size: int
    """Bytes of the message's content."""

    def finish(self, result: Result) -> None:
        """Give the answer; a second one (after a time-out) is dropped."""
        done, self.done = self.done, None
        if done is not None and self.wanted():
            done(result)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """``batch_rows`` and ``batch_bytes`` in one call, or one request; ``inline_rows`` the most that is quick enough for
    the event loop (0: none is); ``queue`` requests and ``queue_bytes`` of their content wait, or one request.
    """

    batch_rows: int = 256
    batch_bytes: int = 16 * 1024 * 1024
    inline_rows: int = 0
    queue: int = 1024
    queue_bytes: int = 256 * 1024 * 1024
    timeout_seconds: float = 30.0


def _nobody_asks(_requests: int, _rows: int) -> None:
    pass


class Dispatcher:
    """``Dispatching`` for a graph that lives in this process; ``called`` is told how much went into each call of it."""

    def __init__(
        self,
        graph: FusedGraph,
        loop: Loop,
        worker: UnitThread,
        bounds: Bounds,
        called: Callable[[int, int], None] = _nobody_asks,
    ) -> None:
        self._graph, self._loop, self._worker, self._bounds, self._called = graph, loop, worker, bounds, called
        self._waiting: deque[Job] = deque()
        self._waiting_bytes = 0
        self._running: list[Job] = []
        self._pace = 0.0
        """Seconds for one request on the worker thread, lately."""
        self._turn_due = False
        self.busy = False
        """Whether the worker thread is in the model."""

    @property
    def in_flight(self) -> int:
        """Requests that wait or are with the model."""
        return len(self._waiting) + len(self._running)

    @property
    def waiting(self) -> int:
        """As the port says."""
        return len(self._waiting)

    def submit(
        self,
        message: Message,
        done: Callable[[Result], None],
        wanted: Callable[[], bool],
        headers: Headers = NO_HEADERS,  # noqa: ARG002  (nobody in this process reads them)
    ) -> None:
        """As the port says."""
        waiting, size = len(self._waiting), message.size
        if waiting >= self._bounds.queue or (waiting and self._waiting_bytes + size > self._bounds.queue_bytes):
            info = f"{waiting} requests with {self._waiting_bytes} bytes wait already; try again later"
            done(OverloadedError(info, waiting * self._pace))
            return
        self._waiting_bytes += size
        self._waiting.append(Job(message, done, wanted, perf_counter() + self._bounds.timeout_seconds, size))
        self._schedule()

    def tell(
        self,
        feedback: Feedback,
        done: Callable[[BaseException | None], None],
        headers: Headers = NO_HEADERS,  # noqa: ARG002  (nobody in this process reads them)
    ) -> None:
        """As the port says: on the worker thread, so that no unit is called twice at a time."""
        task = self._worker.submit(self._graph.send_feedback, feedback)
        task.add_done_callback(lambda ended: self._loop.call_soon_threadsafe(done, ended.exception()))

    def sweep(self, now: float) -> None:
        """Answer those who waited too long; the model's late answer is dropped."""
        late = self._graph.late(now)
        if late is not None:
            for job in self._running:
                job.finish(late)
        expired = [job for job in (*self._running, *self._waiting) if job.deadline < now and job.done is not None]
        for job in expired:
            job.finish(
                TimedOutError(f"unit {self._graph.awaited!r} gave no answer within {self._bounds.timeout_seconds:g} s")
            )
        if expired:
            self._waiting = deque(job for job in self._waiting if job.done is not None)
            self._waiting_bytes = sum(job.size for job in self._waiting)

    def _schedule(self) -> None:
        if not self._turn_due and not self.busy:
            self._turn_due = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._turn_due = False
        jobs, rows = self._take()
        if not jobs:
            return
        self._called(len(jobs), rows)
        if rows <= self._bounds.inline_rows and self._worker.free:
            self._deliver(jobs, self._run(jobs))
        else:
            self.busy = True
            self._running = jobs
            began = perf_counter()
            self._worker.submit(self._run, jobs).add_done_callback(lambda future: self._return(jobs, future, began))
        if self._waiting:
            self._schedule()

    def _take(self) -> tuple[list[Job], int]:
        jobs: list[Job] = []
        rows = size = 0
        while self._waiting:
            job = self._waiting[0]
            if job.done is None or not job.wanted():
                self._waiting_bytes -= self._waiting.popleft().size
                continue
            if jobs and not self._fits(rows + job.message.rows, size + job.size):
                break
            jobs.append(self._waiting.popleft())
            rows += job.message.rows
            size += job.size
        self._waiting_bytes -= size
        return jobs, rows

    def _fits(self, rows: int, size: int) -> bool:
        return self._graph.per_row and rows <= self._bounds.batch_rows and size <= self._bounds.batch_bytes

    def _run(self, jobs: list[Job]) -> list[Result]:
        try:
            return list(self._graph.answer_many([job.message for job in jobs]))
        except BaseException as error:  # noqa: BLE001  (even a model's sys.exit costs its own requests only)
            return [ModelFailedError("graph", error) for _ in jobs]

    def _return(self, jobs: list[Job], future: "Future[list[Result]]", began: float) -> None:
        self._loop.call_soon_threadsafe(self._returned, jobs, future, (perf_counter() - began) / len(jobs))

    def _returned(self, jobs: list[Job], future: "Future[list[Result]]", seconds: float) -> None:
        self.busy = False
        self._pace += 0.2 * (seconds - self._pace) if self._pace else seconds
        self._running = []
        self._deliver(jobs, future.result())
        if self._waiting:
            self._schedule()

    def _deliver(self, jobs: list[Job], results: list[Result]) -> None:
        for job, result in zip(jobs, results, strict=True):
            job.finish(result)


def measure_inline_rows(graph: FusedGraph, example: Message, *, limit_seconds: float, most: int) -> int:
    """Warm the model up and find how many rows it answers within ``limit_seconds`` (best of some tries); 0 if not one.

    Raises what the graph raises on its own example.
    """
    quick = 0
    rows = 1
    while rows <= most:
        message = _repeated(example, rows)
        graph.answer(message)
        if min(_timed(graph, message) for _ in range(5)) > limit_seconds:
            break
        quick, rows = rows, rows * 4
        if not example.tabular:
            break
    return quick


def _timed(graph: FusedGraph, message: Message) -> float:
    start = perf_counter()
    graph.answer(message)
    return perf_counter() - start


def _repeated(example: Message, rows: int) -> Message:
    content = example.content
    if not isinstance(content, np.ndarray) or not example.rows:
        return example
    return replace(example, content=content[np.arange(rows) % len(content)])
