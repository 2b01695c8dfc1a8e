"""Walks templates: their inputs, their attempts, and what each kind of them does.

Steps and dags are run by ``stepping`` and ``tasking``, which come back here for each call; a container, a script or a
resource is a leaf and goes to who can run it. Cancelling a walk ends every leaf.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sluicegate.pipelines.workflows.calling import Given, given, inputs_of
from sluicegate.pipelines.workflows.errors import WorkflowError
from sluicegate.pipelines.workflows.frames import Frame, Gate, NotRunError
from sluicegate.pipelines.workflows.hooking import HookRun, Hooks
from sluicegate.pipelines.workflows.leafing import Pods
from sluicegate.pipelines.workflows.ledger import Ledger
from sluicegate.pipelines.workflows.library import Library, Resolved, as_text
from sluicegate.pipelines.workflows.manifest import Call, Template
from sluicegate.pipelines.workflows.nodes import Node, node_kind
from sluicegate.pipelines.workflows.parts import Hook, Memoize, RetryStrategy, Synchronization
from sluicegate.pipelines.workflows.retrying import after, last_retry, policy
from sluicegate.pipelines.workflows.scoping import Scope
from sluicegate.pipelines.workflows.sharing import Lock, Shared
from sluicegate.pipelines.workflows.stepping import Steps
from sluicegate.pipelines.workflows.tasking import Tasks
from sluicegate.pipelines.workflows.templating import substitute, substituted

STOPPED = "stopped before its end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One use of a template: the node's name and place, and what the caller gives."""

    name: str
    display_name: str
    resolved: Resolved
    gave: Given = field(default_factory=Given)
    parent: str = ""
    reference: str = ""
    called: str = ""
    """How the caller names it, as in ``steps.name``."""


