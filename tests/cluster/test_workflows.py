"""Whatever becomes of a rollout's workflow, traffic is on stable or the rollout goes on: a real Argo, all at once.

The rollouts run side by side, each on a deployment of its own, and each test looks at one of them. The controller is
Argo's own; operator and gateway are processes of this machine.
"""

from collections.abc import Iterator

import pytest
from tests.cluster import workflow_rig as rig
from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)
PLANS = {"stopped": rig.HELD, "terminated": rig.HELD, "deleted": rig.HELD, "evicted": rig.ANALYSED}
EARLY = ("stopped-early", "deleted-early")


@pytest.fixture(scope="module")
def argo(namespace: str, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Argo]:
    """All rollouts are under way, and every deployment is asked without a pause; nobody may notice anything."""
    with rig.argo(namespace, kubectl, tmp_path_factory.mktemp("argo")) as found:
        found.serve([*PLANS, *EARLY])
        with found.asked([*PLANS, *EARLY]) as loads:
            for name, plan in PLANS.items():
                found.begin(name, plan)
            for name in EARLY:
                found.begin(name, rig.HELD, version="none")
            yield found
        assert [load.failures for load in loads] == [[] for _ in loads]
        assert min(load.answers["200"] for load in loads) > 100


def test_deleted_before_its_candidate_is_ready_it_is_given_back_at_once(argo: rig.Argo) -> None:
    """A candidate whose bundle is nowhere would be waited for ten minutes."""
    wait_until(lambda: argo.rollout("deleted-early").get("phase") == "Pending", 90, "it waits for its candidate")
    argo.kubectl("delete", "workflow", "deleted-early", "--wait=false")

    assert argo.ended("deleted-early")["reason"] == "WorkflowDied"


def test_stopped_before_its_candidate_is_ready_it_is_given_back_by_its_exit_handler(argo: rig.Argo) -> None:
    wait_until(lambda: argo.rollout("stopped-early").get("phase") == "Pending", 60, "it waits for its candidate")
    argo.command("stop", "stopped-early")

    assert argo.ended("stopped-early", 60)["reason"] == "WorkflowEnded"


def test_stopped_its_exit_handler_gives_the_traffic_back(argo: rig.Argo) -> None:
    argo.at_half("stopped", "wait")
    argo.command("stop", "stopped")

    assert argo.ended("stopped")["reason"] == "WorkflowEnded"


def test_terminated_it_runs_no_exit_handler_and_is_given_back_all_the_same(argo: rig.Argo) -> None:
    """Long before its lease is over."""
    argo.at_half("terminated", "wait")
    argo.command("terminate", "terminated")

    status = argo.ended("terminated")
    assert (status["reason"], status["message"]) == ("WorkflowDied", "its workflow 'terminated' ended as Failed")


def test_deleted_it_is_given_back_long_before_its_lease_is_over(argo: rig.Argo) -> None:
    argo.at_half("deleted", "wait")
    argo.kubectl("delete", "workflow", "deleted", "--wait=false")

    status = argo.ended("deleted")
    assert (status["reason"], status["message"]) == ("WorkflowDied", "its workflow 'deleted' was deleted")


def test_an_evicted_analysis_is_made_again_and_the_rollout_goes_on(argo: rig.Argo) -> None:
    argo.at_half("evicted", "analyse")
    pod = argo.running("evicted", "analyse")[0]
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    argo.kubectl("create", "--raw", f"/api/v1/namespaces/{argo.kubectl.namespace}/pods/{pod}/eviction", "-f", "-",
                 stdin=eviction)  # fmt: skip
    wait_until(lambda: argo.running("evicted", "analyse") not in ([], [pod]), 60, "another pod analyses")
    renewal = argo.rollout("evicted")["leaseRenewal"]

    wait_until(lambda: argo.rollout("evicted")["leaseRenewal"] > renewal, 60, "it renews the lease")
    assert argo.rollout("evicted")["phase"] == "Progressing"
    assert sorted(argo.sdep("evicted")["traffic"].values()) == [50, 50]


@pytest.mark.parametrize("name", ["stopped", "terminated"])
def test_retried_by_argo_an_ended_rollout_stays_ended(name: str, argo: rig.Argo) -> None:
    """Its epoch is over: the workflow fails once more, and moves nothing, even if somebody resumes it."""
    before = argo.ended(name)
    wait_until(lambda: argo.workflow(name).get("phase") == "Failed", 60, "Argo knows that it is over")
    started = argo.workflow(name)["startedAt"]
    argo.command("retry", name)

    wait_until(lambda: argo.failed_again(name, started), 90, "it is refused")
    assert argo.rollout(name) == before
    assert argo.sdep(name)["traffic"] == {"v1": 100}


def test_start_rollout_is_told_its_workflows_id_so_that_a_retry_joins(argo: rig.Argo) -> None:
    given = [{"name": key, "value": "none"} for key in ("deployment", "model", "version")]
    call = {
        "name": "start",
        "templateRef": {"name": "sluicegate-steps", "template": "start-rollout"},
        "arguments": {"parameters": given},
    }
    spec = {"entrypoint": "main", "serviceAccountName": "sluicegate-steps",
            "templates": [{"name": "main", "steps": [[call]]}]}  # fmt: skip
    made = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"name": "starts"}, "spec": spec}
    uid = argo.kubectl.json("create", "-f", "-", stdin=made)["metadata"]["uid"]

    node = wait_until(lambda: argo.node("starts", "start"), 30, "its pod is asked for")
    assert {each["name"]: each.get("value") for each in node["inputs"]["parameters"]}["run"] == uid
