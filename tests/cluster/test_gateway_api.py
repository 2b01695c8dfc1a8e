"""A real Envoy Gateway, given what ``gateway_api`` draws, keeps the promises that our own Envoy keeps."""

from dataclasses import replace
from math import sqrt

import httpx
import pytest
from tests.cluster.gateway_rig import PREDICT, SERVICES, ClusterGateway, Load
from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

from sluicegate.serving.gateway.route_status import acknowledged_by
from sluicegate.serving.gateway.routes import Backend, HeaderRoute, Mirror, Route
from sluicegate.serving.gateway.services import Service


@pytest.fixture(scope="module")
def gateway(kubectl: Kubectl, namespace: str) -> ClusterGateway:
    """The gateway with two pods each of the predictors old and new behind it."""
    if "envoyproxy" not in kubectl("api-resources", "-o", "name"):
        pytest.skip("the cluster has no Envoy Gateway")
    one = ClusterGateway(kubectl.within(namespace))
    one.start_servers()
    return one


def flights(gateway: ClusterGateway, new: int, **more: object) -> Route:
    """``new`` percent to the new predictor, the rest to the old one."""
    backends = (Backend(predictor="old", weight=100 - new), Backend(predictor="new", weight=new))
    return Route(namespace=gateway.namespace, name="flights", backends=backends, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("weight", [0, 100])
def test_none_and_all_are_exact(gateway: ClusterGateway, weight: int) -> None:
    """At 0 a predictor gets no request of 2000, at 100 it gets each."""
    gateway.put(flights(gateway, weight))

    assert gateway.predict(2000) == {("new" if weight else "old"): 2000}


@pytest.mark.parametrize("weight", [1, 25])
def test_shares_are_the_weights(gateway: ClusterGateway, weight: int) -> None:
    """Within five standard deviations of the binomial for 4000 requests, and every request is answered."""
    gateway.put(flights(gateway, weight))

    answers = gateway.predict(4000)

    share = weight / 100
    assert abs(answers["new"] - 4000 * share) <= 5 * sqrt(4000 * share * (1 - share))
    assert answers["new"] + answers["old"] == 4000


def test_copies_can_be_told_from_requests(gateway: ClusterGateway) -> None:
    """They name another predictor than the one that gets them, whatever the client sent."""
    forged = {"x-sluicegate-predictor": "new", "x-sluicegate-shadow": "true", "x-forged": "1"}
    gateway.put(flights(gateway, 0, mirrors=(Mirror(predictor="new", percentage=100),)))

    answers = gateway.predict(20, lambda _: forged)

    def copies() -> list[dict[str, str]]:
        return [one["headers"] for one in gateway.seen("new") if "x-forged" in one["headers"]]

    wait_until(lambda: len(copies()) == 20, message="20 copies")
    assert answers == {"old": 20}
    assert {(one["x-sluicegate-predictor"], one.get("x-sluicegate-shadow")) for one in copies()} == {("old", None)}


def test_part_of_the_requests_is_mirrored(gateway: ClusterGateway) -> None:
    """30 % of 1500 predictions, within five standard deviations; neither feedback nor reads."""
    gateway.put(flights(gateway, 0, mirrors=(Mirror(predictor="new", percentage=30),)))
    before = len(gateway.seen("new"))

    gateway.predict(1500)
    gateway.predict(50, path="api/v1.0/feedback")

    wait_until(lambda: len(gateway.seen("new")) - before >= 300, message="copies")
    assert abs(len(gateway.seen("new")) - before - 450) <= 5 * sqrt(1500 * 0.3 * 0.7)
    assert {one["path"] for one in gateway.seen("new")} == {f"/{PREDICT}"}


def test_a_predictor_that_answers_is_mirrored_at_its_port_for_copies(gateway: ClusterGateway) -> None:
    """It gets each request once, or twice where it answers it: once as the user's, once as a copy."""
    gateway.put(flights(gateway, 50, mirrors=(Mirror(predictor="new", percentage=100),)), SERVICES)
    before = len(gateway.seen("new"))

    answers = gateway.predict(200)

    wait_until(lambda: len(gateway.seen("new")) - before == 200 + answers["new"], message="requests and copies")


def test_a_header_chooses_the_predictor(gateway: ClusterGateway) -> None:
    """Whatever the weights and the kind of request; exact, prefix and pattern; others follow the weights."""
    headers = (
        HeaderRoute(header="x-test", value="yes", predictor="new"),
        HeaderRoute(header="X-Team", value="data-", predictor="new", match="prefix"),
        HeaderRoute(header="x-user", value="[0-9]+-beta", predictor="new", match="regex"),
    )
    chosen = [{"x-test": "yes"}, {"x-team": "data-science"}, {"x-user": "17-beta"}]
    gateway.put(flights(gateway, 0, header_routes=headers))
    # Envoy Gateway hands the route out before its clusters are ready: until then the answer is 500.
    wait_until(lambda: gateway.each(chosen) == ["new"] * 3, 60, "the clusters are there")

    for path in (PREDICT, "api/v1.0/feedback", "v2/models/flights/infer"):
        for sent in chosen:
            assert gateway.predict(3, lambda _, sent=sent: sent, path) == {"new": 3}
        for sent in ({"x-test": "yes!"}, {"x-team": "a-data-"}, {"x-user": "17-beta-2"}, {}):
            assert gateway.predict(3, lambda _, sent=sent: sent, path) == {"old": 3}


def test_a_user_stays_with_a_predictor(gateway: ClusterGateway) -> None:
    """Each of 400 users gets the same one every time; who has the new one keeps it while its weight grows."""
    users = [{"x-user": f"user-{number}"} for number in range(400)]
    gateway.put(flights(gateway, 20, sticky_header="x-user"))
    wait_until(lambda: gateway.each(users[:50]) == gateway.each(users[:50]), message="the policy is in force")

    first, second = gateway.each(users), gateway.each(users)
    gateway.put(flights(gateway, 50, sticky_header="x-user"))
    later = gateway.each(users)

    assert first == second
    assert abs(first.count("new") - 80) <= 5 * sqrt(400 * 0.2 * 0.8)
    assert all(then == "new" for now, then in zip(first, later, strict=True) if now == "new")


def test_only_what_may_be_repeated_is_tried_again(gateway: ClusterGateway) -> None:
    """A server that breaks the connection may have counted the label; a model's own 503 is an answer."""
    gateway.put(flights(gateway, 0))
    before = [one["path"] for one in gateway.seen("old")]

    gateway.predict(1, lambda _: {"x-break": "1"})
    gateway.predict(1, lambda _: {"x-break": "1"}, "api/v1.0/feedback")
    gateway.predict(1, lambda _: {"x-answer": "503"})

    paths = [one["path"] for one in gateway.seen("old")]
    assert paths.count(f"/{PREDICT}") - before.count(f"/{PREDICT}") == 3 + 1
    assert paths.count("/api/v1.0/feedback") - before.count("/api/v1.0/feedback") == 1


def test_without_traffic_the_answer_is_seldons_503(gateway: ClusterGateway) -> None:
    """Nobody is asked."""
    gateway.put(replace(flights(gateway, 0), backends=()))

    answer = httpx.post(f"{gateway.url}/seldon/{gateway.namespace}/flights/{PREDICT}", json={})

    assert answer.status_code == 503
    assert answer.json()["status"]["reason"] == "NO_READY_SERVER"


def test_a_route_that_the_gateway_cannot_follow_says_why(gateway: ClusterGateway) -> None:
    """With the Service's name; the weights are not in force then."""
    missing = {"old": Service(name="flights-old"), "new": Service(name="flights-missing")}
    gateway.write(flights(gateway, 10), missing)

    wait_until(lambda: "flights-missing" in " ".join(gateway.complaints()), message="a complaint with its name")
    live = gateway.kubectl.json("get", "httproute", "flights")
    assert not acknowledged_by(live, (gateway.parent,)).acknowledged


def test_switching_under_load_loses_nothing(gateway: ClusterGateway) -> None:
    """Twelve changes of the weights, there and back, while four clients ask without pause."""
    gateway.put(flights(gateway, 0))

    with Load(gateway) as load:
        for weight in (1, 5, 25, 50, 100, 0, 100, 0, 50, 25, 1, 0):
            load.more(100)
            gateway.put(flights(gateway, weight))
        load.more(100)

    assert load.failures() == {}
    assert load.answers["new"] > 0


def test_a_rollout_of_pods_under_load_loses_nothing(gateway: ClusterGateway) -> None:
    """All pods of the predictor that answers are replaced while four clients ask without pause."""
    gateway.put(flights(gateway, 0))

    with Load(gateway) as load:
        load.more(200)
        gateway.kubectl("rollout", "restart", "deployment/flights-old")
        gateway.kubectl("rollout", "status", "deployment/flights-old", "--timeout=90s")
        load.more(600)

    assert load.failures() == {}
