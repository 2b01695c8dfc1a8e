"""A steps template: its groups one after another, the steps of a group at the same time."""

import asyncio
from dataclasses import dataclass, replace

from sluicegate.pipelines.workflows.calling import expanded, proceeds, resolved_call
from sluicegate.pipelines.workflows.errors import ExpressionError, WorkflowError
from sluicegate.pipelines.workflows.frames import FAIL_FAST, Caller, Frame, NotRunError
from sluicegate.pipelines.workflows.ledger import Ledger
from sluicegate.pipelines.workflows.manifest import Call
from sluicegate.pipelines.workflows.nodes import Node
from sluicegate.pipelines.workflows.planning import tolerated
from sluicegate.pipelines.workflows.scoping import Scope, composed_outputs, refers_to_result


@dataclass(frozen=True, slots=True)
class Steps:
    """Runs steps templates."""

    ledger: Ledger
    caller: Caller

    async def run(self, frame: Frame) -> Node:
        """Run to the end; the node with its end, not yet written down.

        Raises WorkflowError when an output of the template has no value.
        """
        scope = frame.scope
        for number, group in enumerate(frame.template.steps or ()):
            self.caller.publish_into(scope)
            name = f"{frame.node.name}[{number}]"
            place = self.ledger.new(name, "StepGroup", frame.node.id, display_name=f"[{number}]")
            ended = await self._group(group, self.ledger.mark(place, "Running"), frame, scope)
            ended = self.ledger.mark(ended, ended.phase, ended.message, ended.cause)
            if ended.bad:
                return frame.node.ended("Failed", ended.message, cause=ended.cause)
            self._learn(group, ended, frame, scope)
        outputs, artifacts = composed_outputs(frame.template, scope)
        return frame.node.ended("Succeeded", outputs=outputs, artifacts=artifacts)

    async def _group(self, group: tuple[Call, ...], place: Node, frame: Frame, scope: Scope) -> Node:
        try:
            ready = [resolved_call(call, scope) for call in group]
        except WorkflowError as error:
            return place.ended("Error", f"failed to resolve references: {error}")
        try:
            calls = [each for call in ready for each in self._turns(call, place, frame, scope)]
        except WorkflowError as error:
            return place.ended("Error", str(error))
        started: list[tuple[Call, asyncio.Task[Node | None]]] = []
        try:
            for call in calls:
                if not self._skipped(call, place, frame):
                    name = f"{place.name}.{call.name}"
                    running = asyncio.create_task(self.caller.call(call, name, frame, scope))
                    started.append((call, running))
                    # What was made first is written down first, and takes the first place of a gate.
                    await asyncio.sleep(0)
            done = [(call, await running) for call, running in started]
        except NotRunError as error:
            return place.ended("Error", f"step group deemed errored due to child {error}")
        except WorkflowError as error:
            return place.ended("Error", str(error))
        finally:
            await _gone([running for _, running in started])
        return _judged(place, done, frame)

    def _turns(self, call: Call, place: Node, frame: Frame, scope: Scope) -> list[Call]:
        found = expanded(call, scope)
        if not found:
            self._skip(call, place, frame, "Skipped, empty params")
        return found

    def _skipped(self, call: Call, place: Node, frame: Frame) -> bool:
        try:
            if proceeds(call.when):
                return False
        except ExpressionError as error:
            self.ledger.mark(self._unrun(call, place, frame), "Error", str(error))
            raise
        self._skip(call, place, frame, f"when '{call.when}' evaluated false")
        return True

    def _skip(self, call: Call, place: Node, frame: Frame, why: str) -> None:
        self.ledger.mark(self._unrun(call, place, frame), "Skipped", why)

    def _unrun(self, call: Call, place: Node, frame: Frame) -> Node:
        name = f"{place.name}.{call.name}"
        return self.ledger.new(
            name, "Skipped", frame.node.id, display_name=call.name, template=call.template, reference=call.reference
        )

    def _learn(self, group: tuple[Call, ...], place: Node, frame: Frame, scope: Scope) -> None:
        """Let the next group refer to this one's steps."""
        by_name = {node.name: node for node in self.ledger.nodes.values()}
        for call in group:
            base = f"steps.{call.name}"
            node = by_name.get(f"{place.name}.{call.name}")
            if node is None:
                turns = self.caller.loop(call, replace(frame, node=place))
                scope.add_loop(base, turns, results=refers_to_result(frame.template, call.name))
            scope.add_node(base, node or place)


def _judged(place: Node, done: list[tuple[Call, Node | None]], frame: Frame) -> Node:
    ended = [(call, node) for call, node in done if node is not None]
    failed = [node for call, node in ended if not tolerated(call, node)]
    if frame.gate.closed:
        return place.ended("Failed", FAIL_FAST, cause=_cause(failed))
    if failed:
        return place.ended("Failed", f"child '{failed[0].id}' failed", cause=_cause(failed))
    return place.ended("Succeeded")


def _cause(failed: list[Node]) -> str:
    return f"{failed[0].display_name}: {failed[0].told}" if failed else ""


async def _gone(tasks: list["asyncio.Task[Node | None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
