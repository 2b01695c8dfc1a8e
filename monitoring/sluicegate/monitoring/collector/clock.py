"""The collector's one clock: wall seconds that never go back.

Every second under which something is kept comes from here. Times inside events are the senders' and only informative.
"""

import time
from collections.abc import Callable


class Clock:
    """Unix seconds. When the machine's clock is set back, this one goes on at its own pace until the machine has caught
    up: a second on which somebody has judged is never written to afterwards.
    """

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        *,
        not_before: float = 0.0,
    ) -> None:
        self._wall, self._steady = wall, steady
        self._latest, self._told_at = not_before, steady()

    def now(self) -> float:
        """The time now; never less than what was told before."""
        wall, steady = self._wall(), self._steady()
        onwards = self._latest + max(0.0, steady - self._told_at)
        self._latest = wall if wall >= self._latest else onwards
        self._told_at = steady
        return self._latest
