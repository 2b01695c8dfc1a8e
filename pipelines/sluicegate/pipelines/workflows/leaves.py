"""What the executor needs of the outside: somebody who runs a container, a script or a resource action to its end.

``Leaves`` is the port; ``processes`` and ``resources`` implement it on one machine, a fake in the tests without any.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sluicegate.pipelines.workflows.manifest import Template
from sluicegate.pipelines.workflows.nodes import Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafRun:
    """One attempt at a leaf template, all references replaced. ``files`` are paths of input artefacts by name."""

    node_id: str
    template: Template
    directory: Path
    timeout: float | None
    files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeafEnd:
    """How the attempt ended: ``message`` in Argo's words, ``cause`` what can be said beyond them."""

    phase: Phase
    message: str = ""
    cause: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    result: str | None = None
    exit_code: int | None = None


class Leaves(Protocol):
    """Runs leaf templates; cancelling the call ends what it started."""

    async def run(self, leaf: LeafRun) -> LeafEnd:
        """Run to the end. Never raises for a failure of the leaf itself."""
