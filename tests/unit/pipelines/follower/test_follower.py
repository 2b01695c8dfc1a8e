"""The registry's follower on a cluster: what it is told, what it may do, and how it writes through another thread."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fakes.cluster import FakeCluster
from tests.fakes.store import FakeStore

from sluicegate.pipelines.follower import rights
from sluicegate.pipelines.follower.errors import SettingsRefusedError
from sluicegate.pipelines.follower.objects import Moment
from sluicegate.pipelines.follower.settings import read_settings
from sluicegate.serving.local.errors import AlreadyExistsError

MANIFESTS = Path(__file__).parents[4] / "manifests" / "registry"
TOLD = {"MLFLOW_TRACKING_URI": "http://mlflow:5000"}
WORKFLOW: dict[str, Any] = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "Workflow",
    "metadata": {"name": "w", "namespace": "default"},
}


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({}, "MLFLOW_TRACKING_URI is not set"),
        ({**TOLD, "SLUICEGATE_CHALLENGERS": "yes"}, "SLUICEGATE_CHALLENGERS: found 'yes'"),
        ({**TOLD, "SLUICEGATE_REGISTRY_REFRESH": "soon"}, "SLUICEGATE_REGISTRY_REFRESH: found 'soon'"),
        ({**TOLD, "SLUICEGATE_REGISTRY_REFRESH": "nan"}, "SLUICEGATE_REGISTRY_REFRESH: found 'nan'"),
    ],
)
def test_a_setting_that_cannot_be_read_is_refused_by_name(told: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsRefusedError, match=words):
        read_settings(told)


def test_it_starts_no_rollouts_unless_told_to() -> None:
    assert read_settings(TOLD).challengers == "ignore"


def test_it_writes_nothing_on_the_cluster_unless_somebody_grants_more() -> None:
    verbs = {verb for each in rights.manifests("home") for rule in each.get("rules", ()) for verb in rule["verbs"]}

    assert verbs == {"list", "watch"}


def test_its_pods_run_as_the_account_that_has_these_rights() -> None:
    (deployment,) = yaml.safe_load_all((MANIFESTS / "follower.yaml").read_text())

    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == rights.NAME


def test_a_workflow_is_created_from_the_reconcilers_thread_and_only_once() -> None:
    store = FakeStore()

    async def play() -> None:
        cluster: Any = FakeCluster(store)
        moment = Moment(objects={}, cluster=cluster, loop=asyncio.get_running_loop())
        await asyncio.to_thread(moment.create, WORKFLOW)
        with pytest.raises(AlreadyExistsError):
            await asyncio.to_thread(moment.create, WORKFLOW)

    asyncio.run(play())
    assert [each["metadata"]["name"] for each in store.list("Workflow")] == ["w"]
