"""The controller brings servers, gateway and status after what is stored, on fakes of its ports."""

import pytest
from tests.fakes.world import NAME, World, deployment, predictor, rollout


@pytest.fixture
def world() -> World:
    """A plane with version 1 in service."""
    world = World()
    assert world.submit(deployment(predictor("1"))) == ()
    world.settle()
    return world


def started(world: World, version: str = "2", **spec: object) -> str:
    """A rollout whose candidate is ready."""
    submitted = rollout(version, **spec)
    assert world.submit(submitted) == ()
    world.settle()
    return str(submitted["metadata"]["name"])


def baking(world: World) -> str:
    """A rollout that was promoted and bakes."""
    name = started(world)
    world.desire(name, weight=100)
    world.settle()
    world.desire(name, intent="Promote")
    world.settle()
    assert world.rollout(name).status.phase == "Baking"
    return name


def test_a_first_release_gets_all_traffic(world: World) -> None:
    """A deployment is Available once its server answers and the gateway acknowledged it."""
    status = world.deployment()["status"]

    assert world.gateway.shares(NAME) == {"v1": 100}
    assert status["state"] == "Available"
    assert status["phase"] == "Stable"
    assert status["traffic"] == {"v1": 100}
    assert status["address"]["url"] == "http://127.0.0.1:8003/seldon/default/flights/api/v1.0/predictions"


def test_nothing_is_written_when_nothing_changes(world: World) -> None:
    """A pass over a settled world writes nothing, or it would wake itself for ever."""
    before = world.store.version()

    world.settle()

    assert world.store.version() == before


def test_a_refused_bundle_speaks_in_status() -> None:
    """The server's last words are what ``kubectl get`` shows."""
    world = World()
    world.servers.refuses["flights.v1"] = "model.joblib has another sha256"
    world.submit(deployment(predictor("1")))

    world.settle()

    status = world.deployment()["status"]
    assert status["state"] == "Failed"
    assert "model.joblib has another sha256" in status["description"]
    verified = next(each for each in status["conditions"] if each["type"] == "Verified")
    assert (verified["status"], verified["reason"]) == ("False", "BundleRefused")


def test_a_new_revision_takes_over_only_when_ready(world: World) -> None:
    """Old servers answer until the new ones are ready and the gateway knows them, then they go."""
    old = {replica.address for replica in world.servers.observe()}
    world.write(deployment(predictor("1", labels={"a": "b"})))

    world.look()
    world.gateway.follow()
    during = {address for backend in world.gateway.in_force[0].backends for address in backend.addresses}
    world.settle()
    after = {address for backend in world.gateway.in_force[0].backends for address in backend.addresses}

    assert during == old
    assert after.isdisjoint(old)
    assert {replica.address for replica in world.servers.observe()} == after


def test_a_new_predictor_takes_over_only_when_ready(world: World) -> None:
    """A renamed predictor leaves the old one in service meanwhile."""
    world.servers.stubborn.add("flights.v2")
    world.write(deployment(predictor("2")))

    world.settle()
    assert world.gateway.shares(NAME) == {"v1": 100}

    world.servers.stubborn.clear()
    world.settle()
    assert world.gateway.shares(NAME) == {"v2": 100}
    assert world.servers.workloads() == {"flights.v2"}


def test_deletion_takes_the_route_before_the_servers(world: World) -> None:
    """Servers of a deleted deployment end once the gateway sends nothing there any more."""
    world.store.delete("SeldonDeployment", NAME)

    world.look()
    assert world.servers.workloads() == {"flights.v1"}

    world.gateway.follow()
    world.look()
    assert world.gateway.in_force == ()
    assert world.servers.workloads() == set()


