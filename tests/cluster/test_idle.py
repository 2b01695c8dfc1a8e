"""What the operator writes while nothing changes: its lease, and nothing else, whatever state things are in."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.host_operator import HostOperator, need_kinds
from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
SECONDS = 25
"""Some turns of the kubelet between ErrImagePull and ImagePullBackOff, and of an autoscaler that has no figures."""
GRAPH = {"name": "model", "implementation": "SKLEARN_SERVER", "modelUri": "file:///none"}
OWN = {"name": "own"}
NO_IMAGE = {"spec": {"containers": [{"name": "own", "image": "registry.invalid/none:1"}]}}
CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
HPA = {"minReplicas": 1, "maxReplicas": 2, "metrics": [CPU]}
PREDICTORS: dict[str, dict[str, Any]] = {
    "resting": {"name": "main", "replicas": 0, "graph": GRAPH},
    "stuck": {"name": "main", "graph": OWN, "componentSpecs": [NO_IMAGE]},
    "scaled": {"name": "main", "graph": OWN, "componentSpecs": [NO_IMAGE | {"hpaSpec": HPA}]},
    "invalid": {"name": "main", "graph": {"name": "model", "implementation": "NO_SUCH_SERVER"}},
}
EXPECTED = {"resting": "Creating", "stuck": "Failed", "scaled": "Failed", "invalid": "Failed"}
KINDS = "sdep,modelrollouts,services,horizontalpodautoscalers,configmaps,secrets"


def deployment(name: str, mark: str) -> dict[str, Any]:
    """One of them, for the operator of this id."""
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": name, "labels": {"seldon.io/controller-id": mark}},
        "spec": {"predictors": [PREDICTORS[name]]},
    }


VERSION = {"name": "flights", "version": "2", "bundleDigest": "sha256:" + "0" * 64}
ROLLOUT: dict[str, Any] = {
    "apiVersion": "sluicegate.dev/v1alpha1",
    "kind": "ModelRollout",
    "metadata": {"name": "paused"},
    "spec": {
        "target": "resting",
        "candidate": {"name": "next", "replicas": 0, "graph": GRAPH},
        "model": VERSION,
        "paused": True,
    },
}


@pytest.fixture(scope="module")
def operator(kubectl: Kubectl, namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostOperator]:
    """One that has brought all of them as far as they go."""
    mine, log = kubectl.within(namespace), tmp_path_factory.mktemp("operator") / "log"
    need_kinds(kubectl)
    objects = [*(deployment(each, namespace) for each in PREDICTORS), ROLLOUT]
    mine("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": objects})
    with HostOperator(namespace, log, SLUICEGATE_CONTROLLER_ID=namespace) as operator:
        wait_until(lambda: states(mine) == EXPECTED, 90, "every state is as it has to be")
        wait_until(lambda: status(mine, "modelrollout", "paused").get("epoch"), 30, "the rollout waits for a workflow")
        claimed = {"epoch": status(mine, "modelrollout", "paused")["epoch"], "leaseSeconds": 600, "weight": 50}
        mine("patch", "modelrollout", "paused", "--type=merge", "-p", json.dumps({"spec": {"desired": claimed}}))
        wait_until(lambda: status(mine, "modelrollout", "paused")["phase"] == "Progressing", 30, "it is under way")
        yield operator


def states(kubectl: Kubectl) -> dict[str, str]:
    """Of all deployments."""
    found = kubectl.json("get", "sdep")["items"]
    return {each["metadata"]["name"]: each.get("status", {}).get("state", "") for each in found}


def status(kubectl: Kubectl, kind: str, name: str) -> Any:
    """Of one object."""
    return kubectl.json("get", kind, name).get("status", {})


def versions(kubectl: Kubectl) -> dict[str, str]:
    """Of everything that the operator might write, but Kubernetes does not; and of its events."""
    found = kubectl.json("get", KINDS)["items"]
    events = [each for each in kubectl.json("get", "events")["items"] if "sluicegate" in json.dumps(each["source"])]
    own = [each for each in (*found, *events) if each["kind"] != "HorizontalPodAutoscaler"]
    return {f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["resourceVersion"] for each in own}


def test_it_writes_its_lease_and_nothing_else(operator: HostOperator, kubectl: Kubectl, namespace: str) -> None:
    """Though one image is missing, one autoscaler has no figures, one object is wrong, and one rollout waits."""
    mine = kubectl.within(namespace)
    wait_until(lambda: unchanged(operator, 4), 60, "it has come to rest")
    before, versions_before, end = operator.writes(), versions(mine), time.monotonic() + SECONDS

    wait_until(lambda: time.monotonic() > end, SECONDS + 5)

    assert operator.writes() - before == {}
    assert versions(mine) == versions_before
    assert operator.requests()["update", "leases.coordination.k8s.io", 200] > 0


def unchanged(operator: HostOperator, seconds: float) -> bool:
    """Whether it wrote nothing for that long."""
    before, end = operator.writes(), time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end, seconds + 1)
    return operator.writes() == before


def test_a_restart_changes_nothing_either(
    operator: HostOperator, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    """Another one begins with nothing in its memory, and looks at everything."""
    mine = kubectl.within(namespace)
    before = versions(mine)
    operator.__exit__()

    with HostOperator(namespace, tmp_path / "log", SLUICEGATE_CONTROLLER_ID=namespace) as another:
        assert unchanged(another, 5)
        assert another.writes() == {}
        assert versions(mine) == before
    operator.__enter__()
