"""The one thread on which units are called, and what is known of it: whether it is free, and who waits for a unit.

``app`` makes it; the dispatcher, the doors of units and the health of a model call there. A prediction that is quick
enough runs on the event loop instead, but only while this thread is free: so no unit is called twice at a time.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sluicegate.serving.graph.errors import LateError
from sluicegate.serving.server.errors import OverloadedError


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitCall:
    """A call of one of a unit's own methods. ``wanted``: whether somebody still waits for it."""

    unit: str
    method: Callable[[], Any]
    seconds: float
    wanted: Callable[[], bool] = lambda: True


class UnitThread(ThreadPoolExecutor):
    """One thread. What is given to it is given on the event loop."""

    def __init__(self) -> None:
        super().__init__(max_workers=1, thread_name_prefix="model")
        self._given = 0
        self._ended = 0
        self._ending = threading.Lock()
        self.waiting = 0
        """Calls of units' own methods that are under way, of all doors."""

    @property
    def free(self) -> bool:
        """Whether nothing that was given is still under way. True on the event loop stays so until it gives more."""
        return self._given == self._ended

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """As a pool's, and counted."""
        task = super().submit(fn, *args, **kwargs)
        self._given += 1
        task.add_done_callback(self._count)
        return task

    def ask(self, call: UnitCall, done: Callable[[Any], None], *, most: int) -> None:
        """Call, and give ``done`` the answer, or what was raised, or LateError: once, on the event loop.

        Raises OverloadedError when ``most`` wait already.
        """
        if self.waiting >= most:
            raise OverloadedError(f"{self.waiting} requests wait already; try again later")
        self.waiting += 1
        loop, once = asyncio.get_running_loop(), _Once(done)
        late = loop.call_later(call.seconds, once.tell, LateError(call.unit, call.seconds))
        task = self.submit(lambda: call.method() if call.wanted() else None)
        task.add_done_callback(lambda ended: loop.call_soon_threadsafe(self._returned, ended, late, once))

    def _returned(self, ended: "Future[Any]", late: asyncio.TimerHandle, once: "_Once") -> None:
        self.waiting -= 1
        late.cancel()
        if not ended.cancelled():
            once.tell(ended.exception() or ended.result())

    def _count(self, _: "Future[Any]") -> None:
        # A call that is given up before it began ends on another thread than those that ran.
        with self._ending:
            self._ended += 1


@dataclass(slots=True)
class _Once:
    """Who waits for an answer; he gets the first one."""

    done: Callable[[Any], None] | None

    def tell(self, result: Any) -> None:
        """Give it to him."""
        done, self.done = self.done, None
        if done is not None:
            done(result)
