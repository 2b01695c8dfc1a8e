"""The installation as its README says, on a real cluster: served, let in by a real Argo, killed, and gone again.

Images must be where the node pulls from: `make images REGISTRY=… PUSH=1`.
"""

import threading
import time

import httpx
import pytest
from tests.cluster import operator_rig as rig
from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(420)
PLAN = {
    "steps": [
        {"setMirrorRoute": {"percentage": 100}},
        {"analysis": {"minSampleSize": 100}},
        {"setWeight": 50},
        {"analysis": {"minSampleSize": 100}},
    ],
    "bake": 5,
}
MADE = "deployments,services,horizontalpodautoscalers,poddisruptionbudgets"


def leader(home: Kubectl) -> str:
    """The operator's pod that holds the lease."""
    return str(home.json("get", "lease", "sluicegate-operator")["spec"]["holderIdentity"])


def test_it_is_served_and_says_so(serving: Kubectl, url: str) -> None:
    assert httpx.post(url, json=rig.ROW).json()["data"]["names"] == ["on-time", "late"]

    found = rig.status(serving)
    assert found["traffic"] == {"v1": 100}
    assert found["phase"] == "Stable"
    assert found["deploymentStatus"]["flights-v1-0-model"]["availableReplicas"] == 2
    assert found["address"]["url"].startswith(f"http://flights-v1.{serving.namespace}.svc.cluster.local:8000/")
    assert {each["type"]: each["status"] for each in found["conditions"]}["Verified"] == "True"


def test_a_wrong_object_is_refused_with_every_error_at_once(serving: Kubectl, models: dict[str, rig.Model]) -> None:
    pod = {"spec": {"containers": [{"name": "model", "env": [{"name": "not a name=", "value": "1"}]}]}}
    wrong = rig.deployment("wrong", models["1"], traffic=-5, componentSpecs=[pod])

    said = serving.run("apply", "-f", "-", stdin=wrong).stderr

    assert "spec.predictors[0].traffic" in said
    assert "spec.predictors[0].componentSpecs[0].spec.containers[0].env[0].name" in said


def test_nothing_is_written_while_nothing_changes(serving: Kubectl) -> None:
    """Versions of everything stand still for as long as three leases."""

    def versions() -> dict[str, str]:
        found = serving.json("get", f"sdep,{MADE}")["items"]
        return {f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["resourceVersion"] for each in found}

    before, end = versions(), time.monotonic() + 6

    wait_until(lambda: time.monotonic() > end, 10, "six seconds")
    assert versions() == before


def test_somebody_elses_change_of_what_is_ours_is_taken_back(serving: Kubectl) -> None:
    serving("scale", "deployment", "flights-v1-0-model", "--replicas=1")

    def replicas() -> int:
        return int(serving.json("get", "deployment", "flights-v1-0-model")["spec"]["replicas"])

    wait_until(lambda: replicas() == 2, 20, "two replicas again")
    wait_until(lambda: rig.status(serving)["replicas"] == 2, 60, "both answer")


def test_a_restart_of_all_pods_loses_no_request(serving: Kubectl, url: str) -> None:
    with rig.Load(url) as load:
        serving("rollout", "restart", "deployment/flights-v1-0-model")
        serving("rollout", "status", "deployment/flights-v1-0-model", "--timeout=100s")

    assert load.failures == []
    assert load.answers["200"] > 50


@pytest.mark.parametrize("victim", ["leader", "gateway", "collector", "model"])
def test_whoever_is_killed_no_request_is_lost(victim: str, installed: Kubectl, serving: Kubectl, url: str) -> None:
    """A pod is gone at once, without a word; another takes over."""
    kubectl, pod = _victim(victim, installed, serving)
    with rig.Load(url) as load:
        kubectl("delete", "pod", pod, "--force", "--grace-period=0")
        wait_until(lambda: _is_whole(installed, serving, pod), 90, f"all is whole again without {pod}")

    assert load.failures == []
    assert load.answers["200"] > 50


