"""The generated rights are enough, and none is idle: an operator lives a life under them and is asked what it used.

What no request can show stands in ``RARE``.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.cluster import host_rig
from tests.cluster import operator_rig as rig
from tests.cluster.host_operator import HostOperator, Requests, kubeconfig_of, need_kinds, requests_of
from tests.cluster.kubectl import Kubectl
from tests.cluster.operator_rig import as_list
from tests.cluster.test_idle import CPU, GRAPH, ROLLOUT, states, status
from tests.unit.serving.operator.samples import KEDA
from tests.waiting import free_port, wait_until

from sluicegate.components.rollout.ending import complete, promote
from sluicegate.components.rollout.preparing import prepare_rollout
from sluicegate.serving.api.metadata import JSON, WORKFLOW_ANNOTATION
from sluicegate.serving.operator.admission.configuration import Door, webhook_configuration
from sluicegate.serving.operator.admission.keeping import SECRET
from sluicegate.serving.operator.objects.manifest import APPLIED_ANNOTATION, manifest_of
from sluicegate.serving.operator.rights import NAME, manifests

pytestmark = pytest.mark.timeout(180)
ROOT = Path(__file__).parents[2]
RARE = {("update", "seldondeployments.machinelearning.seldon.io/finalizers")}
"""No request: an admission plugin asks whether who makes an object that blocks its owner's deletion has it. A test of
its own tries that, where the API server has the plugin."""


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


def used(told: Requests) -> set[tuple[str, str]]:
    """What was asked for. A patch that made something needed the right to create, too."""
    made = {("create", kind) for verb, kind, code in told if (verb, code) == ("patch", 201)}
    return {(verb, kind) for verb, kind, _ in told if verb != "discover"} | made


def live(kubectl: Kubectl, **more: JSON) -> None:
    """A deployment with everything is made, changed, made smaller, and renamed; a rollout comes and goes."""
    hpa = {"hpaSpec": {"minReplicas": 1, "maxReplicas": 2, "metrics": [CPU]}, "pdbSpec": {"maxUnavailable": 1}}
    pod: Any = {"spec": {"containers": [{"name": "own", "image": "registry.invalid/none:1"}]}}
    predictor = {"name": "main", "graph": {"name": "own"}, "componentSpecs": [pod | hpa]}
    put(kubectl, predictor)
    wait_until(lambda: states(kubectl).get("whole") == "Failed", 60, "made")
    assert len(kubectl.json("get", "hpa,pdb")["items"]) == 2
    taken_over(kubectl, "deployments,services,hpa,pdb")
    put(kubectl, predictor | {"replicas": 0, "componentSpecs": [pod | more]})
    wait_until(lambda: kubectl.json("get", "hpa,pdb")["items"] == [], 30, "without scaler and budget")
    if more:
        taken_over(kubectl, "scaledobjects.keda.sh")
    put(kubectl, {"name": "renamed", "replicas": 0, "graph": GRAPH})
    wait_until(lambda: not any("-main" in name for name in made(kubectl)), 60, "what had the old name is gone")
    named = {"metadata": {"name": "paused", "annotations": {WORKFLOW_ANNOTATION: f"{kubectl.namespace}/none/0"}}}
    kubectl("apply", "-f", "-", stdin=ROLLOUT | named | {"spec": ROLLOUT["spec"] | {"target": "whole"}})
    wait_until(lambda: status(kubectl, "modelrollout", "paused").get("reason") == "WorkflowDied", 30, "it is over")


def taken_over(kubectl: Kubectl, kinds: str) -> None:
    """Objects of these kinds lose what says that our operator made them, as if Seldon Core's had; it comes back."""
    wait_until(lambda: kubectl.json("get", kinds)["items"], 30, "there are some")
    kubectl("annotate", kinds, "--all", f"{APPLIED_ANNOTATION}-")
    wait_until(
        lambda: all(APPLIED_ANNOTATION in notes(each) for each in kubectl.json("get", kinds)["items"]), 30, kinds
    )


def notes(obj: JSON) -> JSON:
    """Its annotations."""
    found: JSON = obj["metadata"].get("annotations", {})
    return found


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


def refused(told: Requests) -> list[tuple[str, str, int]]:
    """Requests that the API server forbade."""
    return [key for key in told if key[2] == 403]


