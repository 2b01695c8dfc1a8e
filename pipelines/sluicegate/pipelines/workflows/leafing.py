"""Leaves as nodes: a container, a script, a resource, a suspension, and how long each may take."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import Any

from sluicegate.pipelines.workflows.expressions import duration_seconds
from sluicegate.pipelines.workflows.leaves import LeafRun, Leaves
from sluicegate.pipelines.workflows.ledger import Ledger
from sluicegate.pipelines.workflows.library import as_text
from sluicegate.pipelines.workflows.manifest import Template
from sluicegate.pipelines.workflows.nodes import Node
from sluicegate.pipelines.workflows.scoping import Scope
from sluicegate.pipelines.workflows.templating import substituted

LATE = "Step exceeded its deadline"
_LOOK_SECONDS = 0.1


@dataclass(slots=True)
class Pods:
    """Runs leaves; at most ``places`` at once, and none beyond the workflow's deadline (a loop time)."""

    leaves: Leaves
    ledger: Ledger
    places: asyncio.Semaphore | None = None
    deadline: float | None = field(default=None)

    @property
    def late(self) -> bool:
        """Whether the workflow's deadline has passed."""
        return self.deadline is not None and _now() >= self.deadline

    async def run(self, node: Node, template: Template, scope: Scope) -> Node:
        """Run a container, a script or a resource to its end.

        Raises ExpressionError when an expression in it cannot be evaluated.
        """
        scope.texts |= _declared_paths(template)
        concrete = substituted(template, scope.texts)
        own = [duration_seconds(limit) for limit in (concrete.timeout, concrete.active_deadline_seconds) if limit]
        files = {
            a.name: scope.files[f"inputs.artifacts.{a.name}"]
            for a in concrete.inputs.artifacts
            if f"inputs.artifacts.{a.name}" in scope.files
        }
        async with self.places or contextlib.nullcontext():
            if self.late:
                return node.ended("Failed", LATE)
            limits = own + ([self.deadline - _now()] if self.deadline is not None else [])
            end = await self.leaves.run(
                LeafRun(
                    node_id=node.id, template=concrete, directory=self.ledger.place(node), files=files,
                    timeout=min(limits, default=None),
                )
            )  # fmt: skip
        return node.ended(
            end.phase, end.message, cause=end.cause, outputs=end.outputs, artifacts=end.artifacts, result=end.result,
            exit_code=end.exit_code,
        )  # fmt: skip

    async def suspended(self, node: Node, template: Template) -> Node:
        """Wait for the duration, or until a file named ``resume`` lies in the node's directory.

        Raises ExpressionError when the duration cannot be read. The file may hold a JSON object: values of outputs that
        are ``supplied``.
        """
        duration = as_text(template.suspend.duration) if template.suspend else ""
        ends = _now() + duration_seconds(duration) if duration else None
        resume = self.ledger.place(node) / "resume"
        own = duration_seconds(template.timeout) if template.timeout else None
        limit = min(filter(None, (self.deadline, _now() + own if own else None)), default=None)
        while not resume.exists() and (ends is None or _now() < ends):
            if limit is not None and _now() >= limit:
                return node.ended("Failed", LATE)
            waits = [each - _now() for each in (ends, limit) if each is not None]
            await asyncio.sleep(max(0.0, min([_LOOK_SECONDS, *waits])))
        text = resume.read_text().strip() if resume.exists() else ""
        return _supplied(node, template, json.loads(text) if text else {})


def _supplied(node: Node, template: Template, values: dict[str, Any]) -> Node:
    outputs: dict[str, str] = {}
    for parameter in template.outputs.parameters:
        source = parameter.value_from
        if parameter.name in values:
            outputs[parameter.name] = as_text(values[parameter.name])
        elif source is not None and source.default is not None:
            outputs[parameter.name] = as_text(source.default)
    return node.ended("Succeeded", outputs=outputs)


def _declared_paths(template: Template) -> dict[str, str]:
    """``inputs.artifacts.NAME.path`` and ``outputs.parameters.NAME.path``, which a command may refer to."""
    inputs, outputs = template.inputs.artifacts, template.outputs
    found = {f"inputs.artifacts.{artifact.name}.path": artifact.path for artifact in inputs}
    found |= {f"outputs.artifacts.{artifact.name}.path": artifact.path for artifact in outputs.artifacts}
    sources = {p.name: p.value_from for p in outputs.parameters}
    return found | {f"outputs.parameters.{name}.path": source.path for name, source in sources.items() if source}


def _now() -> float:
    return asyncio.get_running_loop().time()
