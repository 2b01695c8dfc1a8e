"""How watchers learn that something was written: a bell that any thread rings and any event loop hears.

The store rings it after each commit. It carries no data: who wakes up reads the changes since the version it knows.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Listener:
    """One waiting coroutine's side of the bell."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._rang = asyncio.Event()

    def wake(self) -> None:
        """Called from any thread."""
        # A closed loop's listeners are gone; the writer must not suffer for it.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._rang.set)

    async def rung(self, within: float | None = None) -> bool:
        """Wait for the next ring, at most ``within`` seconds; false when none came. Rings add up to one."""
        try:
            async with asyncio.timeout(within):
                await self._rang.wait()
        except TimeoutError:
            return False
        self._rang.clear()
        return True


class Bell:
    """Wakes all listeners. Once ``silenced`` it never sleeps again: watchers wake, look, and leave."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: set[Listener] = set()
        self.silenced = False

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """A listener of the running event loop, for as long as the block lasts."""
        listener = Listener(asyncio.get_running_loop())
        with self._lock:
            self._listeners.add(listener)
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners.discard(listener)

    def ring(self) -> None:
        """Something was written."""
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.wake()

    def silence(self) -> None:
        """No more rings will come: everybody may go home."""
        self.silenced = True
        self.ring()
