"""From a SeldonDeployment to where the bundled Envoy calls its pods by gRPC."""

from typing import Any

import pytest
from tests import seldon_made
from tests.unit.serving.operator.rendered import only, owned, render

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.gateway.routes import Address, Route
from sluicegate.serving.operator.observing import observed_replicas
from sluicegate.serving.reconcile.traffic import route_of
from sluicegate.serving.reconcile.workloads import desired_workloads

JSON = dict[str, Any]


def deployment(container: JSON | None = None, annotations: JSON | None = None, **graph: str) -> JSON:
    """One predictor with one unit, as a user writes it."""
    specs = [{"spec": {"containers": [container]}}] if container else []
    predictor = {"name": "v1", "graph": {"name": "model", **graph}, "componentSpecs": specs}
    spec = {"annotations": annotations or {}, "predictors": [predictor]}
    return owned({"metadata": {"name": "flights"}, "spec": spec})


def route(raw: JSON, made: JSON | None = None) -> Route:
    """The route once one pod of its Deployment, or of one ``made`` by others, is ready."""
    template = (made or only(render(raw), "Deployment"))["spec"]["template"]
    status = {"podIP": "10.0.0.7", "conditions": [{"type": "Ready", "status": "True"}]}
    meta = {"name": "pod", "namespace": "default", **template["metadata"]}
    view = decode(raw, SeldonDeployment)
    [replica] = observed_replicas(
        [{"metadata": meta, "spec": template["spec"], "status": status}], [made] if made else []
    )
    [workload] = desired_workloads(view, None)
    return route_of(view, None, (workload,), (replica,))


def address(raw: JSON) -> Address:
    """Of its only server."""
    [backend] = route(raw).backends
    return backend.addresses[0]


@pytest.mark.parametrize(
    ("ports", "http", "grpc"),
    [
        pytest.param([], 9000, 9500, id="told its ports"),
        pytest.param([{"name": "grpc", "containerPort": 50051}], 9000, 50051, id="with its own for gRPC"),
        pytest.param([{"name": "http", "containerPort": 8080}], 8080, 9500, id="with its own for HTTP"),
    ],
)
def test_a_users_container_is_called_at_its_port(ports: list[JSON], http: int, grpc: int) -> None:
    """By both ways, and nobody waits for a /ready that it does not know."""
    found = address(deployment({"name": "model", "image": "user/model:1", "ports": ports}))

    assert (found.port, found.grpc_port, found.checked) == (http, grpc, False)


def test_our_own_server_is_called_by_both_ways_and_asked_whether_it_is_ready() -> None:
    found = address(deployment(implementation="SKLEARN_SERVER", modelUri="s3://models/1"))

    assert (found.port, found.grpc_port, found.checked) == (9000, 9500, True)


def test_pods_that_seldon_core_made_are_called_at_their_engine() -> None:
    raw = deployment({"name": "model", "image": "user/model:1"})
    made = seldon_made.deployment(
        raw, {"name": "model", "image": "user/model:1"}, engine={"image": "engine"}, initializer=None, replicas=1
    )
    revision = desired_workloads(decode(raw, SeldonDeployment), None)[0].revision
    made["metadata"] |= {"namespace": "default", "annotations": {"sluicegate.dev/adopted": revision}}

    found = route(raw, made).backends[0].addresses[0]

    assert (found.port, found.grpc_port, found.checked) == (8000, 5001, True)


@pytest.mark.parametrize(
    ("notes", "limits"),
    [
        ({}, (3000, 3000)),
        ({"seldon.io/grpc-timeout": "9000"}, (3000, 9000)),
        ({"seldon.io/rest-timeout": "5"}, (5, 3000)),
    ],
)
def test_each_way_to_ask_has_its_time_limit(notes: JSON, limits: tuple[int, int]) -> None:
    found = route(deployment({"name": "model", "image": "user/model:1"}, annotations=notes))

    assert (found.limit_ms("http"), found.limit_ms("grpc")) == limits
