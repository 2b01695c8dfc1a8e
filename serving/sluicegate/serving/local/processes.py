"""Processes as the supervisor speaks of them: what should run, and how each stands. Values only.

A process is known by its name; names are file names, because its log, its record and its hold are files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sluicegate.serving.local.errors import SpecError

RunState = Literal["Starting", "Ready", "Draining", "Failed", "Held", "Finished"]
"""``Failed`` waits for its next start, ``Held`` was stopped by a person, ``Finished`` ended and starts no more."""

REFUSED_EXIT = 78
"""How a process says that trying again is of no use (``EX_CONFIG``); its last line is ``refused: <sentence>``."""
REFUSED_PREFIX = "refused: "
MARK_VARIABLE = "SLUICEGATE_PROCESS"
"""In the environment of every process we start, and so of its children: ``<home>|<name>|<start's own id>``."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,239}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """One process that should run. A new ``revision`` under the same name replaces it.

    Without ``ready_url`` it is ready as soon as it runs. ``restart=False``: it is started at most once, ever.
    Raises SpecError when the name is no file name or the command is empty.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    revision: str = ""
    ready_url: str = ""
    port: int = 0
    grace_seconds: float = 10.0
    restart: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise SpecError(f"process name {self.name!r}: expected letters, digits, '.', '_' and '-', at most 240")
        if not self.command:
            raise SpecError(f"process {self.name!r} has no command")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessState:
    """How one process stands.

    ``message`` is its refusal, or how it ended and its last log lines; it stays while the next start is under way.
    ``body`` is the last answer of its ``ready_url``; ``exit_code`` is None while it runs, or when nobody saw it end.
    """

    name: str
    revision: str
    state: RunState
    pid: int = 0
    port: int = 0
    restarts: int = 0
    message: str = ""
    body: bytes = b""
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The supervisor's durations, in seconds; tests shorten them."""

    first_delay: float = 0.2
    longest_delay: float = 30.0
    refused_delay: float = 60.0
    healthy_after: float = 30.0
    """Ready for so long, earlier failures are forgotten."""
    starting_poll: float = 0.1
    ready_poll: float = 1.0
    probe_timeout: float = 2.0
    silence: float = 30.0
    """Once ready, a process that does not answer at all for so long is killed and started again."""
    replacement: float = 60.0
    """The next replacement waits at most so long for the one before to be ready."""

    def delay(self, failures: int, *, refused: bool) -> float:
        """Seconds to wait after the ``failures``-th failure in a row (the first is 1)."""
        if refused:
            return self.refused_delay
        return float(min(self.longest_delay, self.first_delay * 2.0 ** min(failures - 1, 30)))
