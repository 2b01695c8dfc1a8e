"""Runs a KFP pipeline on this machine through ``kfp.local``, and says of it what a person wants to know.

KFP prints every executor input and all log lines to standard output; here they go to a file, and become events: a task
begins, says something, ends. Each run has a directory of its own, so runs at the same time do not meet.
"""

import io
import re
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from kfp import local

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_STARTED = re.compile(r"Executing task '([^']+)'")
_ENDED = re.compile(r"Task '([^']+)' finished with status (\w+)")
_ERROR = re.compile(r"^(?:[A-Za-z_]\w*\.)*([A-Z]\w*): (.*)$")
_QUIET = re.compile(r"^\[KFP Executor |^[{}\s]|^Traceback|^\d\d:\d\d:\d\d")


class RunFailedError(Exception):
    """A task failed; the message names it and repeats its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """``kind`` is started, said, succeeded or failed; ``seconds`` is the task's duration at its end."""

    kind: str
    task: str
    text: str = ""
    seconds: float = 0.0


@dataclass(slots=True)
class Transcript(io.TextIOBase):
    """Standard output of a run: kept whole in ``log``, told as events to ``notify``."""

    log: TextIO
    notify: Callable[[Event], None]
    task: str = ""
    error: str = ""
    _rest: str = ""
    _began: dict[str, float] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def writable(self) -> bool:
        """It takes text."""
        return True

    def write(self, text: str) -> int:
        """Take what KFP prints, in pieces of any size."""
        self.log.write(text)
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(_ANSI.sub("", line))
        return len(text)

    def flush(self) -> None:
        """Let the log be read while the run goes on."""
        self.log.flush()

    def _line(self, line: str) -> None:
        started, ended = _STARTED.search(line), _ENDED.search(line)
        if started:
            self.task = started[1]
            self._began[self.task] = time.monotonic()
            self._open.add(self.task)
            self.notify(Event(kind="started", task=self.task))
        elif ended:
            seconds = time.monotonic() - self._began.get(ended[1], time.monotonic())
            kind = "succeeded" if ended[2] == "SUCCESS" else "failed"
            self.notify(Event(kind=kind, task=ended[1], text=self.error, seconds=seconds))
            self._open.discard(ended[1])
        elif line.startswith("    ") and self.task in self._open:
            self._said(line[4:])

    def _said(self, line: str) -> None:
        error = _ERROR.match(line)
        if error:
            self.error = f"{error[1]}: {error[2]}"
        elif line and not _QUIET.match(line):
            self.notify(Event(kind="said", task=self.task, text=line))


def run(pipeline: Any, arguments: Mapping[str, Any], *, directory: Path, tell: Callable[[Event], None]) -> Any:
    """Run a pipeline and return its outputs by name.

    Files of the run lie below ``directory``, which is its own; ``directory/run.log`` has everything that was printed.

    Raises:
        RunFailedError: a task failed.

    """
    directory.mkdir(parents=True, exist_ok=True)
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=str(directory), raise_on_error=True)
    with (directory / "run.log").open("w") as log, warnings.catch_warnings():
        # What KFP warns of (images, resources) is meant for clusters.
        warnings.simplefilter("ignore")
        transcript = Transcript(log, tell)
        try:
            with redirect_stdout(transcript):
                return pipeline(**arguments).outputs
        except RuntimeError as error:
            if not transcript.task:
                raise
            reason = transcript.error or str(error)
            raise RunFailedError(f"task {transcript.task}: {reason} (everything: {directory / 'run.log'})") from error
