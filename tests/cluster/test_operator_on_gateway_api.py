"""The installation without its own Envoys: the operator stands behind the cluster's Envoy Gateway.

Images must be where the node pulls from, and a Gateway must take routes of every namespace: see ``gateway_rig``.
"""

import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from tests.cluster import operator_rig as rig
from tests.cluster import storages
from tests.cluster.gateway_rig import GATEWAY
from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)
ROUTES = "httproutes,grpcroutes,backendtrafficpolicies,httproutefilters"
PLAN = {
    "steps": [{"setMirrorRoute": {"percentage": 100}}, {"setWeight": 50}, {"analysis": {"minSampleSize": 100}}],
    "bake": 3,
}


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl) -> Iterator[Kubectl]:
    """Operator and collector run, and no Envoy of ours."""
    storages.need(storages.S3)
    if "envoyproxy" not in kubectl("api-resources", "-o", "name"):
        pytest.skip("the cluster has no Envoy Gateway")
    objects = rig.installation(kubectl, "gateway-api", "without-envoy", SLUICEGATE_GATEWAY=GATEWAY)
    with rig.installed(kubectl, objects) as home:
        yield home


@pytest.fixture(scope="module")
def url(serving: Kubectl) -> str:
    """Where predictions are asked for, through the cluster's gateway."""
    namespace, _, name = GATEWAY.partition("/")
    address = serving.json("get", "gateway", name, "-n", namespace)["status"]["addresses"][0]["value"]
    return f"{os.environ.get('GATEWAY_URL', f'http://{address}')}/seldon/{serving.namespace}/{rig.NAME}/api/v1.0/predictions"


def desire(kubectl: Kubectl, rollout: str, **desired: Any) -> None:
    """What a workflow does: write what it wants, under the rollout's epoch."""
    epoch = kubectl.json("get", "modelrollout", rollout)["status"]["epoch"]
    patch = {"spec": {"desired": {"epoch": epoch, "leaseSeconds": 60, **desired}}}
    kubectl("patch", "modelrollout", rollout, "--type=merge", "--patch-file=/dev/stdin", stdin=patch)


def test_it_is_served_through_the_clusters_gateway(serving: Kubectl, url: str) -> None:
    answer = httpx.post(url, json=rig.ROW)

    assert answer.json()["data"]["names"] == ["on-time", "late"]
    said = {each["type"]: each for each in rig.status(serving)["conditions"]}
    assert (said["TrafficAcknowledged"]["reason"], rig.status(serving)["traffic"]) == ("Acknowledged", {"v1": 100})
    assert rig.names(serving, "httproutes") == [rig.NAME]


def test_a_rollout_that_is_aborted_loses_no_request(serving: Kubectl, models: dict[str, rig.Model], url: str) -> None:
    with rig.Load(url) as load:
        serving("create", "-f", "-", stdin=rig.rollout("undone", rig.NAME, models["2"]))
        wait_until(lambda: rig.phase(serving, "undone") == "Ready", 60, "the candidate is ready")
        desire(serving, "undone", weight=50, mirror=100, renewal=1)
        wait_until(lambda: rig.status(serving).get("traffic") == {"v1": 50, "undone": 50}, 30, "half of the traffic")
        desire(serving, "undone", intent="Abort", reason="Tried", renewal=2)
        wait_until(lambda: rig.phase(serving, "undone") == "RolledBack", 30, "the rollout is back")
        wait_until(lambda: rig.names(serving, "deployments") == ["flights-v1-0-model"], 60, "its servers are gone")
        wait_until(lambda: rig.status(serving)["traffic"] == {"v1": 100}, 10, "the status says so")

    assert load.failures == []


@pytest.mark.full
def test_a_rollout_is_judged_by_its_servers_and_promoted(
    serving: Kubectl, models: dict[str, rig.Model], url: str, installed: Kubectl
) -> None:
    with rig.Load(url) as load:
        serving("create", "-f", "-", stdin=rig.workflow("second", rig.NAME, serving.namespace, models["2"], PLAN))
        wait_until(rig.ends(serving, "second"), 200, "the rollout ends")
        candidate = serving.json("get", "modelrollout", "second")["status"]["candidate"]
        gone = [f"flights-{candidate}-0-model"]
        wait_until(lambda: rig.names(serving, "deployments") == gone, 60, "the old one is gone")
        wait_until(lambda: rig.status(serving)["traffic"] == {candidate: 100}, 10, "the status says so")

    assert (rig.phase(serving, "second"), load.failures) == ("Promoted", [])
    host = installed.json("get", "service", "sluicegate-collector")["spec"]["clusterIP"]
    seen = httpx.get(f"http://{host}:7081/v1/deployments/{serving.namespace}/{rig.NAME}").json()["predictors"][
        candidate
    ]
    assert seen["requests"] > 100
    assert seen["mirrored"] > 0


def test_a_deleted_deployment_leaves_no_route(serving: Kubectl, url: str) -> None:
    serving("delete", "sdep", rig.NAME, "--timeout=60s")

    wait_until(lambda: rig.names(serving, ROUTES) == [], 60, "no route is left")
    wait_until(lambda: httpx.post(url, json=rig.ROW).status_code == 404, 30, "the gateway knows it no more")
