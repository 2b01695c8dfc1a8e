"""What a predictor becomes, before a real API server: it takes every object, and a second look finds nothing to do."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cluster.kubectl import Kubectl
from tests.shapes.reading import ACCEPTED, shapes
from tests.unit.serving.operator.rendered import INSTALLATION, SERVERS_FOR_SHAPES, owned, render
from tests.unit.serving.operator.samples import SAMPLES, deployment, predictor

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.comparison import is_applied
from sluicegate.serving.operator.objects.manifest import key_of
from sluicegate.serving.operator.objects.takeover import FIELD_MANAGER, takeover_patch
from sluicegate.serving.operator.settings import Installation, read_installation

APPLY = ("apply", "--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "-f", "-")
WARN = "pod-security.kubernetes.io/warn=restricted"
NAMED = ("Deployment", "iris-default-0-classifier")
FOR_SHAPES = read_installation({"SLUICEGATE_SERVERS": SERVERS_FOR_SHAPES})


@pytest.fixture
def barren(kubectl: Kubectl) -> Iterator[Kubectl]:
    """A namespace of the test's own, in which no pod starts: the objects are what is looked at."""
    name = f"test-objects-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    kubectl("create", "quota", "no-pods", "--hard=pods=0", "-n", name)
    kubectl("label", "namespace", name, WARN)
    yield kubectl.within(name)
    kubectl("delete", "namespace", name, "--wait=false")


def rendered(raw: JSON, namespace: str, installation: Installation = INSTALLATION) -> list[JSON]:
    """All objects of a SeldonDeployment, but KEDA's: its kind is not on every cluster."""
    found = render(owned(raw, namespace), installation=installation)
    return [each for each in found.values() if each["kind"] != "ScaledObject"]


def unowned(objects: list[JSON]) -> list[JSON]:
    """The same, safe from the garbage collector: it removes what an owner that does not exist owns."""
    return [{**each, "metadata": {**each["metadata"], "ownerReferences": []}} for each in objects]


def listed(objects: list[JSON]) -> JSON:
    """As one file."""
    return {"apiVersion": "v1", "kind": "List", "items": objects}


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_api_server_takes_every_object_and_there_is_nothing_to_do_after(sample: str, barren: Kubectl) -> None:
    objects = rendered(SAMPLES[sample], barren.namespace)
    barren(*APPLY, "--dry-run=server", stdin=listed(objects))
    wanted = unowned(objects)

    barren(*APPLY, stdin=listed(wanted))

    found = barren.json("get", "-f", "-", stdin=listed(wanted))
    live = {key_of(each): each for each in found.get("items", [found])}
    assert [key_of(each) for each in wanted if not is_applied(each, live[key_of(each)])] == []


@pytest.mark.parametrize("name", ACCEPTED)
def test_the_api_server_takes_the_objects_of_every_shape_that_seldon_core_took(name: str, barren: Kubectl) -> None:
    stored = [raw for raw in shapes(name) if raw["kind"] == "SeldonDeployment"]
    objects = [each for raw in stored for each in rendered(raw, barren.namespace, FOR_SHAPES)]

    if objects:
        barren(*APPLY, "--dry-run=server", stdin=listed(objects))


def test_pods_of_ours_pass_pod_security_restricted_and_only_they(barren: Kubectl) -> None:
    words = {}
    for sample in ("prepackaged server", "class of the user", "built-in graph without pods", "container of the user"):
        objects = rendered(SAMPLES[sample], barren.namespace)
        words[sample] = barren.run(*APPLY, "--dry-run=server", stdin=listed(objects)).stderr

    assert [sample for sample, said in words.items() if "PodSecurity" in said] == ["container of the user"]


def test_a_deployment_of_seldon_core_is_taken_over_without_its_engine(barren: Kubectl) -> None:
    made = seldons_deployment(barren, "classifier", "seldon-container-engine")
    raw = owned(SAMPLES["prepackaged server"], barren.namespace)
    taken = json.dumps(takeover_patch(barren.json("get", *NAMED, "--show-managed-fields")))
    manifest = render(raw, live={key_of(made): made})["/".join(NAMED)]

    barren("patch", *NAMED, "--type=json", "-p", taken)
    found = barren.json(*APPLY, stdin=unowned([manifest])[0])

    assert found["metadata"]["uid"] == made["metadata"]["uid"]
    assert found["spec"]["selector"] == made["spec"]["selector"]
    assert [each["name"] for each in found["spec"]["template"]["spec"]["containers"]] == ["classifier"]


def test_an_autoscaler_takes_replicas_over_without_a_pod_ended(barren: Kubectl) -> None:
    raw = owned(deployment(predictor(replicas=7)), barren.namespace)
    live = barren.json(*APPLY, stdin=unowned([render(raw)["/".join(NAMED)]])[0])
    scaled = render(owned(SAMPLES["hpa of old"], barren.namespace), live={key_of(live): live})

    barren(*APPLY, stdin=unowned([scaled["/".join(NAMED)]])[0])
    barren("scale", *NAMED, "--replicas=9")
    live = barren.json("get", *NAMED)
    scaled = render(owned(SAMPLES["hpa of old"], barren.namespace), live={key_of(live): live})
    found = barren.json(*APPLY, stdin=unowned([scaled["/".join(NAMED)]])[0])

    assert live["spec"]["replicas"] == found["spec"]["replicas"] == 9
    assert "replicas" not in scaled["/".join(NAMED)]["spec"]


def seldons_deployment(kubectl: Kubectl, *containers: str) -> Any:
    """One of Seldon Core's making, stored."""
    labels = {"app": NAMED[1], "seldon-app": "iris-default", "version": "default"}
    pod = {"containers": [{"name": each, "image": "seldonio/any:1.17.1"} for each in containers]}
    raw = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAMED[1]},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }
    return kubectl.json("create", "--field-manager=manager", "-f", "-", stdin=raw)