@dataclass(slots=True, kw_only=True)
class Walk:
    """Runs templates. ``globals`` is what every template of the run may refer to; it grows by global outputs."""

    library: Library
    ledger: Ledger
    pods: Pods
    shared: Shared
    globals: dict[str, str]
    global_files: dict[str, str] = field(default_factory=dict)

    async def call(self, call: Call, name: str, frame: Frame, scope: Scope) -> Node | None:
        """Run one call with its hooks; None when the frame's gate closed before it could begin.

        Raises NotRunError when it could not be made.
        """
        async with frame.gate.places or contextlib.nullcontext():
            if frame.gate.closed:
                return None
            resolved = self.library.find(call, frame.home, call.name)
            use = Use(
                name=name, display_name=call.name, resolved=resolved, gave=given(call.arguments, scope),
                parent=frame.node.id, called=f"{frame.prefix}.name",
                reference=call.reference,
            )  # fmt: skip
            hooks = Hooks(
                run=self._hook_of(frame), name=name, base=f"{frame.prefix}.{call.name}", hooks=call.hooks,
                exit=call.exit_hook, scope=lambda: scope,
            )  # fmt: skip
            node = await hooks.around(self.template(use))
            frame.gate.failed = frame.gate.failed or node.bad
            return node

    def _hook_of(self, frame: Frame) -> HookRun:
        async def run(name: str, hook: Hook, scope: Scope) -> Node:
            return await self.hook(name, hook, scope, home=frame.home, parent=frame.node.id)

        return run

    async def hook(self, name: str, hook: Hook, scope: Scope, *, home: str = "", parent: str = "") -> Node:
        """Run a hook as a node of that name."""
        call = Call(name=name, template=hook.template, template_ref=hook.template_ref)
        arguments = substituted(hook.arguments, scope.texts)
        resolved = self.library.find(call, home, name)
        display = name.split(".", 1)[1] if parent else name
        return await self.template(
            Use(
                name=name, display_name=display, resolved=resolved, gave=given(arguments, scope), parent=parent,
                reference=call.reference,
            )
        )  # fmt: skip

    def loop(self, call: Call, frame: Frame) -> list[Node]:
        """The nodes of a loop so far, in the order of its items."""
        start = f"{frame.node.name}.{call.name}("
        ends = {
            node.name[len(start) : -1]: node
            for node in self.ledger.nodes.values()
            if node.name.startswith(start) and node.name.endswith(")")
        }
        # Attempts of an item, and what its own steps loop over, have further brackets.
        turns = {end: node for end, node in ends.items() if "(" not in end}
        return [turns[end] for end in sorted(turns, key=lambda end: int(end.split(":", 1)[0]))]

    def publish_into(self, scope: Scope) -> None:
        """Let a scope know the workflow's outputs so far."""
        start = "workflow.outputs."
        scope.texts |= {name: text for name, text in self.globals.items() if name.startswith(start)}
        scope.files |= self.global_files

    async def template(self, use: Use) -> Node:
        """Run a template to its end.

        Raises NotRunError, after its node says so, when its inputs or outputs have no value.
        """
        template = use.resolved.template
        node = self.ledger.new(
            use.name, node_kind(template.kind), use.parent, display_name=use.display_name,
            template="" if use.reference else template.name, reference=use.reference,
        )  # fmt: skip
        try:
            inputs = inputs_of(template, use.gave, self.library, self.globals)
            scope = self._scope(use, inputs)
            strategy, memoize, locks = self._settings(template, scope)
        except WorkflowError as error:
            self.ledger.mark(replace(node, kind="Skipped"), "Error", str(error))
            raise NotRunError(f"{use.name} error: {error}") from error
        node = replace(node, inputs=inputs)
        if not locks:
            return await self._remembered(node, use, scope, strategy, memoize)
        self.ledger.mark(node, "Pending")
        async with self.shared.holding(locks):
            return await self._remembered(node, use, scope, strategy, memoize)

    def _settings(self, template: Template, scope: Scope) -> tuple[RetryStrategy | None, Memoize | None, list[Lock]]:
        strategy = template.retry_strategy or self.library.spec.retry_strategy
        if strategy is not None:
            strategy = concrete_strategy(strategy, scope.texts)
        memoize = substituted(template.memoize, scope.texts) if template.memoize else None
        return strategy, memoize, self.locks(template.synchronization, scope.texts)

    def locks(self, synchronization: Synchronization | None, texts: Mapping[str, str]) -> list[Lock]:
        """The locks that a template or workflow asks for."""
        if synchronization is None:
            return []
        wanted = substituted(synchronization, texts)
        mutexes = [Lock(f"mutex-{each.name}", 1) for each in wanted.mutexes]
        keys = [each.config_map_key_ref for each in wanted.semaphores]
        return mutexes + [Lock(f"semaphore-{key.name}-{key.key}", self.library.size_of(key)) for key in keys]

    async def _remembered(
        self, node: Node, use: Use, scope: Scope, strategy: RetryStrategy | None, memoize: Memoize | None
    ) -> Node:
        if memoize is None:
            return await self._tried(node, use, scope, strategy)
        cache = memoize.cache.config_map.name
        known = self.shared.remembered(cache, memoize.key, memoize.max_age)
        if known is not None:
            return self._done(replace(node, memoized=True).ended("Succeeded", **known))
        ended = await self._tried(replace(node, memoized=False), use, scope, strategy)
        if ended.phase == "Succeeded":
            names = ("outputs", "artifacts", "result", "exit_code")
            self.shared.remember(cache, memoize.key, {name: getattr(ended, name) for name in names})
        return ended

    async def _tried(self, node: Node, use: Use, scope: Scope, strategy: RetryStrategy | None) -> Node:
        """All attempts of a node; one that is tried only once is its own attempt."""
        if strategy is None:
            return await self._attempt(node, use, scope, again=False)
        whole = self.ledger.mark(replace(node, kind="Retry"), "Running")
        began, last, lasted, number = _now(), None, 0.0, 0
        while True:
            name = f"({number})"
            attempt = self.ledger.new(
                whole.name + name, node.kind, node.parent, display_name=whole.display_name + name,
                template=node.template, reference=node.reference, inputs=node.inputs,
            )  # fmt: skip
            inner = scope.copy()
            inner.texts |= {"retries": str(number), "node.name": attempt.name, **last_retry(last, lasted)}
            started = _now()
            last = await self._attempt(attempt, use, inner, again=policy(strategy) in {"Always", "OnError"})
            lasted, number = _now() - started, number + 1
            if not last.bad:
                return self._done(whole.outputs_of(last).ended("Succeeded"))
            following = after(strategy, number, last, _now() - began, lasted)
            if following.pause is None or self.pods.late:
                return self._done(
                    whole.outputs_of(last).ended(last.phase, following.message, cause=_cause(following, last))
                )
            await asyncio.sleep(following.pause)

    async def _attempt(self, node: Node, use: Use, scope: Scope, *, again: bool) -> Node:
        """One attempt; an error of its outputs is its parent's error, too, unless it may be tried ``again``."""
        template = use.resolved.template
        node = self.ledger.mark(node, "Running")
        try:
            ended = self._done(await self._of_kind(node, template, use, scope))
        except WorkflowError as error:
            ended = self.ledger.mark(node, "Error", str(error))
            if again:
                return ended
            raise NotRunError(f"{node.name} error: {error}") from error
        except asyncio.CancelledError:
            self.ledger.mark(node, "Failed", STOPPED)
            raise
        self.publish(template, ended)
        return ended

    async def _of_kind(self, node: Node, template: Template, use: Use, scope: Scope) -> Node:
        frame = Frame(node=node, template=template, scope=scope, home=use.resolved.home, gate=Gate.of(template))
        if template.steps is not None:
            return await Steps(self.ledger, self).run(frame)
        if template.dag is not None:
            return await Tasks(self.ledger, self).run(frame)
        if template.suspend is not None:
            return await self.pods.suspended(node, substituted(template, scope.texts))
        return await self.pods.run(node, template, scope)

    def _scope(self, use: Use, inputs: Mapping[str, str]) -> Scope:
        """What a template's own parts may refer to: the workflow, its inputs, and itself."""
        template = use.resolved.template
        texts = {**self.globals, "node.name": use.name, "pod.name": use.name}
        texts |= {f"inputs.parameters.{name}": value for name, value in inputs.items()}
        if use.called:
            texts[use.called] = use.display_name
        files = dict(self.global_files)
        raw = {a.name: a.raw.data for a in template.inputs.artifacts if a.raw is not None} | use.gave.raw
        files |= {f"inputs.artifacts.{name}": self.ledger.keep(substitute(text, texts)) for name, text in raw.items()}
        files |= {f"inputs.artifacts.{name}": path for name, path in use.gave.files.items()}
        missing = [
            a.name for a in template.inputs.artifacts if f"inputs.artifacts.{a.name}" not in files and not a.optional
        ]
        if missing:
            raise WorkflowError(f"inputs.artifacts.{missing[0]} was not supplied")
        return Scope(texts, files)

    def _done(self, node: Node) -> Node:
        """Write down an end."""
        return self.ledger.mark(node, node.phase, node.message, node.cause)

    def publish(self, template: Template, node: Node) -> None:
        """Give the workflow the outputs that have a global name."""
        for parameter in template.outputs.parameters:
            if parameter.global_name and parameter.name in node.outputs:
                self.globals[f"workflow.outputs.parameters.{parameter.global_name}"] = node.outputs[parameter.name]
        for artifact in template.outputs.artifacts:
            if artifact.global_name and artifact.name in node.artifacts:
                self.global_files[f"workflow.outputs.artifacts.{artifact.global_name}"] = node.artifacts[artifact.name]


def concrete_strategy(strategy: RetryStrategy, texts: Mapping[str, str]) -> RetryStrategy:
    """The strategy with its references replaced, and its limit a number.

    Raises WorkflowError when the limit is none.
    """
    found: Any = substituted(strategy, texts)
    if found.limit is not None and not as_text(found.limit).lstrip("-").isdigit():
        raise WorkflowError(f"retryStrategy.limit: found {found.limit!r}; expected a whole number")
    return found  # type: ignore[no-any-return] # what msgspec converts to is the type given


def _cause(following: Any, last: Node) -> str:
    return last.cause if following.message == last.message else last.told


def _now() -> float:
    return asyncio.get_running_loop().time()
