"""Routes as HTTPRoutes and GRPCRoutes, with Envoy Gateway's policies beside them."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from tests.unit.serving.gateway.any_route import SERVICES, SHADOWED, any_route

from sluicegate.serving.gateway.durations import duration
from sluicegate.serving.gateway.errors import InvalidRouteError
from sluicegate.serving.gateway.gateway_api import Attachment, render
from sluicegate.serving.gateway.route_status import version_of, weights_of
from sluicegate.serving.gateway.routes import Backend, HeaderRoute, Mirror, Route
from sluicegate.serving.gateway.services import Rendered, Services

PARENT = {"name": "gateway", "namespace": "gateway"}
STANDARD = Attachment(parents=(PARENT,))
ENVOY = replace(STANDARD, dialect="envoy-gateway")
ROUTE = Route(
    namespace="shop",
    name="flights",
    backends=(Backend(predictor="old", weight=90), Backend(predictor="new", weight=10)),
)
EVERYTHING_OLD = (Backend(predictor="old", weight=100), Backend(predictor="new", weight=0))


def rules(rendered: Rendered, kind: str = "HTTPRoute") -> dict[str, Any]:
    """All rules of all routes of a kind, by name."""
    routes = [one for one in rendered.objects if one["kind"] == kind]
    return {rule["name"]: rule for one in routes for rule in one["spec"]["rules"]}


def mirrors(rule: dict[str, Any]) -> list[Any]:
    """Where a rule's copies go: Service, port, percent."""
    found = [one["requestMirror"] for one in rule["filters"] if one["type"] == "RequestMirror"]
    return [(one["backendRef"]["name"], one["backendRef"]["port"], one["percent"]) for one in found]


@given(any_route())
def test_weights_sum_to_a_hundred_and_are_read_back(route: Route) -> None:
    """Or nobody has traffic; a predictor without weight is not named."""
    given_weights = {one.predictor: one.weight for one in route.backends if one.weight}
    for found in render(route, SERVICES, ENVOY).objects:
        if found["kind"] in ("HTTPRoute", "GRPCRoute") and found["metadata"]["name"] == "flights":
            assert weights_of(found) == given_weights
            assert sum(weights_of(found).values()) in (0, 100)


@given(any_route())
def test_every_rule_of_every_target_leads_where_it_should(route: Route) -> None:
    """By weight, or by header to one predictor alone; copies go to who is mirrored, never of its own requests alone."""
    for name, rule in rules(render(route, SHADOWED, STANDARD)).items():
        answering = {one["name"].removeprefix("flights-") for one in rule.get("backendRefs", [])}
        if "-header-" in name:
            header = route.header_routes[int(name.rpartition("-")[2]) - 1]
            assert answering == {header.predictor}
        copied = {(one.predictor, one.percentage) for one in route.mirrors if one.percentage}
        for service, port, percent in mirrors(rule):
            assert (service.removeprefix("flights-"), percent) in copied
            assert port == 8001
            assert answering != {service.removeprefix("flights-")}


@given(any_route())
def test_what_is_drawn_fits_the_limits_and_is_always_the_same(route: Route) -> None:
    """Sixteen rules in a route, names once only, one prefix for each rewriting rule."""
    rendered = render(route, SERVICES, ENVOY)

    assert rendered == render(route, SERVICES, ENVOY)
    for one in rendered.objects:
        found = one["spec"].get("rules", [])
        assert len(found) <= 16
        assert len({rule["name"] for rule in found}) == len(found)
        assert all(len(rule["matches"]) == 1 for rule in found if one["kind"] == "HTTPRoute")


def test_only_what_may_be_repeated_is_retried() -> None:
    """Predictions and reads; feedback falls under the rest."""
    retried = {name for name, rule in rules(render(ROUTE, SERVICES, STANDARD)).items() if "retry" in rule}

    assert retried == {"predictions", "predictions-v0", "infer", "predict", "reads"}


