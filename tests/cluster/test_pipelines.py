"""A delivery by a real Argo: its steps are pods, what they hand on and what they make lies in S3."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from mlflow import MlflowClient
from tests.cluster import audit, image_rig, operator_rig, pipeline_rig, storages
from tests.cluster.host_operator import set_apart
from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

from sluicegate.components.artefacts.bundles import bundle_at
from sluicegate.components.rollout.rollouts import Rollouts
from sluicegate.pipelines import on_argo
from sluicegate.serving.bundle.reading import read_bundle
from sluicegate.serving.bundle.verification import verify_bundle
from sluicegate.serving.client.objects import Objects

pytestmark = pytest.mark.timeout(400)
ROOT = Path(__file__).parents[2]
STORY = ["prepare-data", "train", "qualify", "publish", "release"]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLflow's address."""
    storages.need(storages.S3)
    with pipeline_rig.registry(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.fixture(scope="module")
def serving(
    kubectl: Kubectl, namespace: str, registry: str, asked: audit.Audit, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kubectl]:
    """A namespace with templates, credentials, a gateway and an operator."""
    mine, folder = kubectl.within(namespace), tmp_path_factory.mktemp("operator")
    set_apart(mine)
    with (
        pipeline_rig.collector(folder) as collector,
        pipeline_rig.operator(namespace, folder, collector) as ports,
    ):
        mine("apply", "-f", "-", stdin=operator_rig.as_list(operator_rig.templates(mine)))
        mine(
            "apply", "-f", "-", stdin=operator_rig.as_list(pipeline_rig.told(namespace, registry, collector, namespace))
        )
        mine("apply", "-f", "-", stdin=operator_rig.as_list(pipeline_rig.gateway(mine, *ports)))
        yield mine
        mine("delete", "sdep", "--all", "--timeout=60s")
    storages.bucket().rm(f"{storages.BUCKET}/{namespace}", recursive=True)


def nodes(kubectl: Kubectl, name: str) -> dict[str, Any]:
    """Nodes of a workflow by the name that a person sees."""
    found = kubectl.json("get", "workflow", name).get("status", {})
    return {node["displayName"]: node for node in found.get("nodes", {}).values()} | {"": found}


def ended(kubectl: Kubectl, name: str) -> dict[str, Any] | None:
    """Its nodes, once it is over."""
    found = nodes(kubectl, name)
    return found if found[""].get("phase") in {"Succeeded", "Failed", "Error"} else None


def given(kubectl: Kubectl, **more: str) -> dict[str, str]:
    """Parameters of a delivery."""
    return {
        "model": "flights", "features": '["delay"]', "target": "late", "at_least": '{"roc_auc": 0.8}',
        "estimator": "sklearn.linear_model:LogisticRegression", "source": pipeline_rig.table(kubectl.namespace),
        "deployment": "flights", "namespace": kubectl.namespace, **more,
    }  # fmt: skip


def test_a_delivery_ends_with_a_version_that_serves(
    serving: Kubectl, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Registered, packaged into S3, proven and released: all by pods that share nothing but S3 and the registry."""
    serving("create", "-f", "-", stdin=pipeline_rig.workflow("first", "sluicegate-delivery", **given(serving)))
    found = wait_until(lambda: ended(serving, "first"), 200, "the delivery ends")

    assert {name: found[name]["phase"] for name in STORY} == dict.fromkeys(STORY, "Succeeded"), json.dumps(found)
    outputs = {one["name"]: one["value"] for one in found["first"]["outputs"]["parameters"]}
    assert (outputs["version"], outputs["phase"]) == ("1", "Deployed")
    tags = MlflowClient(registry, registry).get_model_version("flights", "1").tags
    assert (tags["sluicegate.bundle"], tags["sluicegate.bundle-digest"]) == (outputs["bundle"], outputs["digest"])
    for name, value in storages.S3_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    verify_bundle(read_bundle(bundle_at(outputs["bundle"])), expected_digest=outputs["digest"])
    assert serving.json("get", "sdep", "flights")["status"]["state"] == "Available"


def test_the_next_version_gets_in_by_a_rollout_whose_steps_run_in_the_same_image(serving: Kubectl) -> None:
    """``release`` starts it, and its candidate has half of the users; how rollouts end is tried elsewhere."""
    image = f"{image_rig.PREFIX}/steps:{image_rig.TAG}-python3.11"
    plan = json.dumps({"steps": [{"setWeight": 50}, {"pause": {}}]})
    more = {"plan": plan, "parameters": '{"C": 0.1}', "image": image}
    serving("create", "-f", "-", stdin=pipeline_rig.workflow("second", "sluicegate-delivery", **given(serving, **more)))
    rollout = wait_until(lambda: halfway(serving), 200, "the candidate has half of the users")

    started = serving.json("get", "workflow", rollout["metadata"]["name"])["spec"]["arguments"]["parameters"]
    assert {"name": "image", "value": image} in started
    graph = rollout["spec"]["candidate"]["graph"]
    assert graph["modelUri"] == f"s3://{storages.BUCKET}/{serving.namespace}/bundles/flights/2"
    assert graph["envSecretRefName"] == "sluicegate-credentials"


def halfway(kubectl: Kubectl) -> dict[str, Any] | None:
    """The rollout that is under way, once its candidate has half of the traffic."""
    traffic = kubectl.json("get", "sdep", "flights")["status"].get("traffic", {})
    rollouts: list[dict[str, Any]] = kubectl.json("get", "modelrollouts")["items"]
    going = [each for each in rollouts if each.get("status", {}).get("phase") == "Progressing"]
    return going[0] if going and sorted(traffic.values()) == [50, 50] else None


def given_back(kubectl: Kubectl, rollout: dict[str, Any]) -> None:
    """As ``sluicegate rollout abort`` does."""
    meta = rollout["metadata"]
    access = Rollouts(objects=Objects(), name=meta["name"], namespace=meta["namespace"])
    access.desire(rollout["status"]["epoch"], intent="Abort", reason="Tried", message="only trying")
    assert access.wait_over(timeout=30).status.phase == "RolledBack"


@pytest.mark.full
def test_a_retried_delivery_whose_rollout_was_given_back_begins_another_one(serving: Kubectl) -> None:
    """Of the same version, and nothing before it is done again; a person who retries means another try."""
    first = halfway(serving)
    assert first is not None
    given_back(serving, first)
    failed = wait_until(lambda: ended(serving, "second"), 60, "the delivery has failed")
    assert failed["release"]["phase"] == "Failed"
    argo(serving, "retry", "second")

    another = wait_until(lambda: halfway(serving), 120, "another candidate has half of the users")

    assert another["metadata"]["name"] != first["metadata"]["name"]
    assert another["spec"]["model"] == first["spec"]["model"]
    assert nodes(serving, "second")["publish"]["finishedAt"] == failed["publish"]["finishedAt"]
    given_back(serving, another)


@pytest.mark.full
def test_retraining_looks_at_the_drift_and_delivers_the_next_version(serving: Kubectl, registry: str) -> None:
    """Somebody asked what is served: of a deployment that nobody ever asked, the step says so and goes no further."""
    plan = json.dumps({"steps": [{"setWeight": 50}, {"pause": {}}]})
    more = given(serving, plan=plan, parameters='{"C": 0.01}')
    host = serving.json("get", "service", "sluicegate-gateway")["spec"]["clusterIP"]
    url = f"http://{host}/seldon/{serving.namespace}/flights/api/v1.0/predictions"
    rows = {"data": {"names": ["delay"], "ndarray": [[3.0], [4.0]]}}
    wait_until(lambda: httpx.post(url, json=rows).status_code == 200, 30, "an answer")
    serving("create", "-f", "-", stdin=pipeline_rig.workflow("moved", "sluicegate-retraining", **more))

    rollout = wait_until(lambda: halfway(serving), 280, "the candidate has half of the users")

    newest = max(int(each.version) for each in MlflowClient(registry, registry).search_model_versions())
    assert rollout["spec"]["model"]["version"] == str(newest)
    drift = nodes(serving, "moved")["check-drift"]
    assert (drift["phase"], {one["name"] for one in drift["outputs"]["parameters"]} >= {"drifted"}) == (
        "Succeeded",
        True,
    )
    given_back(serving, rollout)
    assert wait_until(lambda: ended(serving, "moved"), 60, "it has failed")["release"]["phase"] == "Failed"


@pytest.mark.full
def test_steps_used_every_right_of_theirs_and_no_other(serving: Kubectl, asked: audit.Audit) -> None:
    """Argo's own part is seen only where its pods, too, ask the API server that keeps the log."""
    (role,) = (each for each in on_argo.rights() if each["kind"] == "Role")
    known = {
        (verb, f"{kind}.{group}")
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for kind in rule["resources"]
        for verb in rule["verbs"]
    }

    argos = {each for each in known if audit.API and each[1] == "workflowtaskresults.argoproj.io"}
    assert known - asked.asked().keys() - argos == set()
    assert asked.asked().keys() - known == set()


@pytest.fixture(scope="module")
def asked(namespace: str) -> audit.Audit:
    """What the steps ask of the API server."""
    return audit.Audit(namespace, on_argo.ACCOUNT)


def argo(kubectl: Kubectl, *words: str) -> None:
    """Argo's command, in the namespace."""
    program = shutil.which("argo") or pytest.skip("argo, the command of Argo Workflows, is not on PATH")
    subprocess.run([program, "--namespace", kubectl.namespace, *words], check=True, capture_output=True, timeout=60)


def test_argo_finds_nothing_to_complain_of_in_the_templates() -> None:
    """``argo lint --strict``, without a cluster."""
    argo = shutil.which("argo")
    if argo is None:
        pytest.skip("argo, the command of Argo Workflows, is not on PATH")

    for folder in (ROOT / "manifests" / "argo", ROOT / "pipelines" / "sluicegate" / "pipelines" / "templates"):
        files = [str(path) for path in folder.glob("sluicegate-*.yaml")]
        done = subprocess.run([argo, "lint", "--strict", "--offline", *files], check=False, capture_output=True)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
