"""Routes as VirtualServices and DestinationRules, held to Istio's own schema; never run against Istio."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from tests.unit.serving.gateway.any_route import SERVICES, SHADOWED, any_route
from tests.unit.serving.gateway.structural import faults

from sluicegate.serving.gateway.istio import IstioSettings, istio_settings, render, weights_of
from sluicegate.serving.gateway.routes import Backend, HeaderRoute, Mirror, Route

SCHEMAS = json.loads(Path(__file__).with_name("istio_schemas.json").read_text())
DEFAULT = IstioSettings()
ROUTE = Route(
    namespace="shop",
    name="flights",
    backends=(Backend(predictor="old", weight=90), Backend(predictor="new", weight=10)),
)


def service(route: Route, transport: str = "http", settings: IstioSettings = DEFAULT) -> Any:
    """The VirtualService of one transport."""
    return next(
        one for one in render(route, SERVICES, settings).objects if one["metadata"]["name"] == f"flights-{transport}"
    )


def rules(route: Route, transport: str = "http", settings: IstioSettings = DEFAULT) -> dict[str, Any]:
    """Its rules by name, in their order."""
    return {rule["name"]: rule for rule in service(route, transport, settings)["spec"]["http"]}


@given(any_route())
def test_everything_fits_istios_schema(route: Route) -> None:
    """Every field is known to Istio and of its type."""
    for one in render(route, SHADOWED, replace(DEFAULT, retries=3, tls_mode="ISTIO_MUTUAL")).objects:
        assert list(faults(one["spec"], SCHEMAS[one["kind"]])) == []


def test_the_schema_finds_faults() -> None:
    """Or the test above could not fail."""
    assert list(faults({"hosts": "x", "http": [{"rout": 1}]}, SCHEMAS["VirtualService"])) == [
        ".hosts: 'x' is no array",
        ".http[0].rout: unknown",
    ]


def test_calls_by_grpc_have_a_time_limit_of_their_own() -> None:
    limits = [rules(replace(ROUTE, grpc_timeout_ms=7000), each)["predictions"]["timeout"] for each in ("http", "grpc")]

    assert limits == ["3s", "7s"]


@given(any_route())
def test_weights_are_read_back(route: Route) -> None:
    """And every predictor that is reached has a DestinationRule with its subset, ahead of who names it."""
    rendered = render(route, SERVICES, DEFAULT)

    subsets = {one["spec"]["subsets"][0]["name"] for one in rendered.objects if one["kind"] == "DestinationRule"}
    for one in rendered.objects[-2:]:
        assert weights_of(one) == {each.predictor: each.weight for each in route.backends if each.weight}
        named = [to["destination"]["subset"] for rule in one["spec"]["http"] for to in rule.get("route", [])]
        assert set(named) <= subsets
    assert rendered == render(route, SERVICES, DEFAULT)


def test_paths_subsets_and_ports_are_seldons() -> None:
    """Prefix rewritten to /, subset by predictor with label version, 8000 and 5001, gRPC by path and metadata."""
    others = rules(ROUTE)["others"]
    calls = rules(ROUTE, "grpc")["others"]

    assert (others["match"], others["rewrite"]) == ([{"uri": {"prefix": "/seldon/shop/flights/"}}], {"uri": "/"})
    assert others["route"][0]["destination"] == {"host": "flights-old", "subset": "old", "port": {"number": 8000}}
    assert calls["match"][0]["headers"] == {"seldon": {"exact": "flights"}, "namespace": {"exact": "shop"}}
    assert calls["match"][0]["uri"] == {"regex": ".*tensorflow.*|.*seldon.protos.*|.*inference.*"}
    assert {one["destination"]["port"]["number"] for one in calls["route"]} == {5001}
    destination = render(ROUTE, SERVICES, DEFAULT).objects[0]["spec"]
    assert destination["subsets"] == [{"name": "old", "labels": {"version": "old"}}]


def test_feedback_is_sent_once() -> None:
    """Istio would try everything again by itself, so what must not be is told so, whatever the annotations say."""
    found = rules(ROUTE, settings=replace(DEFAULT, retries=5))

    assert found["others"]["retries"] == {"attempts": 0}
    assert found["predictions"]["retries"]["attempts"] == 5
    assert rules(ROUTE)["predictions"]["retries"]["retryOn"].startswith("connect-failure")


def test_header_routes_come_first() -> None:
    """The first rule that fits wins; names of headers are small there."""
    header = HeaderRoute(header="X-Team", value="data-", predictor="new", match="prefix")
    found = list(rules(replace(ROUTE, header_routes=(header,))).values())

    assert [rule["name"].endswith("-header-1") for rule in found] == [True] * 6 + [False] * 6
    assert found[0]["match"][0]["headers"] == {"x-team": {"prefix": "data-"}}
    assert [one["destination"]["subset"] for one in found[0]["route"]] == ["new"]


def test_only_predictions_are_mirrored() -> None:
    """With their percentage; two mirrors need the newer list."""
    backends = (Backend(predictor="old", weight=100), *(Backend(predictor=name, weight=0) for name in ("new", "third")))
    one, two = (
        rules(replace(ROUTE, backends=backends, mirrors=tuple(Mirror(predictor=p, percentage=30) for p in names)))
        for names in (("new",), ("new", "third"))
    )

    assert one["predictions"]["mirror"]["subset"] == "new"
    assert one["predictions"]["mirrorPercentage"] == {"value": 30}
    assert [each["destination"]["subset"] for each in two["infer"]["mirrors"]] == ["new", "third"]
    assert not any(key.startswith("mirror") for name in ("reads", "others") for key in one[name])


def test_stickiness_is_said_to_be_what_it_is() -> None:
    """Istio's hash chooses a server, not the predictor."""
    rendered = render(replace(ROUTE, sticky_header="x-user"), SERVICES, DEFAULT)

    assert "drawn anew for each request" in rendered.warnings[0]
    policy = rendered.objects[0]["spec"]["trafficPolicy"]
    assert policy["loadBalancer"] == {"consistentHash": {"httpHeaderName": "x-user"}}


def test_without_traffic_the_answer_is_503() -> None:
    """In Seldon's form."""
    answer = rules(replace(ROUTE, backends=()))["predictions"]["directResponse"]

    assert answer["status"] == 503
    assert json.loads(answer["body"]["string"])["status"]["reason"] == "NO_READY_SERVER"


def test_annotations_choose_host_gateway_and_retries() -> None:
    """A list of hosts by comma; a number that is none counts as not given."""
    annotations = {
        "seldon.io/istio-host": "a.example, b.example",
        "seldon.io/istio-gateway": "mesh/front",
        "seldon.io/istio-retries": "4",
        "seldon.io/istio-retries-timeout": "soon",
    }

    found = istio_settings(annotations, replace(DEFAULT, tls_mode="DISABLE"))

    assert (found.hosts, found.gateway) == (("a.example", "b.example"), "mesh/front")
    assert (found.retries, found.retries_timeout, found.tls_mode) == (4, 1, "DISABLE")
    assert istio_settings({}, DEFAULT) == DEFAULT
