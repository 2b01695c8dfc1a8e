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


def shared(candidate: int) -> OperatorWorld:
    """Version 2 has so many percent in a rollout."""
    world = served()
    world.submit(rollout("2", name="next"))
    world.settle()
    world.desire("next", weight=candidate, leaseSeconds=30.0)
    world.settle()
    return world


def test_a_server_that_is_ready_goes_before_silent_ones() -> None:
    world = shared(50)
    world.servers.fall_silent(f"{NAME}.v2")
    world.look()
    world.gateway.follow()
    assert world.gateway.shares(NAME) == {"v1": 100}


def test_shares_stay_as_they_are_when_all_fall_silent() -> None:
    world = shared(30)
    world.servers.fall_silent()
    world.look()
    world.gateway.follow()
    assert world.gateway.shares(NAME) == {"v1": 70, "v2": 30}


def test_silence_while_somebody_takes_all_back_from_a_candidate_sends_users_to_stable() -> None:
    world = shared(100)
    world.write(deployment(predictor("7")))
    world.servers.fall_silent()
    world.look()
    world.gateway.follow()
    assert world.gateway.shares(NAME) == {"v1": 100}
