"""Workflow objects of the API run on this machine: each is one process, started once, never again.

The process is ``sluicegate submit --local --from-api NAME``; it writes the object's status itself. When it is gone and
the status is not an ended one, nobody else will write it: then the phase becomes ``Error`` here. What it had begun with
traffic ends by itself, because its lease runs out. A rollout that it had made and not taken up has no lease yet; that
one is given back here, or its idle candidate would stand in the way of others for ten minutes.
"""

import asyncio
import sys
from collections.abc import Mapping

from sluicegate.serving.api import model_rollout
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.errors import StoreError
from sluicegate.serving.local.processes import ProcessSpec, ProcessState
from sluicegate.serving.local.store import Store
from sluicegate.serving.local.supervisor import Supervisor

GROUP = "workflows"
ENDED = frozenset({"Succeeded", "Failed", "Error"})
LOOK_SECONDS = 0.5


class WorkflowRuns:
    """Starts the runner of each Workflow and marks what died. ``environment`` is how steps find the plane."""

    def __init__(self, store: Store, supervisor: Supervisor, environment: Mapping[str, str]) -> None:
        self._store, self._supervisor, self._environment = store, supervisor, environment

    async def run(self) -> None:
        """Look at every change, and twice a second, until cancelled."""
        with self._store.bell.listening() as listener:
            while True:
                self.look()
                await listener.rung(LOOK_SECONDS)
                # Steps write often; a tenth of a second is soon enough to start one.
                await asyncio.sleep(0.1)

    def look(self) -> None:
        """One pass."""
        workflows = {process_name(each): each for each in self._store.list("Workflow")}
        # An ended one's process is left to go by itself: it may still be writing its last lines.
        states = {state.name: state for state in self._supervisor.observe()}
        running = {name for name, state in states.items() if state.pid}
        wanted = [self._spec(name, each) for name, each in workflows.items() if _phase(each) not in ENDED]
        kept = frozenset(workflows.keys() & running)
        self._supervisor.apply(wanted, group=GROUP, keep=kept)
        for spec in wanted:
            state = states.get(spec.name)
            if state is not None and state.state == "Finished" and state.revision == spec.revision:
                self._mark(workflows[spec.name], state)

    def _spec(self, name: str, workflow: JSON) -> ProcessSpec:
        metadata = workflow["metadata"]
        command = (sys.executable, "-m", "sluicegate.pipelines.cli", "submit", "--local")
        return ProcessSpec(
            name=name,
            command=(*command, "--from-api", metadata["name"], "--namespace", metadata["namespace"]),
            environment=self._environment,
            revision=metadata["uid"],
            # Its exit handler puts traffic back.
            grace_seconds=20.0,
            restart=False,
        )

    def _mark(self, seen: JSON, state: ProcessState) -> None:
        metadata = seen["metadata"]
        fresh = self._store.get("Workflow", metadata["namespace"], metadata["name"])
        if fresh is None or fresh["metadata"]["uid"] != metadata["uid"] or _phase(fresh) in ENDED:
            return
        message = f"the workflow's process died before it had finished: {state.message}"
        status = dict(fresh.get("status") or {}) | {"phase": "Error", "message": message}
        try:
            self._give_back(fresh, message)
            self._store.replace_status(fresh | {"status": status})
        except StoreError:
            # Somebody wrote in between; the next look sees what.
            return

    def _give_back(self, workflow: JSON, message: str) -> None:
        metadata = workflow["metadata"]
        rollout = self._store.get(model_rollout.KIND, metadata["namespace"], _rollout_of(workflow))
        if rollout is None or _phase(rollout) in model_rollout.TERMINAL_PHASES:
            return
        desired = rollout["spec"].get("desired") or {}
        if not desired.get("epoch"):
            desired = desired | {"intent": "Abort", "reason": "WorkflowDied", "message": message}
            self._store.replace(rollout | {"spec": rollout["spec"] | {"desired": desired}})


def _rollout_of(workflow: JSON) -> str:
    given = ((workflow["spec"].get("arguments") or {}).get("parameters")) or []
    return next((str(each.get("value", "")) for each in given if each.get("name") == "rollout"), "")


def process_name(workflow: JSON) -> str:
    """The name of a workflow's process, and of its log."""
    return f"workflow.{workflow['metadata']['namespace']}.{workflow['metadata']['name']}"


def _phase(workflow: JSON) -> str:
    return str((workflow.get("status") or {}).get("phase", ""))