def test_a_rollout_is_promoted_and_restarts_nothing(world: World) -> None:
    """Candidate, promoted predictor and survivor are the same server."""
    name = started(world)
    assert world.rollout(name).status.phase == "Ready"
    server = [replica for replica in world.servers.observe() if replica.workload == "flights.v2"]
    for weight in (5, 50, 100):
        assert world.desire(name, weight=weight) == ()
        world.settle()
        assert world.gateway.shares(NAME).get("v2") == weight
    world.desire(name, intent="Promote")
    world.settle()
    assert world.rollout(name).status.phase == "Baking"
    assert [(each.predictor, each.percentage) for each in world.gateway.in_force[0].mirrors] == [("v1", 100)]
    world.desire(name, intent="Complete")
    world.settle()

    assert world.rollout(name).status.phase == "Promoted"
    assert [each["name"] for each in world.deployment()["spec"]["predictors"]] == ["v2"]
    assert list(world.servers.observe()) == server


def test_a_silent_workflow_loses_its_lease(world: World) -> None:
    """Nobody renews: traffic goes back by itself, and the dead workflow is refused when it comes back."""
    name = started(world)
    world.desire(name, weight=25, leaseSeconds=30.0)
    world.settle()
    assert world.gateway.shares(NAME) == {"v1": 75, "v2": 25}

    world.clock.advance(31)
    world.settle()

    assert world.gateway.shares(NAME) == {"v1": 100}
    status = world.rollout(name).status
    assert (status.phase, status.reason) == ("RolledBack", "LeaseExpired")
    assert world.servers.workloads() == {"flights.v1"}
    refused = world.desire(name, weight=50)
    assert "has ended" in str(refused[0])


def test_a_restarted_operator_counts_the_lease_anew(world: World) -> None:
    """It has heard nothing yet, which is no proof that nothing was said."""
    name = started(world)
    world.desire(name, weight=25, leaseSeconds=30.0)
    world.settle()
    world.clock.advance(29)
    world.restart()
    world.settle()
    world.clock.advance(29)
    world.settle()

    assert world.rollout(name).status.phase == "Progressing"


def test_regret_puts_the_old_predictor_back(world: World) -> None:
    """An abort while baking restores the SeldonDeployment, too."""
    before = world.deployment()["spec"]
    name = baking(world)

    world.desire(name, intent="Abort", reason="HarmProven", message="answers flip")
    world.settle()

    status = world.rollout(name).status
    assert (status.phase, status.reason, status.message) == ("RolledBack", "HarmProven", "answers flip")
    assert world.deployment()["spec"] == before
    assert world.gateway.shares(NAME) == {"v1": 100}


def test_rolled_back_means_acknowledged(world: World) -> None:
    """A gateway that does not follow keeps the rollout in Aborting."""
    name = started(world)
    world.desire(name, weight=25)
    world.settle()
    world.desire(name, intent="Abort")
    for _ in range(5):
        world.look()
    assert world.rollout(name).status.phase == "Aborting"
    assert "flights.v2" in world.servers.workloads()

    world.settle()
    assert world.rollout(name).status.phase == "RolledBack"


def test_the_same_bundle_is_not_tried_again(world: World) -> None:
    """A refused candidate is refused at the door, unless somebody insists."""
    world.servers.refuses["flights.v3"] = "wrong answer on its own example"
    name = started(world, "3")
    status = world.rollout(name).status
    assert (status.phase, status.reason) == ("Refused", "BundleRefused")

    again = world.submit(rollout("3", name="again"))
    assert "sent back by rollout" in str(again[0])
    assert "--retry-refused" in str(again[0])
    assert world.submit(rollout("3", name="again", retryRefused=True)) == ()


def test_one_rollout_per_target(world: World) -> None:
    """A second one is refused, waits, or takes the first one's place, as it asks."""
    first = started(world)
    assert "TargetBusy" in str(world.submit(rollout("3"))[0])

    second = started(world, "3", concurrency="queue")
    assert world.rollout(second).status.phase == "Queued"
    world.desire(first, intent="Abort")
    world.settle()
    assert world.rollout(second).status.phase == "Ready"

    third = started(world, "4", concurrency="supersede")
    assert world.rollout(second).status.reason == "Superseded"
    assert world.rollout(third).status.phase == "Ready"


