"""One process of ours, whether this plane started it or found it running: alive?, its end, signals, its leftovers.

Children live in sessions of their own, so neither a Ctrl-C at the terminal nor the plane's death reaches them. Whatever
they start carries the same mark in its environment and goes with them. POSIX only.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from sluicegate.serving.local.process_records import Record
from sluicegate.serving.local.processes import MARK_VARIABLE


class Running:
    """A started process. ``child`` is None for an adopted one, whose exit code nobody can read any more."""

    def __init__(self, pid: int, create_time: float, mark: str, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid, self.create_time, self.mark, self._child = pid, create_time, mark, child

    @property
    def exit_code(self) -> int | None:
        """As ``subprocess`` says it: negative for a signal; None while it runs, or unknown."""
        return None if self._child is None else self._child.returncode

    def ended(self) -> bool:
        """Whether it is gone (and reaped, when it is a child)."""
        if self._child is not None:
            return self._child.poll() is not None
        return not _is_same(self.pid, self.create_time)

    def terminate(self) -> None:
        """Ask it to end; it tells its own children."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it and everything that it started, now."""
        self._signal(signal.SIGKILL)
        kill_all(self.mark)

    def _signal(self, number: int) -> None:
        if not self.ended():
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def start(command: tuple[str, ...], environment: Mapping[str, str], mark: str, log: Path) -> Running:
    """Start a process in its own session, its output appended to ``log``. Raises OSError."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            command,
            env={**os.environ, **environment, MARK_VARIABLE: mark},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        created = psutil.Process(child.pid).create_time()
    except psutil.Error:
        created = 0.0
    return Running(child.pid, created, mark, child)


def find(record: Record) -> Running | None:
    """The process that a record speaks of, if it still runs; by its pid, or by its mark when no pid was written."""
    if record.pid:
        alive = _is_same(record.pid, record.create_time)
        return Running(record.pid, record.create_time, record.mark) if alive else None
    for process in _bearing(record.mark):
        # Its own session: the process itself, not one that it started.
        with suppress(psutil.Error, OSError):
            if os.getsid(process.pid) == process.pid:
                return Running(process.pid, process.create_time(), record.mark)
    return None


def kill_all(mark: str) -> int:
    """Kill every process whose mark begins so (a home's ``<home>|`` means all of that home); returns how many."""
    killed = 0
    for process in _bearing(mark):
        with suppress(psutil.Error):
            process.kill()
            killed += 1
    return killed


def _bearing(mark: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        if process.pid == os.getpid():
            continue
        with suppress(psutil.Error, OSError):
            if process.environ().get(MARK_VARIABLE, "").startswith(mark):
                yield process


def _is_same(pid: int, create_time: float) -> bool:
    try:
        process = psutil.Process(pid)
        # The kernel counts starts in hundredths of a second since boot.
        same = abs(process.create_time() - create_time) < 0.1
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
