"""Nodes: what became of each use of a template, in Argo's words; the workflow's status is built of them."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

Phase = Literal["Pending", "Running", "Succeeded", "Failed", "Error", "Skipped", "Omitted"]
DONE: frozenset[Phase] = frozenset({"Succeeded", "Failed", "Error", "Skipped", "Omitted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node. ``outputs`` holds parameters (text), ``artifacts`` paths of files; ``result`` is standard output."""

    id: str
    name: str
    kind: str
    template: str = ""
    phase: Phase = "Pending"
    message: str = ""
    started_at: str = ""
    finished_at: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    artifacts: dict[str, str] = field(default_factory=dict)
    result: str | None = None
    exit_code: int | None = None
    parent: str = ""

    def ended(self, phase: Phase, message: str = "", **changes: Any) -> "Node":
        """The node with its end."""
        return replace(self, phase=phase, message=message, **changes)

    def status(self) -> dict[str, Any]:
        """As Argo writes it in ``status.nodes``."""
        outputs: dict[str, Any] = {}
        if self.outputs:
            outputs["parameters"] = [{"name": name, "value": value} for name, value in self.outputs.items()]
        if self.result is not None:
            outputs["result"] = self.result
        if self.exit_code is not None:
            outputs["exitCode"] = str(self.exit_code)
        return {
            "id": self.id,
            "name": self.id,
            "displayName": self.name,
            "type": self.kind,
            "templateName": self.template,
            "phase": self.phase,
            "message": self.message,
            "startedAt": self.started_at or None,
            "finishedAt": self.finished_at or None,
            "inputs": {"parameters": [{"name": name, "value": value} for name, value in self.inputs.items()]},
            "outputs": outputs,
            "boundaryID": self.parent,
        }


def scope_of(prefix: str, node: Node) -> dict[str, str]:
    """What other calls may refer to once this node has ended, below ``steps.NAME`` or ``tasks.NAME``."""
    base = f"{prefix}.{node.name}"
    scope = {f"{base}.status": node.phase, f"{base}.id": node.id}
    scope |= {f"{base}.outputs.parameters.{name}": value for name, value in node.outputs.items()}
    scope |= {f"{base}.outputs.artifacts.{name}": path for name, path in node.artifacts.items()}
    if node.result is not None:
        scope[f"{base}.outputs.result"] = node.result
    if node.exit_code is not None:
        scope[f"{base}.exitCode"] = str(node.exit_code)
    return scope