def test_somebody_edits_the_target_during_a_rollout(world: World) -> None:
    """What the SeldonDeployment says now is served; the rollout ends and does not fight."""
    name = started(world)
    world.desire(name, weight=25)
    world.settle()
    world.write(deployment(predictor("7")))
    world.settle()

    status = world.rollout(name).status
    assert (status.phase, status.reason) == ("RolledBack", "TargetChanged")
    assert world.gateway.shares(NAME) == {"v7": 100}
    assert [each["name"] for each in world.deployment()["spec"]["predictors"]] == ["v7"]


def test_the_target_is_deleted_during_a_rollout(world: World) -> None:
    """Nothing is left running, and the rollout says why it ended."""
    name = started(world)
    world.store.delete("SeldonDeployment", NAME)
    world.settle()

    status = world.rollout(name).status
    assert (status.phase, status.reason) == ("RolledBack", "TargetDeleted")
    assert world.servers.workloads() == set()


def test_a_crashing_candidate_is_sent_back(world: World) -> None:
    """One crash is for the analysis to judge, a candidate that does not stay up is not waited for."""
    name = started(world)
    world.desire(name, weight=25)
    world.settle()
    world.servers.crash("flights.v2")
    world.look()
    world.gateway.follow()
    assert world.gateway.shares(NAME) == {"v1": 100}
    assert world.rollout(name).status.phase == "Progressing"

    world.servers.crash("flights.v2")
    world.servers.crash("flights.v2", "MemoryError")
    world.settle()
    status = world.rollout(name).status
    assert (status.phase, status.reason) == ("RolledBack", "CandidateFailed")
    assert "MemoryError" in status.message


def test_a_paused_rollout_gets_no_more(world: World) -> None:
    """While paused, the candidate's share may fall and never rise, and nothing is promoted."""
    name = started(world)
    world.desire(name, weight=25)
    world.settle()
    paused = world.store.get("ModelRollout", name)
    paused["spec"]["paused"] = True
    paused["metadata"]["annotations"] = {"sluicegate.dev/paused-because": "jane looks at it"}
    world.write(paused)
    world.desire(name, weight=50, intent="Promote")
    world.settle()

    assert world.gateway.shares(NAME) == {"v1": 75, "v2": 25}
    status = world.rollout(name).status
    assert status.phase == "Progressing"
    assert [each.message for each in status.conditions if each.type == "Paused"] == ["jane looks at it"]


def test_a_full_disk_does_not_hold_traffic_at_a_candidate(world: World) -> None:
    """The retreat is made even when it cannot be written down."""
    name = started(world)
    world.desire(name, weight=25, leaseSeconds=30.0)
    world.settle()
    world.clock.advance(31)
    world.store.full = True
    world.settle()
    assert world.gateway.shares(NAME) == {"v1": 100}

    world.store.full = False
    world.settle()
    assert world.rollout(name).status.phase == "RolledBack"


def test_a_restarted_controller_does_not_cut_off_users(world: World) -> None:
    """Servers that it found and has not probed yet keep their traffic."""
    world.restart()
    world.servers.run_again()
    for _ in range(3):
        world.look()
        world.gateway.follow()
    assert world.gateway.shares(NAME) == {"v1": 100}

    world.settle()
    assert world.gateway.shares(NAME) == {"v1": 100}
    assert world.deployment()["status"]["state"] == "Available"


def test_decisions_are_told(world: World) -> None:
    """Each change of phase and of traffic is an Event of its object."""
    baking(world)

    told = {(event["involvedObject"]["kind"], event["reason"]) for event in world.store.list("Event")}
    assert {("SeldonDeployment", "Available"), ("ModelRollout", "Ready"), ("ModelRollout", "TrafficShifted")} <= told
    assert {("ModelRollout", "Promoting"), ("ModelRollout", "Baking")} <= told
