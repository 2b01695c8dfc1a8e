"""Nodes: what became of each use of a template, in Argo's words; the workflow's status is built of them.

A node's *name* is its path from the workflow's name, as Argo writes it (``run[0].each(1:b)``), and its *id* is made of
that name in Argo's way, so that messages that mention it are the same here and there.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

Phase = Literal["Pending", "Running", "Succeeded", "Failed", "Error", "Skipped", "Omitted"]
DONE: frozenset[Phase] = frozenset({"Succeeded", "Failed", "Error", "Skipped", "Omitted"})
BAD: frozenset[Phase] = frozenset({"Failed", "Error"})
_KINDS = {"steps": "Steps", "dag": "DAG", "suspend": "Suspend"}
_FNV_OFFSET, _FNV_PRIME = 0x811C9DC5, 0x01000193


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node. ``outputs`` holds parameters (text), ``artifacts`` paths of files; ``result`` is standard output."""

    id: str
    name: str
    display_name: str = ""
    kind: str
    template: str = ""
    reference: str = ""
    """Instead of ``template``, when it is one of a WorkflowTemplate: ``NAME/TEMPLATE``."""
    phase: Phase = "Pending"
    message: str = ""
    cause: str = ""
    """What our message says beyond Argo's: the last words of a command, or of the child that failed."""
    started_at: str = ""
    finished_at: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    result: str | None = None
    exit_code: int | None = None
    parent: str = ""
    memoized: bool | None = None

    @property
    def bad(self) -> bool:
        """Whether it failed, or could not even be tried."""
        return self.phase in BAD

    @property
    def told(self) -> str:
        """Argo's message, and the cause after it."""
        return ": ".join(filter(None, (self.message, self.cause)))

    def ended(self, phase: Phase, message: str = "", **changes: Any) -> "Node":
        """The node with its end."""
        return replace(self, phase=phase, message=message, **changes)

    def outputs_of(self, other: "Node") -> "Node":
        """The node with another's outputs: a node of attempts has those of its last one."""
        return replace(
            self, outputs=other.outputs, artifacts=other.artifacts, result=other.result, exit_code=other.exit_code
        )

    def status(self) -> dict[str, Any]:
        """As Argo writes it in ``status.nodes``."""
        outputs: dict[str, Any] = {}
        if self.outputs:
            outputs["parameters"] = [{"name": name, "value": value} for name, value in self.outputs.items()]
        if self.artifacts:
            outputs["artifacts"] = [{"name": name, "path": path} for name, path in self.artifacts.items()]
        if self.result is not None:
            outputs["result"] = self.result
        if self.exit_code is not None:
            outputs["exitCode"] = str(self.exit_code)
        name, _, template = self.reference.partition("/")
        reference = {"templateRef": {"name": name, "template": template}} if self.reference else {}
        memoized = {} if self.memoized is None else {"memoizationStatus": {"hit": self.memoized}}
        return {
            "id": self.id,
            "name": self.name,
            "displayName": self.display_name,
            "type": self.kind,
            "templateName": self.template,
            "phase": self.phase,
            "message": self.told,
            "startedAt": self.started_at or None,
            "finishedAt": self.finished_at or None,
            "inputs": {"parameters": [{"name": name, "value": value} for name, value in self.inputs.items()]},
            "outputs": outputs,
            "boundaryID": self.parent,
            **reference,
            **memoized,
        }


def node_id(run: str, name: str) -> str:
    """Argo's identifier of a node: the run's name, and a 32-bit FNV-1a hash of the node's."""
    if name == run:
        return name
    number = _FNV_OFFSET
    for byte in name.encode():
        number = ((number ^ byte) * _FNV_PRIME) & 0xFFFFFFFF
    return f"{run}-{number}"


def node_kind(template_kind: str) -> str:
    """The type of a node of a template of this kind."""
    return _KINDS.get(template_kind, "Pod")