def test_envoy_gateway_retries_broken_connections_and_no_answers() -> None:
    """By a policy on the rules that may be repeated; the standard's field would repeat the model's own 503."""
    rendered = render(ROUTE, SERVICES, ENVOY)

    policies = {
        one["metadata"]["name"]: one["spec"] for one in rendered.objects if one["kind"] == "BackendTrafficPolicy"
    }
    sections = {one["sectionName"] for one in policies["flights.retried"]["targetRefs"]}
    assert sections == {"predictions", "predictions-v0", "infer", "predict", "reads"}
    assert "retry" not in policies["flights"]
    assert "httpStatusCodes" not in policies["flights.retried"]["retry"]["retryOn"]
    assert not any("retry" in rule for rule in rules(rendered).values())


def test_only_predictions_are_mirrored() -> None:
    """A copy of feedback would be a second label."""
    route = replace(ROUTE, backends=EVERYTHING_OLD, mirrors=(Mirror(predictor="new", percentage=30),))
    rendered = render(route, SERVICES, ENVOY)

    copied = {name for name, rule in rules(rendered).items() if rule["filters"] and mirrors(rule)}
    assert copied == {"predictions", "predictions-v0", "infer", "predict"}
    assert mirrors(rules(rendered)["predictions"]) == [("flights-new", 8000, 30)]
    assert mirrors(rules(rendered, "GRPCRoute")["predictions"]) == [("flights-new", 5001, 30)]
    assert rendered.warnings == ()


def test_copies_that_nobody_could_tell_apart_are_not_made() -> None:
    """A predictor that answers and is mirrored gets copies at a port of their own, or none and a warning."""
    route = replace(ROUTE, mirrors=(Mirror(predictor="new", percentage=100),))

    plain, shadowed = render(route, SERVICES, ENVOY), render(route, SHADOWED, ENVOY)

    assert mirrors(rules(plain)["predictions"]) == []
    assert "predictor new answers users and is mirrored too" in plain.warnings[0]
    assert mirrors(rules(shadowed)["predictions"]) == [("flights-new", 8001, 100)]
    assert shadowed.warnings == ()


def test_nobody_poses_as_a_copy() -> None:
    """The mark is taken from every request, and each is marked with who answers it."""
    for rule in rules(render(ROUTE, SERVICES, STANDARD)).values():
        if "backendRefs" in rule:
            assert {"remove": ["x-sluicegate-shadow"]} in [one.get("requestHeaderModifier") for one in rule["filters"]]
            marks = [one["filters"][0]["requestHeaderModifier"]["set"][0] for one in rule["backendRefs"]]
            assert [one["value"] for one in marks] == ["old", "new"]


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("exact", {"type": "Exact", "name": "x-user", "value": "a.b"}),
        ("prefix", {"type": "RegularExpression", "name": "x-user", "value": r"a\.b.*"}),
        ("regex", {"type": "RegularExpression", "name": "x-user", "value": "a.b"}),
    ],
)
def test_a_header_chooses(match: Any, expected: dict[str, str]) -> None:
    """In a route of its own, ahead of the weights because it is more specific, whatever the kind of request."""
    header = HeaderRoute(header="x-user", value="a.b", predictor="new", match=match)
    found = rules(render(replace(ROUTE, header_routes=(header,)), SERVICES, STANDARD))

    for name in ("predictions", "infer", "reads", "others"):
        chosen, weighted = found[f"{name}-header-1"]["matches"][0], found[name]["matches"][0]
        assert chosen == weighted | {"headers": [expected]}


def test_paths_lose_the_deployments_prefix() -> None:
    """What a server gets is what a client of the server would send."""
    for rule in rules(render(ROUTE, SERVICES, STANDARD)).values():
        if rule["name"] != "version":
            path = rule["matches"][0]["path"]["value"]
            kept = rule["filters"][0]["urlRewrite"]["path"]["replacePrefixMatch"]
            assert path == f"/seldon/shop/flights{kept}".rstrip("/")


