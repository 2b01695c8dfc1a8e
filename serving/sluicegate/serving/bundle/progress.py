"""What a long download tells whoever watches the log: a line when it begins, every few seconds, and at the end."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

EVERY_SECONDS = 5.0
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


@dataclass(slots=True)
class Progress:
    """Counts files and bytes; ``say`` gets whole lines."""

    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    files: int = 0
    bytes: int = 0
    expected: int | None = None
    """Bytes in all, where the storage told."""
    started: float = field(init=False)
    told: float = field(init=False)

    def __post_init__(self) -> None:
        """Time runs from here."""
        self.started = self.told = self.clock()

    def came(self, count: int) -> None:
        """Some bytes arrived."""
        self.bytes += count
        now = self.clock()
        if now - self.told >= EVERY_SECONDS:
            self.told = now
            whole = f" of {size(self.expected)}" if self.expected else ""
            self.say(f"{size(self.bytes)}{whole} after {now - self.started:.0f} s")

    def ended(self) -> str:
        """The last line."""
        seconds = self.clock() - self.started
        return f"{self.files} file{'' if self.files == 1 else 's'}, {size(self.bytes)}, in {seconds:.1f} s"


def size(count: int) -> str:
    """A count of bytes as a person says it."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} bytes" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"
