"""What a server says on stdout about itself, a line for each change: plain for people, JSON for collectors of logs.

The app calls it. Why a server refuses its model is no such line: it goes to stderr, last, as a sentence, and becomes
the container's termination message.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

FORMATS = ("plain", "json")


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Journal:
    """``form`` is one of FORMATS; ``always`` is said with every event."""

    form: str
    write: Callable[[str], None] = field(default=_write)
    now: Callable[[], str] = field(default=_now)
    always: Mapping[str, int] = field(default_factory=dict)

    def say(self, event: str, **figures: str | int | float) -> None:
        """One event with what belongs to it; empty values are left out."""
        told = {name: value for name, value in (*self.always.items(), *figures.items()) if value != ""}
        if self.form == "json":
            self.write(json.dumps({"time": self.now(), "level": "info", "message": event, **told}))
        else:
            self.write(" ".join([self.now(), event, *(f"{name}={value}" for name, value in told.items())]))
