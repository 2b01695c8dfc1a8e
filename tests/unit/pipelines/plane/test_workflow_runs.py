"""A Workflow object is one process; one that died is marked."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from sluicegate.pipelines.plane.workflow_runs import WorkflowRuns, process_name
from sluicegate.serving.local.processes import ProcessSpec, ProcessState
from sluicegate.serving.local.store import Store
from sluicegate.serving.local.supervisor import Supervisor

JSON = dict[str, Any]


class SeenSupervisor(Supervisor):
    """Remembers what it was asked for and shows what it is told."""

    states: tuple[ProcessState, ...] = ()
    applied: tuple[ProcessSpec, ...] = ()

    def apply(self, specs: Any, *, group: str = "plane", keep: frozenset[str] = frozenset()) -> None:
        """Remember."""
        del group, keep
        self.applied = tuple(specs)

    def observe(self) -> tuple[ProcessState, ...]:
        """As told."""
        return self.states


def workflow(phase: str = "") -> JSON:
    """A Workflow object."""
    made: JSON = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "w"}, "spec": {}}
    return made | ({"status": {"phase": phase}} if phase else {})


def test_it_is_started_once_with_its_name(tmp_path: Path) -> None:
    """``submit --from-api``, never restarted; an ended one is not started."""

    async def story() -> None:
        store, supervisor = Store(tmp_path / "s.sqlite"), SeenSupervisor(tmp_path)
        created = store.create(workflow())
        WorkflowRuns(store, supervisor, {"A": "b"}).look()
        (spec,) = supervisor.applied
        assert spec.command[:2] == (sys.executable, "-m")
        assert (spec.command[-4:-2], spec.restart) == (("--from-api", "w"), False)
        store.replace(created | {"status": {"phase": "Succeeded"}})
        WorkflowRuns(store, supervisor, {}).look()
        assert supervisor.applied == ()

    asyncio.run(story())


def test_one_that_died_is_an_error(tmp_path: Path) -> None:
    """Nobody else would write its end."""

    async def story() -> None:
        store, supervisor = Store(tmp_path / "s.sqlite"), SeenSupervisor(tmp_path)
        created = store.create(workflow("Running"))
        supervisor.states = (
            ProcessState(
                name=process_name(created),
                revision=created["metadata"]["uid"],
                state="Finished",
                message="killed by SIGKILL",
            ),
        )
        WorkflowRuns(store, supervisor, {}).look()
        found = store.get("Workflow", "default", "w") or {}
        assert found["status"]["phase"] == "Error"
        assert "killed by SIGKILL" in found["status"]["message"]

    asyncio.run(story())


@pytest.mark.parametrize(("epoch", "intent"), [("", "Abort"), ("u.1", "")], ids=["not taken up", "under a lease"])
def test_a_rollout_that_its_dead_workflow_had_not_taken_up_is_given_back(
    tmp_path: Path, epoch: str, intent: str
) -> None:
    """One under a lease goes back when that runs out, and is left alone."""

    async def story() -> None:
        store, supervisor = Store(tmp_path / "s.sqlite"), SeenSupervisor(tmp_path)
        arguments = {"parameters": [{"name": "rollout", "value": "flights-2"}]}
        created = store.create(workflow("Running") | {"spec": {"arguments": arguments}})
        made = {"apiVersion": "sluicegate.dev/v1alpha1", "kind": "ModelRollout", "metadata": {"name": "flights-2"}}
        store.create(made | {"spec": {"desired": {"epoch": epoch}}})
        ended = {"name": process_name(created), "revision": created["metadata"]["uid"], "state": "Finished"}
        supervisor.states = (ProcessState(**ended),)
        WorkflowRuns(store, supervisor, {}).look()
        rollout = store.get("ModelRollout", "default", "flights-2") or {}
        assert rollout["spec"]["desired"].get("intent", "") == intent

    asyncio.run(story())