def _victim(victim: str, home: Kubectl, serving: Kubectl) -> tuple[Kubectl, str]:
    if victim == "leader":
        return home, leader(home)
    if victim == "model":
        return serving, serving.json("get", "pods", "-l", "seldon-app")["items"][0]["metadata"]["name"]
    found = home.json("get", "pods", "-l", f"app.kubernetes.io/name=sluicegate-{victim}")["items"]
    return home, found[0]["metadata"]["name"]


def _is_whole(home: Kubectl, serving: Kubectl, without: str) -> bool:
    deployments = [*home.json("get", "deployments")["items"], *serving.json("get", "deployments")["items"]]
    ready = all(each["status"].get("readyReplicas", 0) == each["spec"]["replicas"] for each in deployments)
    return ready and leader(home) != without and rig.status(serving)["replicas"] == 2


def test_a_rollout_whose_workflow_is_gone_goes_back_by_itself(
    serving: Kubectl, models: dict[str, rig.Model], url: str
) -> None:
    """Deleted, a workflow runs no exit handler; the operator, with the rights that it has, sees that it is gone."""
    plan = PLAN | {"steps": [{"setWeight": 50}, {"pause": {}}]}
    with rig.Load(url) as load:
        serving("create", "-f", "-", stdin=rig.workflow("abandoned", rig.NAME, serving.namespace, models["2"], plan))
        wait_until(lambda: 50 in rig.status(serving).get("traffic", {}).values(), 150, "half of the traffic")
        serving("delete", "workflow", "abandoned", "--wait=false")
        wait_until(lambda: rig.phase(serving, "abandoned") == "RolledBack", 90, "the rollout is back")

    assert load.failures == []
    assert serving.json("get", "modelrollout", "abandoned")["status"]["reason"] == "WorkflowDied"
    assert rig.status(serving)["traffic"] == {"v1": 100}


def test_a_rollout_is_let_in_by_argo_and_promoted(
    serving: Kubectl, models: dict[str, rig.Model], url: str, installed: Kubectl
) -> None:
    """And a tool that keeps the cluster at what Git says applies the same manifest all the way up."""
    with rig.Load(url) as load:
        serving("create", "-f", "-", stdin=rig.workflow("second", rig.NAME, serving.namespace, models["2"], PLAN))
        applied = _apply_until_half(serving, rig.deployment(rig.NAME, models["1"]))
        wait_until(rig.ends(serving, "second"), 300, "the rollout ends")

    assert applied > 5

    rollout = serving.json("get", "modelrollout", "second")["status"]
    assert (rollout["phase"], load.failures) == ("Promoted", []), rollout
    assert rig.status(serving)["traffic"] == {rollout["candidate"]: 100}
    named = [each["name"] for each in serving.json("get", "sdep", rig.NAME)["spec"]["predictors"]]
    assert named == [rollout["candidate"]]
    wait_until(lambda: rig.names(serving, "deployments") == [f"flights-{named[0]}-0-model"], 60, "the old one is gone")
    host = installed.json("get", "service", "sluicegate-collector")["spec"]["clusterIP"]
    name, _, path = rollout["evidence"].partition(":7081")
    assert name == "http://sluicegate-collector.sluicegate"
    assert httpx.get(f"http://{host}:7081{path}").json()["verdicts"]


def _apply_until_half(kubectl: Kubectl, original: rig.JSON) -> int:
    """Every two seconds until the candidate has half of the traffic; how often."""
    pause, applied = threading.Event(), 0
    while 50 not in rig.status(kubectl).get("traffic", {}).values():
        said = kubectl("apply", "-f", "-", stdin=original)
        assert "unchanged" in said, said
        applied += 1
        pause.wait(2)
    return applied


def test_a_deleted_deployment_leaves_nothing_behind(serving: Kubectl, url: str) -> None:
    serving("delete", "sdep", rig.NAME, "--timeout=60s")

    wait_until(lambda: rig.names(serving, MADE) == [], 90, "nothing is left")
    wait_until(lambda: httpx.post(url, json=rig.ROW).status_code == 404, 30, "the gateway knows it no more")
