"""A dag template: every task as soon as its dependencies have ended as it needs."""

import asyncio
from dataclasses import dataclass, field

from sluicegate.pipelines.workflows.calling import expanded, proceeds, resolved_call
from sluicegate.pipelines.workflows.errors import WorkflowError
from sluicegate.pipelines.workflows.frames import FAIL_FAST, Caller, Frame, NotRunError
from sluicegate.pipelines.workflows.ledger import Ledger
from sluicegate.pipelines.workflows.manifest import Call, Dag
from sluicegate.pipelines.workflows.nodes import Node, Phase
from sluicegate.pipelines.workflows.planning import Ended, ancestors, dag_outcome, ready_tasks
from sluicegate.pipelines.workflows.scoping import Scope, composed_outputs, refers_to_result

OMITTED = "omitted: depends condition not met"


@dataclass(frozen=True, slots=True)
class Tasks:
    """Runs dag templates."""

    ledger: Ledger
    caller: Caller

    async def run(self, frame: Frame) -> Node:
        """Run to the end; the node with its end, not yet written down.

        Raises WorkflowError when an output of the template has no value.
        """
        graph = _Graph(frame.template.dag or Dag(tasks=()), frame)
        running: dict[asyncio.Task[Ended | None], str] = {}
        try:
            while True:
                start, omit = ready_tasks(graph.dag, graph.ended, frozenset(running.values()) | graph.held)
                for task in omit:
                    graph.ended[task.name] = Ended(self._lost(task, frame, "Omitted", OMITTED))
                for task in start:
                    running[asyncio.create_task(self._task(task, graph))] = task.name
                    await asyncio.sleep(0)
                if not running and not omit:
                    break
                if running:
                    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for finished in done:
                        graph.take(running.pop(finished), finished.result())
        finally:
            await _gone(list(running))
        return self._end(graph)

    def _end(self, graph: "_Graph") -> Node:
        frame = graph.frame
        phase, cause = dag_outcome(graph.dag, graph.ended)
        if frame.gate.closed:
            return frame.node.ended("Failed", FAIL_FAST, cause=cause)
        if phase != "Succeeded":
            return frame.node.ended(phase, cause=cause)
        outputs, artifacts = composed_outputs(frame.template, graph.scope(list(graph.ended)))
        return frame.node.ended("Succeeded", outputs=outputs, artifacts=artifacts)

    def _lost(self, task: Call, frame: Frame, phase: Phase, message: str) -> Node:
        return self.ledger.mark(self._unrun(task, frame, "Skipped"), phase, message)

    def _unrun(self, task: Call, frame: Frame, kind: str) -> Node:
        """A node of a task whose template does not run by itself."""
        name = f"{frame.node.name}.{task.name}"
        return self.ledger.new(
            name, kind, frame.node.id, display_name=task.name, template=task.template, reference=task.reference
        )

    async def _task(self, task: Call, graph: "_Graph") -> Ended | None:
        frame, scope = graph.frame, graph.scope(ancestors(task, graph.dag))
        self.caller.publish_into(scope)
        try:
            ready = resolved_call(task, scope)
            calls = expanded(ready, scope)
        except WorkflowError as error:
            return Ended(self._lost(task, frame, "Error", str(error)))
        if not ready.loops:
            node = await self._one(ready, frame, scope)
            return None if node is None else Ended(node)
        if not calls:
            return Ended(self._lost(task, frame, "Skipped", "Skipped, empty params"))
        return await self._loop(task, calls, frame, scope)

    async def _loop(self, task: Call, calls: list[Call], frame: Frame, scope: Scope) -> Ended | None:
        group = self.ledger.mark(self._unrun(task, frame, "TaskGroup"), "Running")
        started: list[asyncio.Task[Node | None]] = []
        try:
            for call in calls:
                started.append(asyncio.create_task(self._one(call, frame, scope)))
                await asyncio.sleep(0)
            nodes = [node for node in await asyncio.gather(*started) if node is not None]
        finally:
            await _gone(started)
        if len(nodes) < len(calls):
            return None
        bad = [node for node in nodes if node.bad]
        cause = f"{bad[-1].display_name}: {bad[-1].told}" if bad else ""
        return Ended(self.ledger.mark(group, bad[-1].phase if bad else "Succeeded", cause=cause), tuple(nodes))

    async def _one(self, call: Call, frame: Frame, scope: Scope) -> Node | None:
        try:
            if not proceeds(call.when):
                return self._lost(call, frame, "Skipped", f"when '{call.when}' evaluated false")
            return await self.caller.call(call, f"{frame.node.name}.{call.name}", frame, scope)
        except NotRunError as error:
            name = f"{frame.node.name}.{call.name}"
            made = next(node for node in self.ledger.nodes.values() if node.name == name)
            why = str(error).removeprefix(f"{name} error: ")
            return self.ledger.mark(made, "Error", f"task '{name}' errored: {why}")
        except WorkflowError as error:
            return self._lost(call, frame, "Error", str(error))


@dataclass(slots=True)
class _Graph:
    """The tasks that have ended, and those that will never begin because the gate closed."""

    dag: Dag
    frame: Frame
    ended: dict[str, Ended] = field(default_factory=dict)
    held: frozenset[str] = frozenset()

    def take(self, name: str, end: Ended | None) -> None:
        if end is None:
            self.held |= {name}
        else:
            self.ended[name] = end

    def scope(self, names: list[str]) -> Scope:
        """What a task after these may refer to."""
        scope = self.frame.scope.copy()
        for name in names:
            end = self.ended.get(name)
            if end is not None:
                if end.items:
                    wanted = refers_to_result(self.frame.template, name)
                    scope.add_loop(f"tasks.{name}", end.items, results=wanted)
                scope.add_node(f"tasks.{name}", end.node)
        return scope


async def _gone(tasks: list["asyncio.Task[Node | None]"] | list["asyncio.Task[Ended | None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
