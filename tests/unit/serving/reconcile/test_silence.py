"""When nobody is ready, who was goes on: a node whose kubelet starts anew costs no request."""

from tests.fakes.operator_world import OperatorWorld
from tests.fakes.world import NAME, deployment, predictor, rollout


def served() -> OperatorWorld:
    """Version 1 answers everybody."""
    world = OperatorWorld()
    world.submit(deployment(predictor("1")))
    world.settle()
    return world


def test_silent_servers_keep_their_requests_and_are_not_called_available() -> None:
    world = served()
    world.servers.fall_silent()
    world.look()
    world.gateway.follow()
    world.look()

    assert world.gateway.shares(NAME) == {"v1": 100}
    status = world.deployment()["status"]
    assert (status["state"], status["traffic"]) == ("Creating", {"v1": 100})
    assert {each["type"]: each["status"] for each in status["conditions"]}["ServicesReady"] == "False"


def test_a_server_that_is_ready_goes_before_silent_ones() -> None:
    world = served()
    world.submit(rollout("2", name="next"))
    world.settle()
    world.desire("next", weight=50, leaseSeconds=30.0)
    world.settle()
    assert world.gateway.shares(NAME) == {"v1": 50, "v2": 50}

    world.servers.fall_silent(f"{NAME}.v2")
    world.look()
    world.gateway.follow()
    assert world.gateway.shares(NAME) == {"v1": 100}
