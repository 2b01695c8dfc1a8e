"""Hooks: what runs at a node's end, and what runs once as soon as an expression on its state holds."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from sluicegate.pipelines.workflows.exprlang.evaluating import evaluate_truth
from sluicegate.pipelines.workflows.nodes import Node
from sluicegate.pipelines.workflows.parts import Hook
from sluicegate.pipelines.workflows.scoping import Scope
from sluicegate.pipelines.workflows.templating import environment

HookRun = Callable[[str, Hook, Scope], Awaitable[Node]]


@dataclass(slots=True)
class Hooks:
    """The hooks of one node, which is called ``base`` by its neighbours (``steps.a``, ``tasks.a``, ``workflow``).

    ``run`` runs one hook as a node of the given name, with what its arguments may refer to.
    """

    run: HookRun
    name: str
    base: str
    hooks: Mapping[str, Hook]
    exit: Hook | None
    scope: Callable[[], Scope]
    _begun: dict[str, "asyncio.Task[Node]"] = field(default_factory=dict)

    async def around(self, work: Coroutine[Any, Any, Node]) -> Node:
        """Do the work, with the hooks that fit its state while it lasts and at its end; the work's own end counts."""
        if not self.hooks and self.exit is None:
            return await work
        running = asyncio.ensure_future(work)
        try:
            await asyncio.sleep(0)
            self._look("Running", None)
            node = await running
            self._look(node.phase, node)
            await asyncio.gather(*self._begun.values())
            await self._at_exit(node)
        finally:
            await _gone([running, *self._begun.values()])
        return node

    def _look(self, phase: str, node: Node | None) -> None:
        scope = self._scope(phase, node)
        for name, hook in self.hooks.items():
            if name in self._begun or name == "exit":
                continue
            if evaluate_truth(hook.expression, environment(scope.texts)):
                self._begun[name] = asyncio.ensure_future(self._hook(f"{self.name}.hooks.{name}", hook, scope))

    async def _hook(self, name: str, hook: Hook, scope: Scope) -> Node:
        return await self.run(name, hook, scope)

    async def _at_exit(self, node: Node) -> None:
        scope = self._scope(node.phase, node)
        if self.exit is None or node.phase in {"Skipped", "Omitted"}:
            return
        if not self.exit.expression or evaluate_truth(self.exit.expression, environment(scope.texts)):
            await self.run(f"{self.name}.onExit", self.exit, scope)

    def _scope(self, phase: str, node: Node | None) -> Scope:
        scope = self.scope().copy()
        if node is not None:
            scope.add_outputs(self.base, node)
        scope.texts[f"{self.base}.status"] = phase
        return scope


async def _gone(tasks: list["asyncio.Future[Node]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
