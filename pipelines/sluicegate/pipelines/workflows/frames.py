"""What the parts of the executor hand to each other: where a call stands, and who can run it."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from sluicegate.pipelines.workflows.errors import WorkflowError
from sluicegate.pipelines.workflows.manifest import Call, Template
from sluicegate.pipelines.workflows.nodes import Node
from sluicegate.pipelines.workflows.scoping import Scope

FAIL_FAST = "template has failed or errored children and failFast enabled"


class NotRunError(WorkflowError):
    """A call that could not be made, or whose outputs have no value; its node says so already."""


@dataclass(slots=True)
class Gate:
    """How many children of a template run at once, and whether it starts no more of them after a failure."""

    places: asyncio.Semaphore | None
    fail_fast: bool
    failed: bool = False

    @classmethod
    def of(cls, template: Template) -> "Gate":
        """The gate of a steps or dag template."""
        places = asyncio.Semaphore(template.parallelism) if template.parallelism else None
        return cls(places, bool(template.fail_fast))

    @property
    def closed(self) -> bool:
        """Whether nothing more is started."""
        return self.fail_fast and self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A steps or dag node at work: its template, what its calls may refer to, and where their names are looked up."""

    node: Node
    template: Template
    scope: Scope
    home: str
    gate: Gate = field(default_factory=lambda: Gate(None, fail_fast=False))

    @property
    def prefix(self) -> str:
        """``steps`` or ``tasks``: how its calls are referred to."""
        return "tasks" if self.template.dag is not None else "steps"


class Caller(Protocol):
    """Runs one call of a frame, whose references are replaced and whose condition holds."""

    async def call(self, call: Call, name: str, frame: Frame, scope: Scope) -> Node | None:
        """Run it with its hooks; None when the frame's gate closed before it could begin.

        Raises NotRunError when it could not be made.
        """

    def publish_into(self, scope: Scope) -> None:
        """Let a scope know the workflow's outputs so far."""

    def loop(self, call: Call, frame: Frame) -> list[Node]:
        """The nodes of a loop so far, in the order of its items."""
