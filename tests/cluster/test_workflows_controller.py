"""Argo's workflow controller is killed, or away for longer than a lease, in the middle of a rollout.

It is everybody's on the cluster, hence `make test-cluster-full`. ``SLUICEGATE_TEST_ARGO`` names its namespace.
"""

import os
from collections.abc import Iterator

import pytest
from tests.cluster import workflow_rig as rig
from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

pytestmark = [pytest.mark.full, pytest.mark.timeout(400)]
CONTROLLER = "deployment/workflow-controller"
GOES_ON = {"steps": [{"setWeight": 50}, {"pause": {"duration": 15}}, {"setWeight": 80}, {"pause": {"duration": 900}}]}
SHORT = {"steps": [{"setWeight": 50}, {"pause": {"duration": 15}}, {"setWeight": 80}]}


@pytest.fixture(scope="module")
def argo(namespace: str, kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Argo]:
    """Two deployments, asked without a pause; nobody may notice anything."""
    with rig.argo(namespace, kubectl, tmp_path_factory.mktemp("argo")) as found:
        found.serve(["killed", "away"])
        with found.asked(["killed", "away"]) as loads:
            yield found
        assert [load.failures for load in loads] == [[], []]


@pytest.fixture
def controller(kubectl: Kubectl) -> Iterator[Kubectl]:
    """Argo's namespace; the controller is there again at the end."""
    home = kubectl.within(os.environ.get("SLUICEGATE_TEST_ARGO", "argo"))
    yield home
    home("scale", CONTROLLER, "--replicas=1")
    home("rollout", "status", CONTROLLER, "--timeout=60s")


def test_a_killed_controller_is_followed_by_one_that_goes_on(argo: rig.Argo, controller: Kubectl) -> None:
    argo.begin("killed", GOES_ON)
    argo.at_half("killed", "wait")
    controller("delete", "pods", "-l", "app=workflow-controller", "--force", "--grace-period=0")

    wait_until(lambda: 80 in argo.sdep("killed")["traffic"].values(), 120, "the rollout goes on")
    assert argo.rollout("killed")["phase"] == "Progressing"


def test_a_controller_away_for_longer_than_the_lease_means_that_traffic_goes_back(
    argo: rig.Argo, controller: Kubectl
) -> None:
    """Back again, it cannot revive the rollout."""
    argo.begin("away", SHORT)
    argo.at_half("away", "wait")
    controller("scale", CONTROLLER, "--replicas=0")
    assert argo.ended("away", 90)["reason"] == "LeaseExpired"
    controller("scale", CONTROLLER, "--replicas=1")

    wait_until(lambda: argo.workflow("away").get("phase") == "Failed", 120, "its workflow is refused")
    assert argo.sdep("away")["traffic"] == {"v1": 100}
