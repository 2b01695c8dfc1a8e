"""What runs on this machine share: locks (mutexes and semaphores) and what memoized templates remember.

A lock is held by ``flock`` on a file, so it also holds between two runs in two processes, and whoever is killed lets go
of it. A semaphore of N is N files.
"""

import asyncio
import contextlib
import fcntl
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluicegate.pipelines.workflows.expressions import duration_seconds

_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Lock:
    """A name that at most ``places`` may hold at a time."""

    name: str
    places: int


@dataclass(frozen=True, slots=True)
class Shared:
    """A directory that all runs of this machine's plane have in common."""

    directory: Path

    @asynccontextmanager
    async def holding(self, locks: list[Lock]) -> AsyncIterator[None]:
        """Hold all of these; taken in the order of their names, two runs cannot wait for each other."""
        async with contextlib.AsyncExitStack() as held:
            for lock in sorted(locks, key=lambda each: each.name):
                await held.enter_async_context(self._held(lock))
            yield

    @asynccontextmanager
    async def _held(self, lock: Lock) -> AsyncIterator[None]:
        folder = self.directory / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{lock.name.replace('/', '_')}.{place}" for place in range(lock.places)]
        while True:
            for path in paths:
                with path.open("w") as file, contextlib.suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    yield
                    return
            await asyncio.sleep(_LOOK_SECONDS)

    def remembered(self, cache: str, key: str, max_age: str) -> dict[str, Any] | None:
        """The outputs that were kept under the key, unless they are too old."""
        entry = self._entries(cache).get(key)
        if entry is None or (max_age and time.time() - entry["at"] > duration_seconds(max_age)):
            return None
        outputs = dict(entry["outputs"])
        # The files of a run that somebody has removed are nobody's outputs any more.
        return outputs if all(Path(path).exists() for path in outputs["artifacts"].values()) else None

    def remember(self, cache: str, key: str, outputs: Mapping[str, Any]) -> None:
        """Keep outputs under the key."""
        path = self._path(cache)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(self._entries(cache) | {key: {"at": time.time(), "outputs": dict(outputs)}}))
        fresh.replace(path)

    def _path(self, cache: str) -> Path:
        return self.directory / "memoized" / f"{cache}.json"

    def _entries(self, cache: str) -> dict[str, Any]:
        path = self._path(cache)
        return dict(json.loads(path.read_text())) if path.exists() else {}
