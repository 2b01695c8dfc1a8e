"""Envoy's words about what it refuses. By REST it does not send them, so they are read from its log."""

import re
from pathlib import Path

_REFUSAL = re.compile(r"(?:REST config for \S+ rejected|gRPC config for \S+ rejected|update rejected): *(.+)")
_TAIL_BYTES = 64 * 1024


def last_refusal(log: Path) -> str:
    """The newest refusal in Envoy's log, empty when there is none or no log."""
    try:
        with log.open("rb") as lines:
            size = lines.seek(0, 2)
            lines.seek(max(0, size - _TAIL_BYTES))
            return find_refusal(lines.read().decode(errors="replace"))
    except OSError:
        return ""


def find_refusal(text: str) -> str:
    """The last refusal in the lines of ``text``."""
    found = _REFUSAL.findall(text)
    return found[-1].strip() if found else ""
