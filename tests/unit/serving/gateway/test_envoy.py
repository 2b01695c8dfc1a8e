"""Routes as Envoy resources."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.serving.gateway.envoy import differing, render
from sluicegate.serving.gateway.errors import InvalidRouteError
from sluicegate.serving.gateway.messages import Packed, RouteConfiguration
from sluicegate.serving.gateway.route_table import PREDICTIONS
from sluicegate.serving.gateway.routes import Address, Backend, HeaderRoute, Mirror, Route

HERE = (Address(host="127.0.0.1", port=9000),)
ROUTE = Route(
    namespace="shop",
    name="flights",
    backends=(Backend(predictor="old", weight=90, addresses=HERE), Backend(predictor="new", weight=10, addresses=HERE)),
)


def entries(route: Route) -> dict[str, Any]:
    """The route's entries by kind; with header routes, those of the weighted route."""
    return {entry["name"].rpartition("/")[2]: entry for entry in all_entries(route)}


def all_entries(route: Route) -> list[Any]:
    """The route's share of the table."""
    return render((route,)).parts[route.namespace, route.name].entries


def test_only_what_may_be_repeated_is_retried() -> None:
    """Predictions and reads are; feedback falls under the rest, which has no retries at all."""
    found = entries(ROUTE)

    assert list(found) == ["predictions", "reads", "others"]
    assert ["retry_policy" in entry["route"] for entry in found.values()] == [True, True, False]
    assert "5xx" not in json.dumps(found)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("api/v1.0/predictions", True),
        ("api/v0.1/predictions?trace=1", True),
        ("v2/models/flights/infer", True),
        ("v2/models/flights/versions/3/infer", True),
        ("v1/models/flights:predict", True),
        ("api/v1.0/feedback", False),
        ("api/v1.0/feedback?then=/predictions", False),
        ("v2/models/a/b/infer", False),
    ],
)
def test_what_a_prediction_is(path: str, expected: bool) -> None:
    """By path, of all three protocols; a query can make nothing look like one."""
    assert bool(re.fullmatch(PREDICTIONS, path)) == expected


def test_only_predictions_are_mirrored() -> None:
    """A copy of feedback would be a second label."""
    found = entries(replace(ROUTE, mirrors=(Mirror(predictor="new", percentage=50),)))

    assert [len(entry["route"]["request_mirror_policies"]) for entry in found.values()] == [1, 0, 0]


def test_a_predictor_at_zero_is_not_even_named() -> None:
    """One at 100 then has a plain cluster: no dice are thrown."""
    backends = (replace(ROUTE.backends[0], weight=100), replace(ROUTE.backends[1], weight=0))

    assert entries(replace(ROUTE, backends=backends))["predictions"]["route"]["cluster"] == "shop/flights/old"


def test_a_deployment_without_traffic_says_so() -> None:
    """By the status that the listener makes 503 of, and the table stays valid for the others."""
    found = entries(replace(ROUTE, backends=()))["predictions"]

    assert found["direct_response"] == {
        "status": 599,
        "body": {"inline_string": "no predictor of this deployment has traffic yet"},
    }


def test_copies_and_other_requests_have_clusters_of_their_own_with_the_same_servers() -> None:
    """So that statistics of copies stay apart, and feedback does not thin the errors of predictions."""
    table = render((replace(ROUTE, mirrors=(Mirror(predictor="new", percentage=0),)),))

    ends = {"old": ("", "~others"), "new": ("", "~others", "~mirror")}
    assert set(table.addresses) == {f"shop/flights/{name}{end}" for name in ends for end in ends[name]}
    assert table.addresses["shop/flights/new~mirror"] == HERE


def test_header_routes_come_before_the_weights() -> None:
    """In their order; the first that fits decides."""
    headers = tuple(HeaderRoute(header="x-to", value=name, predictor=name) for name in ("new", "old"))

    clusters = [entry["route"].get("cluster") for entry in all_entries(replace(ROUTE, header_routes=headers))]

    kinds = ("", "~others", "~others")
    assert clusters == [f"shop/flights/{name}{kind}" for name in ("new", "old") for kind in kinds] + [None] * 3


