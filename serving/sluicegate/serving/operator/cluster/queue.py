"""Which SeldonDeployments are to be looked at, each once however often it was named, and by one worker at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from sluicegate.serving.operator.cluster.cache import Key
from sluicegate.serving.operator.errors import ClusterError

FIRST_RETRY = 0.25
LONGEST_RETRY = 60.0

_LOG = logging.getLogger(__name__)


class WorkQueue:
    """Keys that wait. A key named while it is being worked on comes again afterwards."""

    def __init__(self) -> None:
        self._waiting: dict[Key, None] = {}
        self._working: set[Key] = set()
        self._again: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._bell = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: Key) -> None:
        """Name a key: soon."""
        if key in self._working:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting[key] = None
            self._bell.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """Name a key: in ``seconds``, or sooner if that was asked before."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        timer = self._timers.get(key)
        if timer is not None and not timer.cancelled():
            if timer.when() <= due:
                return
            timer.cancel()
        self._timers[key] = loop.call_at(due, self._ring, key)

    async def work(self, handle: Callable[[Key], Awaitable[None]]) -> None:
        """Take keys one by one for ever. One whose handling fails comes again, later each time."""
        while True:
            key = await self._take()
            try:
                await handle(key)
            except Exception as error:  # noqa: BLE001  one object's trouble must not stop the others
                self._failed(key, error)
            else:
                self._failures.pop(key, None)
            finally:
                self._done(key)

    def _failed(self, key: Key, error: Exception) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        pause = min(FIRST_RETRY * 2 ** (failures - 1), LONGEST_RETRY)
        trace = None if isinstance(error, ClusterError) else error
        _LOG.warning("%s/%s: %s; again in %.2f s", *key, error, pause, exc_info=trace)
        self.add_after(key, pause)

    async def _take(self) -> Key:
        while not self._waiting:
            self._bell.clear()
            await self._bell.wait()
        key = next(iter(self._waiting))
        del self._waiting[key]
        self._working.add(key)
        return key

    def _done(self, key: Key) -> None:
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)

    def _ring(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)