def test_grpc_goes_by_seldons_metadata() -> None:
    """Headers seldon and namespace; predictions apart from the rest."""
    found = rules(render(ROUTE, SERVICES, STANDARD), "GRPCRoute")

    assert list(found) == ["predictions", "others"]
    headers = [{one["name"]: one["value"] for one in match["headers"]} for match in found["predictions"]["matches"]]
    assert headers == [{"seldon": "flights", "namespace": "shop"}] * 3
    assert {one["port"] for one in found["others"]["backendRefs"]} == {5001}


def test_stickiness_is_said_to_be_what_it_is() -> None:
    """Envoy Gateway hashes the header as we do, but for the salt; the standard has sessions instead."""
    route = replace(ROUTE, sticky_header="x-user")

    standard, envoy = render(route, SERVICES, STANDARD), render(route, SERVICES, ENVOY)

    assert rules(standard)["reads"]["sessionPersistence"]["type"] == "Header"
    assert "shares lag behind" in " ".join(standard.warnings)
    hashed = [one["spec"]["loadBalancer"] for one in envoy.objects if one["kind"] == "BackendTrafficPolicy"]
    assert hashed[0]["consistentHash"] == {"type": "Headers", "headers": [{"name": "x-user"}]}
    assert "without a salt" in " ".join(envoy.warnings)


def test_without_traffic_the_answer_is_503_where_it_can_be() -> None:
    """Envoy Gateway answers in Seldon's form; the standard answers 500, and a warning says so."""
    route = replace(ROUTE, backends=())

    envoy, standard = render(route, {}, ENVOY), render(route, {}, STANDARD)

    answer = next(one for one in envoy.objects if one["kind"] == "HTTPRouteFilter")["spec"]["directResponse"]
    assert json.loads(answer["body"]["inline"])["status"]["reason"] == "NO_READY_SERVER"
    assert rules(envoy)["predictions"]["filters"][-1]["extensionRef"]["name"] == "flights.no-server"
    assert any("500" in warning for warning in standard.warnings)


def test_another_route_has_another_version() -> None:
    """The version follows from what the route says, so the gateway's answer proves what it has in force."""
    first, second = (
        version_of(render(route, SERVICES, ENVOY).objects[0])
        for route in (ROUTE, replace(ROUTE, backends=EVERYTHING_OLD))
    )

    assert first
    assert second
    assert first != second


@given(any_route(), any_route())
def test_with_envoy_gateway_no_place_comes_or_goes_with_the_weights(before: Route, after: Route) -> None:
    """Its clusters go by place, and one that is gone while routes still name it is an error; shares stay exact."""
    for route in (before, after):
        for rule in rules(render(route, SERVICES, ENVOY)).values():
            if "backendRefs" in rule and "-header-" not in rule["name"]:
                assert len(rule["backendRefs"]) == len(SERVICES)
                assert all(one["weight"] > 0 for one in rule["backendRefs"])
                assert sum(one["weight"] for one in rule["backendRefs"]) == 100_000


def test_a_lent_place_leads_to_who_answers_anyway() -> None:
    """One predictor with all the traffic has two places, and nobody else is named."""
    services = {"old": SERVICES["old"]}
    alone = replace(ROUTE, backends=(Backend(predictor="old", weight=100),))

    references = rules(render(alone, services, ENVOY))["predictions"]["backendRefs"]

    assert [(one["name"], one["weight"]) for one in references] == [("flights-old", 99_999), ("flights-old", 1)]
    assert len(rules(render(alone, services, STANDARD))["predictions"]["backendRefs"]) == 1


def test_a_predictor_without_service_is_refused() -> None:
    """With its name."""
    services: Services = {"old": SERVICES["old"]}

    with pytest.raises(InvalidRouteError, match="'new' has no Service"):
        render(ROUTE, services, STANDARD)


@pytest.mark.parametrize(
    ("milliseconds", "expected"), [(0, "0s"), (3000, "3s"), (1500, "1s500ms"), (3_661_001, "1h1m1s1ms")]
)
def test_durations(milliseconds: int, expected: str) -> None:
    """No unit gets more than five digits."""
    assert duration(milliseconds) == expected
