"""A rollout whose workflow is known to be gone is not waited for; where that is not known, its lease decides."""

import asyncio
from typing import Any

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.cluster import FakeCluster
from tests.fakes.operator_world import OperatorWorld
from tests.fakes.store import FakeStore
from tests.fakes.world import deployment, predictor, rollout

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.operator.errors import ClusterError, RefusedError, UnreachableError
from sluicegate.serving.operator.workflows import LOOK_SECONDS, Workflows

NAMED = {"sluicegate.dev/workflow": "default/second/uid-w"}
DONE = {"workflows.argoproj.io/completed": "true", "workflows.argoproj.io/phase": "Failed"}


def workflow(**labels: str) -> dict[str, Any]:
    """The one that drives the rollout."""
    meta = {"name": "second", "namespace": "default", "uid": "uid-w", "labels": labels}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": meta}


def named(version: str = "2", **spec: Any) -> dict[str, Any]:
    """A rollout that names it."""
    obj = rollout(version, **spec)
    return obj | {"metadata": obj["metadata"] | {"annotations": NAMED}}


@pytest.fixture
def world() -> OperatorWorld:
    """Version 1 is served."""
    world = OperatorWorld()
    world.submit(deployment(predictor("1")))
    world.settle()
    return world


@pytest.mark.parametrize("passes", [1, 6], ids=["before its candidate is ready", "before it is taken up"])
def test_a_workflow_deleted_before_it_took_the_rollout_up_is_noticed_at_once(world: OperatorWorld, passes: int) -> None:
    world.store.create(workflow())
    world.submit(named())
    world.settle(passes)
    assert world.rollout("flights-2").status.phase in ("Pending", "Ready")

    world.store.delete("Workflow", "second")
    world.clock.advance(LOOK_SECONDS)
    world.settle()

    status = world.rollout("flights-2").status
    assert (status.phase, status.reason) == ("RolledBack", "WorkflowDied")
    assert "was deleted" in status.message


def test_a_terminated_workflow_gives_the_traffic_back_before_its_long_lease_is_over(world: OperatorWorld) -> None:
    world.store.create(workflow())
    world.submit(named())
    world.settle()
    world.desire("flights-2", weight=50, leaseSeconds=86400.0)
    world.settle()
    assert world.gateway.shares("flights") == {"v1": 50, "v2": 50}

    world.store.replace(workflow(**DONE))
    world.clock.advance(LOOK_SECONDS)
    world.settle()

    assert world.gateway.shares("flights") == {"v1": 100}
    assert world.rollout("flights-2").status.message == "its workflow 'second' ended as Failed"


def test_one_that_waits_for_another_rollout_never_starts_without_its_workflow(world: OperatorWorld) -> None:
    world.submit(rollout("3"))
    world.settle()
    world.submit(named(concurrency="queue"))
    world.settle()

    assert world.rollout("flights-2").status.phase == "RolledBack"
    assert world.rollout("flights-3").status.phase == "Ready"


def test_a_workflow_that_completed_the_bake_may_go(world: OperatorWorld) -> None:
    """It is gone before the operator has seen its last word."""
    world.store.create(workflow())
    world.submit(named())
    world.settle()
    for wanted in ({"weight": 100}, {"intent": "Promote"}):
        world.desire("flights-2", **wanted)
        world.settle()
    world.desire("flights-2", intent="Complete")
    world.store.delete("Workflow", "second")
    world.clock.advance(LOOK_SECONDS)
    world.settle()

    assert world.rollout("flights-2").status.phase == "Promoted"


@pytest.mark.parametrize("mute", [RefusedError("403: forbidden"), UnreachableError("no answer")], ids=["403", "silent"])
def test_who_may_not_ask_knows_nothing(mute: ClusterError) -> None:
    cluster = FakeCluster(FakeStore())
    cluster.mute = mute

    assert _ending(Workflows(cluster, FakeClock())) == ""  # type: ignore[arg-type]  # a fake


def test_it_is_asked_seldom() -> None:
    cluster, clock = FakeCluster(FakeStore()), FakeClock()
    workflows = Workflows(cluster, clock)  # type: ignore[arg-type]  # a fake
    for _ in range(20):
        _ending(workflows)
        clock.advance(0.5)

    assert cluster.looks == 10 / LOOK_SECONDS


def test_another_of_the_same_name_is_another() -> None:
    store = FakeStore()
    other = workflow()
    store.create(other | {"metadata": other["metadata"] | {"uid": "uid-x"}})

    assert "was deleted" in _ending(Workflows(FakeCluster(store), FakeClock()))  # type: ignore[arg-type]  # a fake


def _ending(workflows: Workflows) -> str:
    return asyncio.run(workflows.ending(decode(named(), ModelRollout)))


@pytest.mark.parametrize(("phase", "seconds"), [("Progressing", LOOK_SECONDS), ("Promoted", float("inf"))])
def test_a_rollout_that_names_its_workflow_is_looked_at_that_often(phase: str, seconds: float) -> None:
    """Nobody tells the operator of workflows; of everything else it is told."""
    workflows = Workflows(FakeCluster(FakeStore()), FakeClock())  # type: ignore[arg-type]  # a fake
    views = [decode(each | {"status": {"phase": phase}}, ModelRollout) for each in (named(), rollout("2"))]

    assert [workflows.seconds_to_next(view) for view in views] == [seconds, float("inf")]
