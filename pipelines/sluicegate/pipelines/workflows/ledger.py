"""The book of one run: its nodes as they change, and where their files lie."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sluicegate.pipelines.workflows.nodes import Node, Phase, node_id


@dataclass(slots=True)
class Ledger:
    """Nodes by id. ``tell`` is called with each one that changes."""

    run: str
    directory: Path
    tell: Callable[[Node], None]
    nodes: dict[str, Node] = field(default_factory=dict)
    _files: int = 0

    def new(self, name: str, kind: str, parent: str = "", *, display_name: str = "", **fields: Any) -> Node:
        """A node of that name, not yet in the book."""
        shown = display_name or name
        return Node(id=node_id(self.run, name), name=name, kind=kind, parent=parent, display_name=shown, **fields)

    def mark(self, node: Node, phase: Phase, message: str = "", cause: str = "") -> Node:
        """Write down a node's phase; its times are those of its first and its last phase."""
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        started = node.started_at or ("" if phase == "Pending" else stamp)
        finished = "" if phase in {"Pending", "Running"} else stamp
        node = replace(node, phase=phase, message=message, cause=cause, started_at=started, finished_at=finished)
        self.nodes[node.id] = node
        self.tell(node)
        return node

    def place(self, node: Node) -> Path:
        """A directory of the node's own."""
        directory = self.directory / node.id
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    def keep(self, text: str) -> str:
        """Lay a raw artefact into a file; its path."""
        self._files += 1
        path = self.directory / "raw" / str(self._files)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def failures(self) -> list[Mapping[str, Any]]:
        """``workflow.failures``: the nodes that failed, as Argo lists them, without those that only hold others."""
        bad = [node for node in self.nodes.values() if node.bad]
        return [
            {
                "displayName": node.display_name, "message": node.message, "templateName": node.template,
                "phase": node.phase, "podName": node.id if node.kind == "Pod" else "", "finishedAt": node.finished_at,
            }
            for node in bad
        ]  # fmt: skip
