"""One run of a workflow: its entrypoint, its hooks, its deadline, its exit handler, its end.

Cancelling ``run`` ends every leaf, and the exit handler still runs: traffic is put back before the runner is gone.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from sluicegate.pipelines.workflows.calling import Given
from sluicegate.pipelines.workflows.errors import WorkflowError
from sluicegate.pipelines.workflows.frames import NotRunError
from sluicegate.pipelines.workflows.hooking import Hooks
from sluicegate.pipelines.workflows.leafing import Pods
from sluicegate.pipelines.workflows.leaves import Leaves
from sluicegate.pipelines.workflows.ledger import Ledger
from sluicegate.pipelines.workflows.library import Library, as_text
from sluicegate.pipelines.workflows.nodes import BAD, Node, Phase
from sluicegate.pipelines.workflows.parts import Hook
from sluicegate.pipelines.workflows.scoping import Scope
from sluicegate.pipelines.workflows.sharing import Shared
from sluicegate.pipelines.workflows.walking import STOPPED, Use, Walk
from sluicegate.pipelines.workflows.whole import workflow_texts


@dataclass(frozen=True, slots=True)
class End:
    """How the run ended."""

    phase: Phase
    message: str = ""
    cause: str = ""


@dataclass(slots=True, kw_only=True)
class Execution:
    """One run. ``tell`` is called with each node that changes."""

    name: str
    library: Library
    leaves: Leaves
    directory: Path
    shared: Shared
    tell: Callable[[Node], None]
    namespace: str = "default"
    uid: str = ""
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    walk: Walk = field(init=False)

    def __post_init__(self) -> None:
        spec = self.library.spec
        ledger = Ledger(self.name, self.directory, self.tell)
        places = asyncio.Semaphore(spec.parallelism) if spec.parallelism else None
        self.walk = Walk(
            library=self.library, ledger=ledger, pods=Pods(self.leaves, ledger, places), shared=self.shared,
            globals=workflow_texts(self.library, self.name, self.namespace, self.uid, self.began),
        )  # fmt: skip

    async def run(self) -> End:
        """Run the entrypoint, then the exit handler whatever happened."""
        if self.library.spec.active_deadline_seconds is not None:
            self.walk.pods.deadline = asyncio.get_running_loop().time() + self.library.spec.active_deadline_seconds
        try:
            locks = self.walk.locks(self.library.spec.synchronization, self.walk.globals)
            async with self.shared.holding(locks):
                end = await self._entrypoint()
        except asyncio.CancelledError:
            end = End("Failed", STOPPED)
        except NotRunError as error:
            end = End("Error", f"error in entry template execution: {str(error).partition(' error: ')[2]}")
        except WorkflowError as error:
            end = End("Error", str(error))
        self.walk.pods.deadline = None
        return await self._exit_handler(end)

    def outputs(self) -> dict[str, str]:
        """The workflow's own outputs: those of a global name."""
        start = "workflow.outputs.parameters."
        return {name.removeprefix(start): text for name, text in self.walk.globals.items() if name.startswith(start)}

    async def _entrypoint(self) -> End:
        spec = self.library.spec
        resolved = self.library.named(spec.entrypoint, "", self.name)
        arguments = {p.name: as_text(p.value) for p in spec.arguments.parameters if p.value is not None}
        raw = {a.name: a.raw.data for a in spec.arguments.artifacts if a.raw is not None}
        use = Use(name=self.name, display_name=self.name, resolved=resolved, gave=Given(parameters=arguments, raw=raw))
        hooks = Hooks(run=self._hook, name=self.name, base="workflow", hooks=spec.hooks, exit=None, scope=self._scope)
        node = await hooks.around(self.walk.template(use))
        return End(node.phase, node.message, node.cause)

    async def _exit_handler(self, end: End) -> End:
        spec = self.library.spec
        handler = spec.hooks.get("exit") or (Hook(template=spec.on_exit) if spec.on_exit else None)
        if handler is None:
            return end
        failures = msgspec.json.encode(self.walk.ledger.failures()).decode()
        elapsed = (datetime.now(UTC) - self.began).total_seconds()
        self.walk.globals |= {"workflow.status": end.phase, "workflow.duration": f"{elapsed:f}"}
        self.walk.globals["workflow.failures"] = msgspec.json.encode(failures).decode()
        try:
            node = await self.walk.hook(f"{self.name}.onExit", handler, self._scope())
        except WorkflowError as error:
            return end if end.phase in BAD else End("Error", f"error in exit template execution: {error}")
        if node.bad and end.phase not in BAD:
            return End(node.phase, node.message, node.cause)
        return end

    async def _hook(self, name: str, hook: Hook, scope: Scope) -> Node:
        return await self.walk.hook(name, hook, scope)

    def _scope(self) -> Scope:
        return Scope(dict(self.walk.globals), dict(self.walk.global_files))