@pytest.mark.parametrize(
    ("route", "fault"),
    [
        (replace(ROUTE, backends=ROUTE.backends[:1]), "sum to 100"),
        (replace(ROUTE, backends=(*ROUTE.backends, Backend(predictor="odd", weight=-5))), "0 to 100"),
        (replace(ROUTE, backends=(*ROUTE.backends, Backend(predictor="new", weight=0))), "must be different"),
        (replace(ROUTE, mirrors=(Mirror(predictor="gone", percentage=1),)), "'gone'"),
        (replace(ROUTE, mirrors=(Mirror(predictor="new", percentage=101),)), "mirror percentage 101"),
        (replace(ROUTE, header_routes=(HeaderRoute(header="x", value="(", predictor="new", match="regex"),)), "'\\('"),
        (replace(ROUTE, backends=(Backend(predictor="a", weight=100, addresses=(Address(host="h", port=1),)),)), "IP"),
    ],
)
def test_a_route_that_contradicts_itself_is_refused(route: Route, fault: str) -> None:
    """By name, before Envoy sees any of the table."""
    with pytest.raises(InvalidRouteError, match=f"route shop/flights: .*{fault}"):
        render((route,))


def test_a_deployment_twice_is_refused() -> None:
    """Half of its requests would follow the wrong one."""
    with pytest.raises(InvalidRouteError, match="twice"):
        render((ROUTE, ROUTE))


@given(weights=st.lists(st.integers(0, 100), min_size=1, max_size=4), percentage=st.integers(0, 100))
def test_shares_are_rendered_as_given(weights: list[int], percentage: int) -> None:
    """Whatever sums to 100: weights in the table are the route's, and so is the traffic that will be reported."""
    weights = [*weights, 100 - sum(weights)]
    backends = tuple(Backend(predictor=f"p{index}", weight=weight) for index, weight in enumerate(weights))
    route = replace(ROUTE, backends=backends, mirrors=(Mirror(predictor="p0", percentage=percentage),))
    if weights[-1] < 0:
        with pytest.raises(InvalidRouteError):
            render((route,))
        return

    table = render((route,))
    action = entries(route)["predictions"]["route"]

    rendered = {one["name"]: one["weight"] for one in action.get("weighted_clusters", {}).get("clusters", [])}
    rendered = rendered or {action["cluster"]: 100}
    assert rendered == {f"shop/flights/{one.predictor}": one.weight for one in backends if one.weight}
    assert table.traffic == {("shop", "flights"): {one.predictor: one.weight for one in backends}}


def test_equal_tables_have_equal_versions_in_any_order() -> None:
    """A new process renders the same version, so a running Envoy is left alone."""
    other = replace(ROUTE, name="other")

    assert render((ROUTE, other)).version == render((other, ROUTE)).version
    assert render((ROUTE,)).version != render((other,)).version


def test_the_table_answers_its_own_version() -> None:
    """The version is that of the routes beside it, so equal routes have equal versions."""
    table = render((ROUTE,))
    sent = RouteConfiguration.FromString(Packed.FromString(table.routes).value)

    answer, *entries = sent.virtual_hosts[0].routes
    assert answer.match.path == "/.sluicegate/version"
    assert json.loads(answer.direct_response.body.inline_string) == {"version": table.routes_version}
    assert [entry.name for entry in entries] == [entry["name"] for entry in all_entries(ROUTE)]
    assert render((replace(ROUTE, timeout_ms=1),)).routes_version != table.routes_version


CHANGES = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 100), st.integers(9000, 9002)), max_size=12)


@given(changes=CHANGES)
def test_a_table_is_the_same_whether_it_is_rendered_from_one_before_or_not(
    changes: list[tuple[str, int, int]],
) -> None:
    """And what differs between the two are the clusters of what changed, or fewer."""
    routes: dict[str, Route] = {}
    table = render(())
    for name, weight, port in changes:
        here = (Address(host="127.0.0.1", port=port),)
        backends = (Backend(predictor="x", weight=weight, addresses=here), Backend(predictor="y", weight=100 - weight))
        routes[name] = Route(namespace="n", name=name, backends=backends)
        before, table = table, render(tuple(routes.values()), table)

        assert table == render(tuple(routes.values()))
        assert {each.split("/")[1] for each in differing((before, table))} <= {name}
