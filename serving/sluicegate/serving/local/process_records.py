"""``run/<name>.json``: what is written down of each process, so that a killed plane finds its children again.

A record is written twice: before the start, with the start's mark and no pid, and after it, with pid and creation
time. Killed in between, the next plane finds the process by the mark in its environment; killed before, it finds none
and starts it. Files are replaced whole, never half written.
"""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One start of a process. ``pid`` 0: not known to have been started."""

    name: str
    group: str
    mark: str
    revision: str = ""
    pid: int = 0
    create_time: float = 0.0
    port: int = 0
    ready_url: str = ""
    grace_seconds: float = 10.0
    restart: bool = True
    log_start: int = 0
    """Where this start's lines begin in the log, bytes."""
    ended: bool = False
    """It was seen to end (kept only of those that are never started again)."""


class Records:
    """The directory of records, and the holds beside them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def write(self, record: Record) -> None:
        """Replace the record of that name."""
        path = self._path(record.name)
        draft = path.with_suffix(".tmp")
        draft.write_text(json.dumps(asdict(record)))
        draft.replace(path)

    def read(self, name: str) -> Record | None:
        """The record, or None when there is none that can be read."""
        try:
            found = json.loads(self._path(name).read_text())
            return Record(**{key: found[key] for key in (f.name for f in fields(Record)) if key in found})
        except (OSError, ValueError, TypeError):
            return None

    def all(self) -> tuple[Record, ...]:
        """Every record, by name."""
        found = (self.read(path.stem) for path in sorted(self._directory.glob("*.json")))
        return tuple(record for record in found if record is not None)

    def remove(self, name: str) -> None:
        """Forget it."""
        self._path(name).unlink(missing_ok=True)

    def held(self, name: str) -> bool:
        """Whether a person stopped it."""
        return self._hold(name).exists()

    def hold(self, name: str, *, held: bool) -> None:
        """Remember, over restarts of the plane, that a person stopped it (or no longer)."""
        if held:
            self._hold(name).touch()
        else:
            self._hold(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.json"

    def _hold(self, name: str) -> Path:
        return self._directory / f"{name}.held"


def log_path(home: Path, name: str) -> Path:
    """Where a process's output goes."""
    return home / "logs" / f"{name}.log"


def rotate(path: Path, *, max_bytes: int = 5 << 20, kept: int = 3) -> None:
    """Move a log that grew over ``max_bytes`` to ``.1`` (and ``.1`` to ``.2`` …), keeping ``kept`` old ones."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.stat().st_size < max_bytes:
        return
    for number in range(kept, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        newer = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
        with suppress(FileNotFoundError):
            newer.replace(older)


def last_lines(path: Path, *, start: int = 0, lines: int = 5, window: int = 8192) -> list[str]:
    """The last non-empty lines after byte ``start``; none when there is no log."""
    try:
        with path.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(min(start, end), end - window))
            text = log.read(window).decode(errors="replace")
    except OSError:
        return []
    return [line.rstrip() for line in text.splitlines() if line.strip()][-lines:]
