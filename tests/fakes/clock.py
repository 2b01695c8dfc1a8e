"""A clock that a test turns."""


class FakeClock:
    """Implements ``local.ports.Clock``."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._monotonic, self._now = 1000.0, now

    def monotonic(self) -> float:
        """Seconds since the test began."""
        return self._monotonic

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._monotonic += seconds
        self._now += seconds