@pytest.fixture(scope="module")
def keda(kubectl: Kubectl) -> Iterator[None]:
    """The cluster knows ScaledObjects, and nobody looks after them."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
    names = {"kind": "ScaledObject", "plural": "scaledobjects", "singular": "scaledobject"}
    spec = {"group": "keda.sh", "scope": "Namespaced", "names": names, "versions": [version]}
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                  "metadata": {"name": "scaledobjects.keda.sh"}, "spec": spec}  # fmt: skip
    was_there = kubectl.run("get", "crd", "scaledobjects.keda.sh").returncode == 0
    if not was_there:
        kubectl("apply", "-f", "-", stdin=definition)
        kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd/scaledobjects.keda.sh")
        # The API server serves a new kind a moment after its definition is established.
        wait_until(lambda: kubectl.run("get", "scaledobjects.keda.sh").returncode == 0, 30, "it is served")
    yield
    if not was_there:
        kubectl("delete", "crd", "scaledobjects.keda.sh", "--wait=false")


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl, namespace: str, keda: None) -> Iterator[list[JSON]]:
    """Rights, and a webhook's configuration that is never asked, under a controller id of the test's own; and, in the
    place of the webhook's certificate, something that is none.
    """
    need_kinds(kubectl)
    door = Door(namespace=namespace, namespaces=("nowhere-at-all",), controller_id=namespace)
    objects = [*manifests(namespace, namespace), webhook_configuration(door)]
    mine = kubectl.within(namespace)
    mine("apply", "-f", "-", stdin=as_list(objects))
    mine("create", "secret", "generic", SECRET, "--from-literal=tls.crt=spoiled")
    yield objects
    mine("delete", "--wait=false", "-f", "-", stdin=as_list(objects))


@pytest.fixture
def plane(kubectl: Kubectl, namespace: str, installed: list[JSON], tmp_path: Path) -> Iterator[host_rig.HostPlane]:
    """An operator with these rights and no others, and an Envoy."""
    told = {
        "KUBECONFIG": kubeconfig_of(kubectl.within(namespace), NAME, tmp_path / "kubeconfig"),
        "SLUICEGATE_WATCH_NAMESPACE": "", "SLUICEGATE_CONTROLLER_ID": namespace,
        "SLUICEGATE_WEBHOOK_PORT": str(free_port()),
    }  # fmt: skip
    with host_rig.running(namespace, tmp_path, **told) as plane:
        yield plane
        kubectl.within(namespace)("delete", "sdep,modelrollout", "--all", "--timeout=60s")


def promoted(kubectl: Kubectl, models: dict[str, rig.Model]) -> None:
    """A deployment gets its next version by a rollout."""
    served = rig.deployment("flights", models["1"], replicas=1)
    served["metadata"]["labels"] = {"seldon.io/controller-id": kubectl.namespace}
    kubectl("apply", "-f", "-", stdin=rig.secret())
    kubectl("apply", "-f", "-", stdin=served)
    wait_until(lambda: states(kubectl).get("flights") == "Available", 90, "it is served")
    ready = prepare_rollout(
        rollout="next", deployment="flights", namespace=kubectl.namespace, model="flights", version="2",
        bundle_uri=models["2"].uri, bundle_digest=models["2"].digest, expected_disagreement=0.05, timeout=90,
    )  # fmt: skip
    promote(rollout="next", epoch=ready.epoch, namespace=kubectl.namespace)
    complete(rollout="next", epoch=ready.epoch, namespace=kubectl.namespace)


def test_every_right_is_used_and_none_is_missing(
    kubectl: Kubectl, namespace: str, installed: list[JSON], plane: host_rig.HostPlane, models: dict[str, rig.Model]
) -> None:
    mine, told = kubectl.within(namespace), lambda: requests_of(plane.metrics())
    wait_until(lambda: ("update", "secrets", 200) in told(), 40, "what is no certificate is replaced")
    mine("delete", "secret", SECRET)
    live(mine, kedaSpec=KEDA)
    promoted(mine, models)
    wait_until(lambda: ("create", "secrets", 201) in told(), 40, "there is a certificate again")
    wait_until(lambda: ("update", CONFIGURATION, 200) in told(), 40, "the webhook's trust is written")

    assert refused(told()) == []
    assert granted(installed) - used(told()) == RARE


CONFIGURATION = "validatingwebhookconfigurations.admissionregistration.k8s.io"


def owned(namespace: str) -> JSON:
    """A Service as the operator makes it."""
    owner = {"name": "flights", "namespace": namespace, "uid": "none"}
    return manifest_of("v1", "Service", {"name": "owned"}, {"ports": [{"port": 80}]}, owner=owner)


def test_who_makes_what_blocks_its_owners_deletion_has_to_be_allowed_to_finalise_it(
    kubectl: Kubectl, namespace: str, installed: list[JSON]
) -> None:
    """``kubectl delete --cascade=foreground`` waits for such objects only."""
    mine, trial = kubectl.within(namespace), ("--server-side", "--dry-run=server", "-f", "-")
    lesser = json.loads(json.dumps(installed).replace(', "seldondeployments/finalizers"', "").replace(NAME, "lesser"))
    mine("apply", "-f", "-", stdin=as_list([each for each in lesser if "Webhook" not in each["kind"]]))
    told = {
        name: mine.run("apply", *trial, f"--as={account(mine, name)}", stdin=owned(namespace))
        for name in (NAME, "lesser")
    }
    mine("delete", "clusterrole,clusterrolebinding", f"lesser-{namespace}")

    assert told[NAME].returncode == 0, told[NAME].stderr
    if told["lesser"].returncode == 0:
        pytest.skip("the API server has no OwnerReferencesPermissionEnforcement among its admission plugins")
    assert "cannot set blockOwnerDeletion" in told["lesser"].stderr


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
    mine("apply", "-f", "-", stdin=as_list(objects))
    yield mine
    kubectl("delete", "namespace", name, "--wait=false")


def test_an_operator_of_one_namespace_lives_by_a_role_alone(alone: Kubectl, tmp_path: Path) -> None:
    config = kubeconfig_of(alone, NAME, tmp_path / "kubeconfig")
    told = {"SLUICEGATE_CONTROLLER_ID": alone.namespace, "SLUICEGATE_LEASE": NAME}

    with HostOperator(alone.namespace, tmp_path / "log", kubeconfig=config, **told) as operator:
        live(alone)

        assert refused(operator.requests()) == []
    assert alone.run("auth", "can-i", "list", "pods", "-n", "default", f"--as={account(alone)}").stdout.strip() == "no"


def account(kubectl: Kubectl, name: str = NAME) -> str:
    """The operator's user, or another service account's."""
    return f"system:serviceaccount:{kubectl.namespace}:{name}"
