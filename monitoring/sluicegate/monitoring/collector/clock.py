"""The collector's one clock: wall seconds that never go back.

Every second under which something is kept comes from here. Times inside events are the senders' and only informative.
"""

import time
from collections.abc import Callable


class Clock:
    """Unix seconds. When the machine's clock is set back, this one waits until the past is over again: a second on
    which somebody has judged is never written to afterwards.
    """

    def __init__(self, read: Callable[[], float] = time.time, not_before: float = 0.0) -> None:
        self._read = read
        self._latest = not_before

    def now(self) -> float:
        """The time now, or the latest time told if that is later."""
        self._latest = max(self._latest, self._read())
        return self._latest
