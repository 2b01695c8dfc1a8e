"""What the operator tells of itself: each request to the API server, each look, and what is in force and under way."""

import asyncio
from typing import Any

import httpx
import pytest
from tests.fakes.cluster import FakeCluster
from tests.fakes.store import FakeStore

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import CLUSTER_RESOURCES, RESOURCES
from sluicegate.serving.operator.cluster.caches import ALWAYS, Caches
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.cluster.requests import Request
from sluicegate.serving.operator.errors import ClusterError, NotFoundError
from sluicegate.serving.operator.metrics import Metrics

SDEP: JSON = {"kind": "SeldonDeployment", "metadata": {"name": "d", "namespace": "n"}}


def told(act: str, *arguments: Any, code: int = 200, **named: Any) -> list[tuple[str, str, int, bool]]:
    """What a client tells of one call."""
    found: list[tuple[Request, int]] = []

    async def call() -> None:
        transport = httpx.MockTransport(lambda _request: httpx.Response(code, json={"items": [], "resources": []}))
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            cluster = Cluster(client, told=lambda request, answer: found.append((request, answer)))
            try:
                await getattr(cluster, act)(*arguments, **named)
            except ClusterError:
                return

    asyncio.run(call())
    return [(request.verb, request.kind, answer, request.dry_run) for request, answer in found]


OWN = "seldondeployments.machinelearning.seldon.io"


@pytest.mark.parametrize(
    ("act", "arguments", "named", "expected"),
    [
        ("get", (RESOURCES["Secret"], "n", "s"), {}, ("get", "secrets", 200, False)),
        ("list", (CLUSTER_RESOURCES["Deployment"], None), {}, ("list", "deployments.apps", 200, False)),
        ("apply", (SDEP,), {}, ("patch", OWN, 200, False)),
        ("apply", (SDEP,), {"dry_run": True}, ("patch", OWN, 200, True)),
        ("create", (SDEP,), {}, ("create", OWN, 200, False)),
        ("replace", (SDEP,), {}, ("update", OWN, 200, False)),
        ("replace", (SDEP,), {"status": True}, ("update", f"{OWN}/status", 200, False)),
        ("delete", (SDEP,), {}, ("delete", OWN, 200, False)),
        ("serves", (CLUSTER_RESOURCES["ScaledObject"],), {}, ("discover", "scaledobjects.keda.sh", 200, False)),
    ],
)
def test_every_request_is_told_in_the_words_of_access_control(
    act: str, arguments: tuple[Any, ...], named: dict[str, Any], expected: tuple[str, str, int, bool]
) -> None:
    assert told(act, *arguments, **named) == [expected]


@pytest.mark.parametrize("code", [403, 404, 409, 500])
def test_a_refusal_is_told_with_its_code(code: int) -> None:
    assert told("replace", SDEP, code=code) == [("update", OWN, code, False)]


def test_a_look_that_fails_is_counted_by_its_reason() -> None:
    metrics = Metrics()
    with metrics.look():
        pass
    with pytest.raises(NotFoundError), metrics.look():
        raise NotFoundError("gone")

    assert metrics.registry.get_sample_value("sluicegate_operator_reconcile_seconds_count") == 2
    assert (
        metrics.registry.get_sample_value("sluicegate_operator_reconcile_errors_total", {"reason": "NotFoundError"})
        == 1
    )


def known(*objects: JSON) -> Caches:
    """Caches with these in them."""
    cluster: Any = FakeCluster(FakeStore())
    caches = Caches(cluster, namespace=None, kinds=ALWAYS, changed=lambda _key: None)
    for each in objects:
        (caches.rollouts if each["kind"] == "ModelRollout" else caches.deployments).take("ADDED", each)
    return caches


def test_series_are_of_what_is_in_force_and_under_way_and_go_with_it() -> None:
    """So there are as many as predictors with requests and rollouts under way, however many there once were."""
    metrics = Metrics()
    served = SDEP | {"status": {"traffic": {"a": 90, "b": 10}}}
    rollout = {"kind": "ModelRollout", "metadata": {"name": "r", "namespace": "n"}, "spec": {"target": "d"}}
    under_way, ended = ({**rollout, "status": {"phase": phase}} for phase in ("Progressing", "Promoted"))
    before = metrics.exposition(known(served, under_way), 3, leads=lambda: True).decode()
    after = metrics.exposition(known(SDEP, ended), 0, leads=lambda: True).decode()

    assert 'traffic_percent{deployment_name="d",namespace="n",predictor_name="b"} 10.0' in before
    assert 'phase{deployment_name="d",namespace="n",phase="Progressing",rollout="r"} 1.0' in before
    assert "sluicegate_operator_queue_length 3.0" in before
    assert "traffic_percent{" not in after
    assert "rollout_phase{" not in after
