"""One run, put together: leaves by kind, where its files lie, who is told, and what its end means.

Called by ``sluicegate submit --local``. The run's directory keeps ``status.json`` up to date, so that a killed run can
be looked at afterwards.
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from sluicegate.pipelines.workflows.execution import Execution
from sluicegate.pipelines.workflows.leaves import LeafEnd, LeafRun
from sluicegate.pipelines.workflows.library import Library
from sluicegate.pipelines.workflows.linting import lint
from sluicegate.pipelines.workflows.nodes import Node, Phase
from sluicegate.pipelines.workflows.processes import Processes
from sluicegate.pipelines.workflows.resources import ObjectActions, Resources
from sluicegate.pipelines.workflows.sharing import Shared


@dataclass(frozen=True, slots=True, kw_only=True)
class ByKind:
    """Sends each leaf to who can run its kind."""

    processes: Processes
    resources: Resources

    async def run(self, leaf: LeafRun) -> LeafEnd:
        """Run one attempt to its end."""
        chosen = self.resources if leaf.template.resource is not None else self.processes
        return await chosen.run(leaf)


@dataclass(slots=True, kw_only=True)
class Recorder:
    """Keeps a run's status as Argo writes it, in a file and with whoever else is told."""

    path: Path
    started_at: str
    listeners: tuple[Callable[[Node], None], ...] = ()
    nodes: dict[str, Node] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)

    def tell(self, node: Node) -> None:
        """Take a changed node."""
        self.nodes[node.id] = node
        self.write("Running", "")
        for listener in self.listeners:
            listener(node)

    def status(self, phase: Phase, message: str) -> dict[str, Any]:
        """The workflow's ``status``."""
        leaves = [node for node in self.nodes.values() if node.kind == "Pod"]
        done = sum(node.phase == "Succeeded" for node in leaves)
        return {
            "phase": phase,
            "message": message,
            "startedAt": self.started_at,
            "progress": f"{done}/{len(leaves)}",
            "outputs": {"parameters": [{"name": name, "value": value} for name, value in self.outputs.items()]},
            "nodes": {node.id: node.status() for node in self.nodes.values()},
        }

    def write(self, phase: Phase, message: str) -> None:
        """Write the status file whole or not at all."""
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(self.status(phase, message)))
        fresh.replace(self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run needs from its caller."""

    name: str
    library: Library
    directory: Path
    objects: ObjectActions
    environment: Mapping[str, str]
    shared: Path | None = None
    """What runs of one plane have in common; the run's own directory when not given."""
    namespace: str = "default"
    uid: str = ""
    started_at: str = ""
    echo: bool = False
    listeners: tuple[Callable[[Node], None], ...] = ()


async def execute(run: Run) -> tuple[Phase, str, dict[str, Any]]:
    """Lint, then run to the end. Returns phase, message and the final status.

    Raises ManifestError before anything runs when the workflow cannot work. Cancellation stops what runs, and the exit
    handler is run before this returns.
    """
    lint(run.library)
    run.directory.mkdir(parents=True, exist_ok=True)
    (run.directory / "pid").write_text(str(os.getpid()))
    recorder = Recorder(path=run.directory / "status.json", started_at=run.started_at, listeners=run.listeners)
    leaves = ByKind(
        processes=Processes(
            environment=run.environment, config_maps=run.library.config_maps, secrets=run.library.secrets, echo=run.echo
        ),
        resources=Resources(objects=run.objects),
    )
    execution = Execution(
        name=run.name, library=run.library, leaves=leaves, directory=run.directory / "nodes", tell=recorder.tell,
        namespace=run.namespace, uid=run.uid, shared=Shared(run.shared or run.directory / "shared"),
    )  # fmt: skip
    end = await execution.run()
    message = ": ".join(filter(None, (end.message, end.cause)))
    recorder.outputs = execution.outputs()
    recorder.write(end.phase, message)
    return end.phase, message, recorder.status(end.phase, message)


async def until_stopped(run: Run, stop: asyncio.Event) -> tuple[Phase, str, dict[str, Any]]:
    """``execute``, cancelled once when ``stop`` is set."""
    running = asyncio.create_task(execute(run))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if stopping.done() and not running.done():
        running.cancel()
    stopping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await stopping
    return await running
