"""The way to a graph whose units live in several processes: each request is a task of the event loop.

Bounded in number and in time, as the way to a graph in one process is; nothing is shared between requests here, the
units' own servers do that.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from sluicegate.serving.graph.execution import NO_HEADERS
from sluicegate.serving.graph.hopping import HoppingGraph
from sluicegate.serving.graph.units import Headers
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.server.dispatching import Bounds, Result
from sluicegate.serving.server.errors import OverloadedError, TimedOutError


class HopDispatcher:
    """``Dispatching`` for ``graph``."""

    def __init__(self, graph: HoppingGraph, loop: asyncio.AbstractEventLoop, bounds: Bounds) -> None:
        self._graph, self._loop, self._bounds = graph, loop, bounds
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def in_flight(self) -> int:
        """As the port says."""
        return len(self._tasks)

    @property
    def waiting(self) -> int:
        """As the port says: all are under way at once."""
        return 0

    def submit(
        self,
        message: Message,
        done: Callable[[Result], None],
        wanted: Callable[[], bool],
        headers: Headers = NO_HEADERS,
    ) -> None:
        """As the port says."""
        if len(self._tasks) >= self._bounds.queue:
            done(OverloadedError(f"{len(self._tasks)} requests are under way already; try again later"))
            return
        self._keep(self._loop.create_task(self._answered(message, done, wanted, headers)))

    def tell(
        self, feedback: Feedback, done: Callable[[BaseException | None], None], headers: Headers = NO_HEADERS
    ) -> None:
        """As the port says."""
        self._keep(self._loop.create_task(self._told(feedback, done, headers)))

    def sweep(self, now: float) -> None:
        """As the port says: nobody waits longer than his own time limit."""

    async def _answered(
        self, message: Message, done: Callable[[Result], None], wanted: Callable[[], bool], headers: Headers
    ) -> None:
        result = await self._result(message, headers)
        if wanted():
            done(result)

    async def _result(self, message: Message, headers: Headers) -> Result:
        asked: set[str] = set()
        limit = asyncio.timeout(self._bounds.timeout_seconds)
        try:
            async with limit:
                return await self._graph.answer(message, headers, asked)
        except TimeoutError as error:
            return late(asked, self._bounds.timeout_seconds) if limit.expired() else error
        except Exception as error:  # noqa: BLE001  (whatever it is, this request is answered)
            return error

    async def _told(self, feedback: Feedback, done: Callable[[BaseException | None], None], headers: Headers) -> None:
        limit = asyncio.timeout(self._bounds.timeout_seconds)
        try:
            async with limit:
                await self._graph.send_feedback(feedback, headers)
        except TimeoutError as error:
            done(late(set(), self._bounds.timeout_seconds) if limit.expired() else error)
        except Exception as error:  # noqa: BLE001  (the client is told)
            done(error)
        else:
            done(None)

    def _keep(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def late(asked: set[str], seconds: float) -> TimedOutError:
    """The time of the whole graph is over; ``asked``: units that are awaited."""
    units = ", ".join(f"unit {name!r}" for name in sorted(asked))
    return TimedOutError(f"the graph gave no answer within {seconds:g} s" + (f"; {units} is awaited" if units else ""))
