"""A namespace of Seldon Core's: what our operator will change is foretold, and just that happens; no request is lost.

Objects are as its operator made them; the images in them are ours, which answer the same requests at the same ports.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import seldon_made
from tests.cluster import image_rig, storages
from tests.cluster import operator_rig as rig
from tests.cluster.kubectl import Kubectl
from tests.cluster.operator_process import SETTINGS, OperatorProcess
from tests.waiting import wait_until

from sluicegate.serving.operator.objects.foresight import differences

pytestmark = pytest.mark.timeout(300)
JSON = dict[str, Any]
KINDS = "deployments,services"
STAYS, RESTARTS = "stays", "restarts"
"""Two deployments: one is served as it asks for; the other's spec was changed since."""


def sdep(name: str, model: rig.Model) -> JSON:
    """As Seldon's users write it."""
    graph = {"name": "model", "implementation": "SKLEARN_SERVER", "modelUri": model.uri, "envSecretRefName": "s3"}
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": name},
        "spec": {"predictors": [{"name": "default", "replicas": 1, "graph": graph}]},
    }


def made_by_seldon(stored: JSON, uri: str) -> list[JSON]:
    """For a SeldonDeployment that asked for this model then."""
    (predictor,) = stored["spec"]["predictors"]
    then = stored | {"spec": {"predictors": [{**predictor, "graph": {**predictor["graph"], "modelUri": uri}}]}}
    server = f"{image_rig.PREFIX}/server-sklearn:{image_rig.TAG}"
    told = {"SLUICEGATE_MODEL_URI": "/mnt/models", "PREDICTIVE_UNIT_ID": "model"}
    # Our server would read what Seldon's engine is told, and run the graph itself; here it stands in for both.
    engine = {
        "image": server,
        "args": ["--graph="],
        "env": image_rig.variables(told | {"PREDICTIVE_UNIT_HTTP_SERVICE_PORT": "8000"}),
    }
    initializer = {
        "image": f"{image_rig.PREFIX}/storage-initializer:{image_rig.TAG}",
        "args": [uri, "/mnt/models"],
        "envFrom": [{"secretRef": {"name": "s3"}}],
    }
    box = {"name": "model", "image": server, "env": image_rig.variables(told)}
    workload = seldon_made.deployment(then, box, engine=engine, initializer=initializer, replicas=1)
    return [workload, *seldon_made.services(then, engine=True)]


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl, namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """Both deployments are served by what Seldon Core left; kubectl in their namespace."""
    storages.need(storages.S3)
    folder, mine = tmp_path_factory.mktemp("bundles"), kubectl.within(namespace)
    one, two = (rig.Model(version, folder / version, namespace) for version in ("1", "2"))
    mine("apply", "-f", "-", stdin=rig.secret())
    for name, model in ((STAYS, one), (RESTARTS, two)):
        mine("create", "-f", "-", stdin=sdep(name, model))
        stored = mine.json("get", "sdep", name)
        objects = rig.as_list(made_by_seldon(stored, one.uri))
        mine("create", f"--field-manager={seldon_made.MANAGER}", "-f", "-", stdin=objects)
    mine("rollout", "status", "deployment", "--timeout=110s")
    yield mine
    mine("delete", "sdep", "--all", "--timeout=60s")
    storages.bucket().rm(f"{storages.BUCKET}/{namespace}", recursive=True)


def objects(kubectl: Kubectl) -> dict[tuple[str, str], JSON]:
    """Deployments and Services, by kind and name."""
    found = kubectl.json("get", KINDS, "--show-managed-fields")["items"]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def pods(kubectl: Kubectl, name: str) -> set[str]:
    """Uids of a deployment's pods."""
    found = kubectl.json("get", "pods", "-l", f"seldon-deployment-id={name}")["items"]
    return {each["metadata"]["uid"] for each in found}


def foretold(kubectl: Kubectl) -> tuple[int, dict[str, JSON]]:
    """What the command says of each deployment, and its exit status."""
    command = [sys.executable, "-m", "sluicegate.pipelines.cli", "adopt", "--dry-run", "-o", "json"]
    environment = os.environ | SETTINGS
    done = subprocess.run(
        [*command, "-n", kubectl.namespace], env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode in (0, 3), done.stderr
    return done.returncode, {each["name"]: each for each in json.loads(done.stdout)["adoptions"]}


def is_adopted(kubectl: Kubectl) -> bool:
    """Whether everything is ours and both deployments are served."""
    marked = ["sluicegate.dev/applied" in each["metadata"].get("annotations", {}) for each in objects(kubectl).values()]
    states = [each.get("status", {}).get("deploymentStatus") for each in kubectl.json("get", "sdep")["items"]]
    return all(marked) and all(states)


def test_what_was_foretold_happens_and_no_request_is_lost(cluster: Kubectl, tmp_path: Path) -> None:
    before, kept, replaced = objects(cluster), pods(cluster, STAYS), pods(cluster, RESTARTS)
    status, told = foretold(cluster)
    unchanged = {key: each["metadata"]["resourceVersion"] for key, each in objects(cluster).items()}

    host = before["Service", f"{STAYS}-default"]["spec"]["clusterIP"]
    with (
        rig.Load(f"http://{host}:8000/api/v1.0/predictions") as load,
        OperatorProcess(cluster, tmp_path / "operator.log") as operator,
    ):
        wait_until(lambda: is_adopted(cluster), 60, operator.said)
        wait_until(lambda: not pods(cluster, RESTARTS) & replaced, 120, operator.said)
        wait_until(lambda: load.answers["200"] > 100, 30, "requests afterwards")

    assert {key: each["metadata"]["resourceVersion"] for key, each in before.items()} == unchanged, "it wrote"
    assert status == 3
    assert {name: [each["restart"] for each in one["pods"]] for name, one in told.items()} == {
        STAYS: [False],
        RESTARTS: [True],
    }
    assert pods(cluster, STAYS) == kept
    assert load.failures == []
    compare(told, before, objects(cluster))


def compare(told: dict[str, JSON], before: dict[tuple[str, str], JSON], after: dict[tuple[str, str], JSON]) -> None:
    """Every change that was foretold, and no other; a template that is another's throughout, only by its images."""
    for fate in (fate for one in told.values() for fate in one["objects"]):
        key = (fate["kind"], fate["name"])
        if fate["verdict"] == "created":
            assert key not in before
            assert key in after
            continue
        assert fate["verdict"] in {"kept", "changed"}
        said = {(each["path"], each["after"]) for each in fate["changes"]}
        done = {(each.path, each.after) for each in differences(before[key], after[key])}
        assert {each for each in said ^ done if is_compared(*each)} == set(), key


def is_compared(path: str, _: str) -> bool:
    """The API server completes what is new, and counts a Deployment's revisions in an annotation."""
    return path.endswith(".image") or not path.startswith(("spec.template", "metadata.annotations.deployment."))
