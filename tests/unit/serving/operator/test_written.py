"""A gateway that is told by objects: what is written when, what is in force, and whose objects are left alone."""

from typing import Any

from tests.fakes.routed_world import FACE, RoutedWorld, endpoints_follow
from tests.fakes.world import NAME, deployment, predictor, rollout


def served(*, rolling: bool = False) -> RoutedWorld:
    """Version 1 is in service; if ``rolling``, half of the requests go to version 2, and all are copied there."""
    world = RoutedWorld()
    assert world.submit(deployment(predictor("1"))) == ()
    world.settle()
    if rolling:
        assert world.submit(rollout("2", name="second")) == ()
        world.settle()
        assert world.desire("second", weight=50, mirror=100, leaseSeconds=60.0) == ()
        world.settle()
    return world


def route(world: RoutedWorld, name: str = NAME) -> Any:
    """The live HTTPRoute."""
    return world.store.get("HTTPRoute", name)


def named(world: RoutedWorld) -> set[tuple[str, int]]:
    """Services and ports of the weighted route's predictions."""
    rule = next(rule for rule in route(world)["spec"]["rules"] if rule["name"] == "predictions")
    return {(one["name"], one["port"]) for one in rule.get("backendRefs", ())}


def acknowledgement(world: RoutedWorld) -> tuple[str, str]:
    """Reason and message of the condition."""
    found = {each["type"]: each for each in world.deployment()["status"]["conditions"]}["TrafficAcknowledged"]
    return found["reason"], found.get("message", "")


def test_its_objects_are_the_deployments_own() -> None:
    world = served()

    for kind in ("HTTPRoute", "BackendTrafficPolicy"):
        [reference] = {each["metadata"]["ownerReferences"][0]["uid"] for each in world.store.list(kind)}
        assert reference == world.deployment()["metadata"]["uid"]
    assert acknowledgement(world) == ("Acknowledged", "")
    assert world.deployment()["status"]["traffic"] == {"v1": 100}


def test_nothing_is_written_while_nothing_changes() -> None:
    world = served(rolling=True)
    before = world.store.writes

    world.look()
    world.look()

    assert world.store.writes == before


def test_a_service_is_named_only_once_it_has_a_ready_endpoint() -> None:
    world = RoutedWorld()
    world.submit(deployment(predictor("1")))
    world.look()
    world.servers.become_ready()
    world.look()
    assert named(world) == set()
    assert "has no ready endpoint yet" in acknowledgement(world)[1]

    endpoints_follow(world.store)
    world.look()
    assert named(world) == {("flights-v1", 8000)}


def test_what_a_route_in_force_leads_to_stays_until_another_is_acknowledged() -> None:
    world = served()
    world.write(deployment(predictor("7")))
    world.look()
    world.servers.become_ready()
    endpoints_follow(world.store)
    world.look()
    world.look()
    assert named(world) == {("flights-v7", 8000)}
    assert world.servers.workloads() == {"flights.v1", "flights.v7"}
    assert ("Service", "default", "flights-v1") in world.store.objects
    assert world.deployment()["status"]["traffic"] == {"v1": 100}

    world.gateway.follow()
    world.look()
    world.look()
    assert world.servers.workloads() == {"flights.v7"}
    assert ("Service", "default", "flights-v1") not in world.store.objects


def test_a_gateways_refusal_is_said_in_its_words_and_changes_no_traffic() -> None:
    world = served()
    world.submit(rollout("2", name="second"))
    world.settle()
    world.desire("second", weight=50, leaseSeconds=60.0)
    world.look()
    world.gateway.follow(accepted=False)
    world.look()

    reason, message = acknowledgement(world)
    assert (reason, world.deployment()["status"]["traffic"]) == ("Rejected", {"v1": 100})
    assert "gateway infra/public: Accepted is False: Paper" in message


def test_copies_for_one_that_answers_go_to_the_port_for_copies() -> None:
    world = served(rolling=True)

    rule = next(rule for rule in route(world)["spec"]["rules"] if rule["name"] == "predictions")
    [mirror] = [one["requestMirror"] for one in rule["filters"] if one["type"] == "RequestMirror"]
    candidate = world.rollout("second").status.candidate
    assert mirror == {"backendRef": {"name": f"flights-{candidate}", "port": 8001}, "percent": 100}
    assert world.rollout("second").status.mirror == {candidate: 100}


def test_a_person_s_route_of_the_same_name_is_left_alone() -> None:
    world = RoutedWorld()
    theirs = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": NAME, "namespace": "default"},
        "spec": {"rules": []},
    }
    world.store.create(theirs)
    world.submit(deployment(predictor("1")))
    world.settle()

    assert route(world)["spec"] == {"rules": []}
    assert "does not own; rename it" in acknowledgement(world)[1]


def test_somebody_elses_change_of_a_route_is_taken_back() -> None:
    world = served()
    changed = route(world)
    changed["spec"]["rules"][1]["backendRefs"][0]["name"] = "elsewhere"
    world.store.replace(changed)

    world.settle(2)

    assert named(world) == {("flights-v1", 8000)}


def test_header_routes_come_and_go_in_a_form_that_no_request_meets() -> None:
    world = served(rolling=True)
    match = [{"headerName": "x-test", "headerValue": {"exact": "yes"}}]
    world.desire("second", weight=0, headerRoute={"name": "test", "match": match}, leaseSeconds=60.0)
    world.look()
    assert FACE.is_closed(route(world, "flights.header-1"))
    world.look()
    assert FACE.is_closed(route(world, "flights.header-1"))
    world.gateway.follow()
    world.look()
    assert not FACE.is_closed(route(world, "flights.header-1"))
    world.settle()

    world.desire("second", intent="Abort", reason="Tried")
    world.look()
    world.look()
    assert FACE.is_closed(route(world, "flights.header-1"))
    world.settle()
    assert [each["metadata"]["name"] for each in world.store.list("HTTPRoute")] == [NAME]
    assert world.servers.workloads() == {"flights.v1"}


def test_a_new_leader_believes_the_live_route_that_is_acknowledged() -> None:
    world = served(rolling=True)
    world.restart()

    found = world.controller._gateway.in_force("default", NAME)

    assert (found.settled, sum((found.traffic or {}).values())) == (False, 100)
    world.look()
    assert world.controller._gateway.in_force("default", NAME).settled
