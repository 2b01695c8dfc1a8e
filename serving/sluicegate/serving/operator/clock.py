"""The machine's clocks, one for durations and one for people; the composition root hands them out."""

import time


class SystemClock:
    """Both clocks."""

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()
