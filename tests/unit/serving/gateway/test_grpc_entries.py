"""What the bundled Envoy is told about calls by gRPC."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.serving.gateway.any_route import any_route

from sluicegate.serving.gateway.clusters import cluster, endpoints, transport_of
from sluicegate.serving.gateway.envoy import render
from sluicegate.serving.gateway.messages import packed
from sluicegate.serving.gateway.routes import Address, Backend, HeaderRoute, Mirror, Route

HTTP = Address(host="127.0.0.1", port=9000)
BOTH = Address(host="127.0.0.1", port=9001, grpc_port=9500)
ROUTE = Route(
    namespace="shop",
    name="flights",
    backends=(
        Backend(predictor="old", weight=90, addresses=(BOTH,)),
        Backend(predictor="new", weight=10, addresses=(BOTH,)),
    ),
)


def entries(route: Route) -> dict[str, Any]:
    """The route's entries for gRPC by kind; with header routes, those of the weighted route."""
    found = {one["name"].rpartition("/grpc-")[2]: one for one in render((route,)).parts["shop", "flights"].entries}
    return {kind: entry for kind, entry in found.items() if "/" not in kind}


def shares(entry: Any) -> dict[str, int]:
    """Weights by cluster."""
    action = entry.get("route", {})
    weighted = action.get("weighted_clusters", {}).get("clusters", [])
    return {one["name"]: one["weight"] for one in weighted} or ({action["cluster"]: 100} if action else {})


def test_a_deployment_is_told_by_metadata_and_by_what_a_call_is() -> None:
    match = entries(ROUTE)["others"]["match"]

    assert match["grpc"] == {}
    assert [(one["name"], one["string_match"]["exact"]) for one in match["headers"]] == [
        ("seldon", "flights"),
        ("namespace", "shop"),
    ]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/seldon.protos.Seldon/Predict", "predictions"),
        ("/inference.GRPCInferenceService/ModelInfer", "predictions"),
        ("/tensorflow.serving.PredictionService/Predict", "predictions"),
        ("/inference.GRPCInferenceService/ModelReady", "reads"),
        ("/seldon.protos.Seldon/GraphMetadata", "reads"),
        ("/seldon.protos.Seldon/SendFeedback", "others"),
        ("/seldonXprotos.Seldon/Predict", "others"),
        ("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "others"),
    ],
)
def test_what_a_call_asks_for(path: str, kind: str) -> None:
    """By service and method; the first entry that fits decides."""

    def fits(entry: Any) -> bool:
        asked = [one["string_match"] for one in entry["match"]["headers"] if one["name"] == ":path"]
        return all(re.fullmatch(one["safe_regex"]["regex"], path) for one in asked)

    assert next(name for name, entry in entries(ROUTE).items() if fits(entry)) == kind


def test_predictions_and_reads_are_retried_predictions_mirrored_and_feedback_sent_once() -> None:
    found = entries(replace(ROUTE, mirrors=(Mirror(predictor="new", percentage=50),)))

    assert ["retry_policy" in entry["route"] for entry in found.values()] == [True, True, False]
    assert [len(entry["route"]["request_mirror_policies"]) for entry in found.values()] == [1, 0, 0]


def test_calls_have_a_limit_of_their_own_and_keep_their_path() -> None:
    """The path names the service; what leads to the deployment is metadata."""
    action = entries(replace(ROUTE, timeout_ms=1000, grpc_timeout_ms=7000))["predictions"]["route"]

    assert action["timeout"] == "7s"
    assert "prefix_rewrite" not in action


def test_without_a_port_for_grpc_nothing_is_said_of_it() -> None:
    """Neither routes nor clusters: a table for servers of HTTP is as it was."""
    table = render((replace(ROUTE, backends=(Backend(predictor="old", weight=100, addresses=(HTTP,)),)),))

    assert [one["name"].rpartition("/")[2] for one in table.parts["shop", "flights"].entries] == [
        "predictions",
        "reads",
        "others",
    ]
    assert table.names == {"shop/flights/old", "shop/flights/old~others"}


def test_a_share_of_a_predictor_without_grpc_is_the_others() -> None:
    """Nobody who calls is sent where nobody listens; HTTP keeps its shares."""
    mixed = replace(ROUTE, backends=(ROUTE.backends[0], replace(ROUTE.backends[1], addresses=(HTTP,))))

    assert shares(entries(mixed)["predictions"]) == {"shop/flights/old~grpc": 100}
    assert not any(name.startswith("shop/flights/new~grpc") for name in render((mixed,)).names)


def test_a_predictor_without_weight_inherits_no_call() -> None:
    """Where only the waiting candidate speaks gRPC, calls are refused; so are those that a header sends elsewhere."""
    backends = (Backend(predictor="old", weight=100, addresses=(HTTP,)), replace(ROUTE.backends[1], weight=0))
    header = HeaderRoute(header="x-to", value="old", predictor="old")

    found = render((replace(ROUTE, backends=backends, header_routes=(header,)),)).parts["shop", "flights"].entries

    calls = [one for one in found if "grpc" in one["match"]]
    assert len(calls) == 6
    assert all("speaks gRPC" in one["direct_response"]["body"]["inline_string"] for one in calls)


def test_clusters_of_calls_speak_http2_and_are_asked_for_health_over_http() -> None:
    drawn = str(cluster("shop/flights/old~grpc~mirror")["typed_extension_protocol_options"])
    ends = [end["endpoint"] for end in endpoints("shop/flights/old~grpc", (BOTH,))["endpoints"][0]["lb_endpoints"]]

    assert "http2_protocol_options" in drawn
    assert [one["address"]["socket_address"]["port_value"] for one in ends] == [9500]
    assert [one["health_check_config"] for one in ends] == [{"port_value": 9001}]


@pytest.mark.parametrize("name", ["shop/flights/old", "shop/flights/old~grpc"])
def test_a_server_that_knows_no_ready_path_is_not_asked(name: str) -> None:
    found = endpoints(name, (replace(BOTH, checked=False),))["endpoints"][0]["lb_endpoints"][0]["endpoint"]

    assert found["health_check_config"] == {"disable_active_health_check": True}
    assert packed(endpoints(name, (BOTH,)))


@pytest.mark.parametrize("end", ["", "~others", "~mirror"])
def test_a_clusters_name_says_how_its_servers_are_asked(end: str) -> None:
    assert [transport_of(f"shop/flights/old{middle}{end}") for middle in ("", "~grpc")] == ["http", "grpc"]


@given(route=any_route(), spoken=st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_shares_of_calls_are_as_given(route: Route, spoken: tuple[bool, ...]) -> None:
    """Weights of predictors that speak gRPC are the route's, and every cluster that is named has servers for it."""
    backends = tuple(
        replace(one, addresses=(BOTH if speaks else HTTP,)) for one, speaks in zip(route.backends, spoken, strict=False)
    )
    table = render((replace(route, backends=backends),))
    able = {f"shop/flights/{one.predictor}~grpc": one.weight for one in backends if one.servers("grpc") and one.weight}

    predictions = entries(replace(route, backends=backends)).get("predictions", {})

    assert shares(predictions) == (dict.fromkeys(able, 100) if len(able) == 1 else able)
    named = set(re.findall(r"'(shop/flights/(?:old|new|third)[^']*)'", str(table.parts)))
    assert named <= table.names
    assert all(address.grpc_port for name in table.names if "~grpc" in name for address in table.addresses[name])
