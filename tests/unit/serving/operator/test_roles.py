"""Who asks for "the one in service" or "the new one" is led to the right pods, whatever the release is called."""

import pytest
from tests.fakes.operator_world import OperatorWorld
from tests.fakes.world import deployment, predictor, rollout


@pytest.fixture
def world() -> OperatorWorld:
    """Version 1 is served, version 2 is ready beside it."""
    world = OperatorWorld()
    world.submit(deployment(predictor("1")))
    world.settle()
    world.submit(rollout("2"))
    world.settle()
    return world


def roles(world: OperatorWorld) -> dict[str, str]:
    """Role to the Service whose pods it leads to."""
    labelled = {s["metadata"]["labels"].get("sluicegate.dev/role", ""): s for s in world.store.list("Service")}
    return {role: found["spec"]["selector"]["seldon-app"] for role, found in labelled.items() if role}


def test_while_a_rollout_is_under_way_both_have_a_service(world: OperatorWorld) -> None:
    assert roles(world) == {"stable": "flights-v1", "candidate": "flights-v2"}
    assert {"flights-stable", "flights-candidate"} <= {s["metadata"]["name"] for s in world.store.list("Service")}


def test_stable_is_where_traffic_would_go_back_to_until_the_bake_is_over(world: OperatorWorld) -> None:
    world.desire("flights-2", weight=100)
    world.settle()
    world.desire("flights-2", intent="Promote")
    world.settle()
    assert roles(world) == {"stable": "flights-v1", "candidate": "flights-v2"}

    world.desire("flights-2", intent="Complete")
    world.settle()

    assert roles(world) == {"stable": "flights-v2"}


def test_a_candidate_that_is_sent_back_takes_its_service_along(world: OperatorWorld) -> None:
    world.desire("flights-2", intent="Abort", reason="HarmProven")
    world.settle()

    assert roles(world) == {"stable": "flights-v1"}


def test_a_predictor_called_stable_keeps_its_own_service() -> None:
    world = OperatorWorld()
    world.submit(deployment({**predictor("1"), "name": "stable"}))
    world.settle()

    (service,) = (s for s in world.store.list("Service") if s["metadata"]["name"] == "flights-stable")
    assert service["spec"]["selector"] == {"seldon-app": "flights-stable"}
    assert "sluicegate.dev/role" not in service["metadata"]["labels"]


def test_of_two_that_share_the_traffic_none_is_stable() -> None:
    world = OperatorWorld()
    world.submit(deployment({**predictor("1"), "traffic": 50}, {**predictor("2"), "traffic": 50}))
    world.settle()

    assert roles(world) == {}
