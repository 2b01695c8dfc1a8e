"""Executes a workflow: walks its templates, runs leaves, keeps the nodes.

One ``Execution`` is one run. What to do next is decided in ``planning``; what a leaf does is behind ``Leaves``; who is
told about nodes is a callback, so that this file writes nothing by itself. Cancelling ``run`` ends every leaf, and the
exit handler still runs: traffic is put back before the runner is gone.
"""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from sluicegate.pipelines.workflows.errors import WorkflowError
from sluicegate.pipelines.workflows.expressions import duration_seconds, evaluate_when, references, substitute
from sluicegate.pipelines.workflows.leaves import LeafEnd, LeafRun, Leaves
from sluicegate.pipelines.workflows.library import Library, Resolved, as_text
from sluicegate.pipelines.workflows.manifest import Call, Dag, Template
from sluicegate.pipelines.workflows.nodes import Node, Phase, scope_of
from sluicegate.pipelines.workflows.planning import dag_outcome, ready_tasks, tolerated

Scope = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Where a call stands: what it may refer to, which WorkflowTemplate its names belong to, and its parent node."""

    scope: Scope
    home: str = ""
    parent: str = ""
    prefix: str = "steps"


@dataclass(slots=True, kw_only=True)
class Execution:
    """One run of a workflow. ``tell`` is called with each node that changes."""

    name: str
    library: Library
    leaves: Leaves
    directory: Path
    tell: Callable[[Node], None]
    namespace: str = "default"
    uid: str = ""
    nodes: dict[str, Node] = field(default_factory=dict)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def run(self) -> tuple[Phase, str]:
        """Run the entrypoint, then the exit handler whatever happened. Returns the workflow's phase and message."""
        scope = self._globals()
        try:
            phase, message = await self._within_deadline(scope)
        except asyncio.CancelledError:
            phase, message = "Failed", "stopped before its end"
        if self.library.spec.on_exit:
            phase, message = await self._exit_handler(scope, phase, message)
        return phase, message

    async def _within_deadline(self, scope: Scope) -> tuple[Phase, str]:
        deadline = self.library.spec.active_deadline_seconds
        try:
            async with asyncio.timeout(deadline):
                entry = self.library.named(self.library.spec.entrypoint, "", self.name)
                node = await self._template(
                    self.name, entry, self._inputs(entry.template, {}, scope), {}, Frame(scope=scope)
                )
        except TimeoutError:
            return "Failed", f"activeDeadlineSeconds: not done within {deadline} s"
        return node.phase, node.message

    async def _exit_handler(self, scope: Scope, phase: Phase, message: str) -> tuple[Phase, str]:
        failures = [node.status() for node in self.nodes.values() if node.phase in {"Failed", "Error"}]
        ended = {**scope, "workflow.status": phase, "workflow.failures": msgspec.json.encode(failures).decode()}
        handler = self.library.named(self.library.spec.on_exit, "", "spec.onExit")
        inputs = self._inputs(handler.template, {}, ended)
        node = await self._template(f"{self.name}.onExit", handler, inputs, {}, Frame(scope=ended))
        if node.phase in {"Failed", "Error"} and phase == "Succeeded":
            return node.phase, f"exit handler: {node.message}"
        return phase, message

    def _globals(self) -> dict[str, str]:
        parameters = self.library.spec.arguments.parameters
        given = {f"workflow.parameters.{p.name}": as_text(p.value) for p in parameters if p.value is not None}
        return {
            "workflow.name": self.name, "workflow.namespace": self.namespace, "workflow.uid": self.uid,
            "workflow.status": "Running", **given,
        }  # fmt: skip

    def _inputs(self, template: Template, given: Mapping[str, str], scope: Scope) -> dict[str, str]:
        """Values of a template's inputs: the caller's, else its own, else the workflow argument of that name."""
        found: dict[str, str] = {}
        for parameter in template.inputs.parameters:
            own = parameter.value if parameter.value is not None else parameter.default
            outer = scope.get(f"workflow.parameters.{parameter.name}")
            value = given.get(parameter.name, substitute(as_text(own), scope) if own is not None else outer)
            if value is None:
                raise WorkflowError(f"template {template.name!r}: input {parameter.name!r} has no value")
            found[parameter.name] = value
        return found

    def _node(self, node: Node, phase: Phase, message: str = "") -> Node:
        stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        started = node.started_at or ("" if phase == "Pending" else stamp)
        finished = "" if phase in {"Pending", "Running"} else stamp
        node = replace(node, phase=phase, message=message, started_at=started, finished_at=finished)
        self.nodes[node.id] = node
        self.tell(node)
        return node

    async def _call(self, call: Call, frame: Frame) -> Node:
        """Run one step or task: its condition, its arguments, its template."""
        empty = Node(
            id=f"{frame.parent or self.name}.{call.name}-{next(self._numbers)}",
            name=call.name,
            kind="Pod",
            parent=frame.parent,
        )
        try:
            if call.when and not evaluate_when(self._resolved(call.when, frame.scope)):
                return self._node(
                    replace(empty, kind="Skipped"), "Skipped", f"when {substitute(call.when, frame.scope)!r} is false"
                )
            resolved = self.library.find(call, frame.home, call.name)
            given = {
                p.name: self._resolved(as_text(p.value), frame.scope)
                for p in call.arguments.parameters
                if p.value is not None
            }
            files = {a.name: self._resolved(a.from_, frame.scope) for a in call.arguments.artifacts if a.from_}
            inputs = self._inputs(resolved.template, given, frame.scope)
        except WorkflowError as error:
            return self._node(empty, "Error", str(error))
        return await self._template(
            call.name, resolved, inputs, files, replace(frame, parent=frame.parent), id_=empty.id
        )

    def _resolved(self, text: str, scope: Scope) -> str:
        left = references(value := substitute(text, scope))
        if left:
            raise WorkflowError(
                f"{{{{{left[0]}}}}} has no value: the step that gives it did not run, or left no such output"
            )
        return value

    async def _template(
        self,
        name: str,
        resolved: Resolved,
        inputs: dict[str, str],
        files: dict[str, str],
        frame: Frame,
        *,
        id_: str = "",
    ) -> Node:
        template = resolved.template
        kinds = {"steps": "Steps", "dag": "DAG", "suspend": "Suspend"}
        node = Node(
            id=id_ or name,
            name=name,
            kind=kinds.get(template.kind, "Pod"),
            template=template.name,
            inputs=inputs,
            parent=frame.parent,
        )
        outer = {key: value for key, value in frame.scope.items() if key.startswith("workflow.")}
        own = {f"inputs.parameters.{key}": value for key, value in inputs.items()}
        own |= {f"inputs.artifacts.{key}": value for key, value in files.items()}
        inner = Frame(
            scope={**outer, **own}, home=resolved.home, parent=node.id, prefix="tasks" if template.dag else "steps"
        )
        node = self._node(node, "Running")
        retry = template.retry_strategy
        attempts = int(substitute(as_text(retry.limit), inner.scope)) + 1 if retry else 1
        for attempt in range(attempts):
            ended = await self._attempt(node, template, files, inner, attempt)
            if retry is None or not _again(retry.retry_policy, ended.phase) or attempt + 1 == attempts:
                break
            await asyncio.sleep(_pause(retry.backoff.duration, retry.backoff.factor, attempt))
        return self._node(ended, ended.phase, ended.message)

    async def _attempt(self, node: Node, template: Template, files: dict[str, str], frame: Frame, attempt: int) -> Node:
        try:
            if template.steps is not None:
                return await self._steps(node, template, frame)
            if template.dag is not None:
                return await self._dag(node, template, template.dag, frame)
            if template.suspend is not None:
                return await self._suspend(node, template, frame)
            return _with_end(node, await self._leaf(node, template, files, frame, attempt))
        except WorkflowError as error:
            return node.ended("Error", str(error))
        except asyncio.CancelledError:
            self._node(node, "Failed", "stopped before its end")
            raise

    async def _leaf(self, node: Node, template: Template, files: dict[str, str], frame: Frame, attempt: int) -> LeafEnd:
        text = msgspec.json.encode(template).decode()
        scope = {**frame.scope, **_declared_paths(template)}
        concrete = msgspec.json.decode(substitute(text, _quoted(scope)), type=Template)
        directory = self.directory / node.id.replace("/", "_") / f"attempt-{attempt}"
        directory.mkdir(parents=True, exist_ok=True)
        limits = [duration_seconds(limit) for limit in (concrete.timeout, concrete.active_deadline_seconds) if limit]
        leaf = LeafRun(
            node_id=node.id, template=concrete, directory=directory, timeout=min(limits, default=None), artifacts=files
        )
        return await self.leaves.run(leaf)

    async def _suspend(self, node: Node, template: Template, frame: Frame) -> Node:
        """Wait for the duration, or until a file named ``resume`` lies in the node's directory."""
        duration = substitute(as_text(template.suspend.duration if template.suspend else ""), frame.scope)
        directory = self.directory / node.id.replace("/", "_")
        directory.mkdir(parents=True, exist_ok=True)
        ends = asyncio.get_running_loop().time() + duration_seconds(duration) if duration else None
        while ends is None or asyncio.get_running_loop().time() < ends:
            if (directory / "resume").exists():
                return node.ended("Succeeded", "resumed")
            await asyncio.sleep(0.1)
        return node.ended("Succeeded")

    async def _steps(self, node: Node, template: Template, frame: Frame) -> Node:
        scope = dict(frame.scope)
        for group in template.steps or ():
            inner = replace(frame, scope=scope)
            done = await asyncio.gather(*(self._call(call, inner) for call in group))
            for ended in done:
                scope |= scope_of("steps", ended)
            failed = [ended for call, ended in zip(group, done, strict=True) if not tolerated(call, ended)]
            if failed:
                return node.ended(failed[0].phase, f"step {failed[0].name!r}: {failed[0].message}")
        return self._composed(node, template, scope)

    async def _dag(self, node: Node, template: Template, dag: Dag, frame: Frame) -> Node:
        ended: dict[str, Node] = {}
        running: dict[asyncio.Task[Node], str] = {}
        scope = dict(frame.scope)
        try:
            while True:
                start, omit = ready_tasks(dag, ended, frozenset(running.values()))
                for task in omit:
                    lost = Node(
                        id=f"{frame.parent}.{task.name}-{next(self._numbers)}",
                        name=task.name,
                        kind="Skipped",
                        parent=frame.parent,
                    )
                    ended[task.name] = self._node(lost, "Omitted", "its dependencies did not end as it needs")
                inner = replace(frame, scope=dict(scope))
                running |= {asyncio.create_task(self._call(task, inner)): task.name for task in start}
                if not running and not omit:
                    break
                if running:
                    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    for finished in done:
                        ended[running.pop(finished)] = finished.result()
                        scope |= scope_of("tasks", finished.result())
        finally:
            await _cancel(running)
        phase, message = dag_outcome(dag, ended)
        return self._composed(node, template, scope) if phase == "Succeeded" else node.ended(phase, message)

    def _composed(self, node: Node, template: Template, scope: Scope) -> Node:
        """A steps or dag template that succeeded, with its outputs taken from its parts."""
        outputs: dict[str, str] = {}
        for parameter in template.outputs.parameters:
            source = parameter.value_from
            value = scope.get(source.parameter.strip("{} ")) if source else None
            if value is None and source and source.default is not None:
                value = as_text(source.default)
            if value is None:
                raise WorkflowError(
                    f"output {parameter.name!r} has no value: {source.parameter if source else 'no valueFrom'}"
                )
            outputs[parameter.name] = value
        artifacts = {
            a.name: scope[a.from_.strip("{} ")] for a in template.outputs.artifacts if a.from_.strip("{} ") in scope
        }
        return node.ended("Succeeded", outputs=outputs, artifacts=artifacts)


