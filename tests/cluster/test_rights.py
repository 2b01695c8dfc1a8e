"""The generated rights are enough, and none is idle: an operator lives a life under them and is asked what it used.

What only rare circumstances use stands in ``RARE``, each with who tries it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster.host_operator import HostOperator, kubeconfig_of, need_kinds
from tests.cluster.kubectl import Kubectl
from tests.cluster.test_idle import CPU, GRAPH, ROLLOUT, states, status
from tests.waiting import free_port, wait_until

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.configuration import Door, webhook_configuration
from sluicegate.serving.operator.rights import NAME, manifests

pytestmark = pytest.mark.timeout(180)
ROOT = Path(__file__).parents[2]
NEITHER_HERE = "the cluster of these tests has no KEDA; tests/unit/serving/operator/test_scaling.py makes them"
RARE = {
    ("update", "seldondeployments.machinelearning.seldon.io"): "a promotion; tests/cluster/test_operator.py has one",
    ("update", "seldondeployments.machinelearning.seldon.io/finalizers"): (
        "no request: an admission plugin may ask for it, when an object is made that blocks its owner's deletion"
    ),
    ("update", "secrets"): "a certificate's rotation; tests/cluster/test_webhook.py has some",
    **{(verb, "scaledobjects.keda.sh"): NEITHER_HERE for verb in ("list", "watch", "create", "patch", "delete")},
    ("get", "workflows.argoproj.io"): "a rollout that names its workflow; tests/cluster/test_workflows.py has some",
}


def granted(objects: list[JSON]) -> set[tuple[str, str]]:
    """Verb and resource of every right."""
    rules = [rule for each in objects for rule in each.get("rules", ())]
    return {
        (verb, named(resource, group))
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def named(resource: str, group: str) -> str:
    """As ``kubectl`` names it."""
    kind, slash, subresource = resource.partition("/")
    return (f"{kind}.{group}" if group else kind) + slash + subresource


def used(operator: HostOperator) -> set[tuple[str, str]]:
    """What it asked for. A patch that made something needed the right to create, too."""
    told = operator.requests()
    made = {("create", kind) for verb, kind, code in told if (verb, code) == ("patch", 201)}
    return {(verb, kind) for verb, kind, _ in told if verb != "discover"} | made


def live(kubectl: Kubectl) -> None:
    """A deployment with everything is made, changed, made smaller, and renamed; a rollout comes and goes."""
    hpa = {"hpaSpec": {"minReplicas": 1, "maxReplicas": 2, "metrics": [CPU]}, "pdbSpec": {"maxUnavailable": 1}}
    pod: Any = {"spec": {"containers": [{"name": "own", "image": "registry.invalid/none:1"}]}}
    predictor = {"name": "main", "graph": {"name": "own"}, "componentSpecs": [pod | hpa]}
    put(kubectl, predictor)
    wait_until(lambda: states(kubectl).get("whole") == "Failed", 60, "made")
    assert len(kubectl.json("get", "hpa,pdb")["items"]) == 2
    put(kubectl, predictor | {"replicas": 0, "componentSpecs": [pod]})
    wait_until(lambda: kubectl.json("get", "hpa,pdb")["items"] == [], 30, "without scaler and budget")
    put(kubectl, {"name": "renamed", "replicas": 0, "graph": GRAPH})
    wait_until(lambda: not any("-main" in name for name in made(kubectl)), 60, "what had the old name is gone")
    kubectl("apply", "-f", "-", stdin=ROLLOUT | {"spec": ROLLOUT["spec"] | {"target": "whole"}})
    wait_until(lambda: status(kubectl, "modelrollout", "paused").get("phase") == "Ready", 30, "a rollout begins")


def put(kubectl: Kubectl, predictor: JSON) -> None:
    """Apply the deployment."""
    deployment = {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": "whole", "labels": {"seldon.io/controller-id": kubectl.namespace}},
        "spec": {"predictors": [predictor]},
    }
    kubectl("apply", "-f", "-", stdin=deployment)


def made(kubectl: Kubectl) -> list[str]:
    """Names of Deployments and Services."""
    return [each["metadata"]["name"] for each in kubectl.json("get", "deployments,services")["items"]]


def refused(operator: HostOperator) -> list[tuple[str, str, int]]:
    """Requests that the API server forbade."""
    return [key for key in operator.requests() if key[2] == 403]


@pytest.fixture
def installed(kubectl: Kubectl, namespace: str) -> Iterator[list[JSON]]:
    """Rights, and a webhook's configuration that is never asked, under a controller id of the test's own."""
    need_kinds(kubectl)
    door = Door(namespace=namespace, namespaces=("nowhere-at-all",), controller_id=namespace)
    objects = [*manifests(namespace, namespace), webhook_configuration(door)]
    mine = kubectl.within(namespace)
    mine("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": objects})
    yield objects
    mine("delete", "--wait=false", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": objects})


def test_every_right_is_used_and_none_is_missing(
    kubectl: Kubectl, namespace: str, installed: list[JSON], tmp_path: Path
) -> None:
    mine = kubectl.within(namespace)
    config = kubeconfig_of(mine, NAME, tmp_path / "kubeconfig")
    told = {"SLUICEGATE_CONTROLLER_ID": namespace, "SLUICEGATE_WEBHOOK_PORT": str(free_port())}

    with HostOperator(namespace, tmp_path / "log", kubeconfig=config, watch="", **told) as operator:
        live(mine)
        wait_until(lambda: ("update", CONFIGURATION, 200) in operator.requests(), 30, "the webhook's trust is written")
        asked, forbidden = used(operator), refused(operator)

    mine("delete", "sdep,modelrollout", "--all")
    assert forbidden == []
    assert granted(installed) - asked - RARE.keys() == set()
    assert RARE.keys() <= granted(installed)


CONFIGURATION = "validatingwebhookconfigurations.admissionregistration.k8s.io"


@pytest.fixture
def alone(kubectl: Kubectl, namespace: str) -> Iterator[Kubectl]:
    """Account, role and binding of ``manifests/namespaced`` in a namespace of their own; the cluster gets nothing."""
    need_kinds(kubectl)
    name = f"{namespace}-alone"
    kubectl("create", "namespace", name)
    built = yaml.safe_load_all(kubectl("kustomize", str(ROOT / "manifests" / "namespaced")))
    kinds = {each["kind"]: each for each in built}
    assert not kinds.keys() & {"ClusterRole", "ClusterRoleBinding", "Namespace", "CustomResourceDefinition"}
    text = json.dumps([kinds[kind] for kind in ("ServiceAccount", "Role", "RoleBinding")])
    objects = json.loads(text.replace('"namespace": "sluicegate"', f'"namespace": "{name}"'))
    mine = kubectl.within(name)
    mine("apply", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": objects})
    yield mine
    kubectl("delete", "namespace", name, "--wait=false")


def test_an_operator_of_one_namespace_lives_by_a_role_alone(alone: Kubectl, tmp_path: Path) -> None:
    config = kubeconfig_of(alone, NAME, tmp_path / "kubeconfig")
    told = {"SLUICEGATE_CONTROLLER_ID": alone.namespace, "SLUICEGATE_LEASE": NAME}

    with HostOperator(alone.namespace, tmp_path / "log", kubeconfig=config, **told) as operator:
        live(alone)

        assert refused(operator) == []
    assert alone.run("auth", "can-i", "list", "pods", "-n", "default", f"--as={account(alone)}").stdout.strip() == "no"


def account(kubectl: Kubectl) -> str:
    """The operator's user."""
    return f"system:serviceaccount:{kubectl.namespace}:{NAME}"