def _with_end(node: Node, end: LeafEnd) -> Node:
    return node.ended(
        end.phase, end.message, outputs=end.outputs, artifacts=end.artifacts, result=end.result, exit_code=end.exit_code
    )


def _declared_paths(template: Template) -> dict[str, str]:
    """``inputs.artifacts.NAME.path`` and ``outputs.parameters.NAME.path``, which a command may refer to."""
    inputs, outputs = template.inputs.artifacts, template.outputs
    found = {f"inputs.artifacts.{artifact.name}.path": artifact.path for artifact in inputs}
    found |= {f"outputs.artifacts.{artifact.name}.path": artifact.path for artifact in outputs.artifacts}
    sources = {p.name: p.value_from for p in outputs.parameters}
    return found | {f"outputs.parameters.{name}.path": source.path for name, source in sources.items() if source}


def _quoted(scope: Scope) -> dict[str, str]:
    """The scope's values as they stand inside a JSON text."""
    return {key: msgspec.json.encode(value).decode()[1:-1] for key, value in scope.items()}


def _again(policy: str, phase: Phase) -> bool:
    wanted = {
        "Always": {"Failed", "Error"},
        "OnFailure": {"Failed"},
        "OnError": {"Error"},
        "OnTransientError": {"Error"},
    }
    return phase in wanted[policy]


def _pause(duration: object, factor: object, attempt: int) -> float:
    return duration_seconds(duration) * float(str(factor)) ** attempt


async def _cancel(tasks: Mapping["asyncio.Task[Node]", str]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
