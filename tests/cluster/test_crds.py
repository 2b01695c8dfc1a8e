"""A real kube-apiserver takes the CRDs, and every shape that Seldon Core 1.17.1 took."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from tests import structural
from tests.cluster.definitions import CRDS, NAMES
from tests.cluster.kubectl import Kubectl
from tests.shapes.reading import ACCEPTED, FOLDER, shapes

from sluicegate.serving.api.crds.kinds import SELDON_DEPLOYMENT
from sluicegate.serving.api.crds.schema import object_schema
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.seldon_deployment import SeldonDeployment

GROUP = "machinelearning.seldon.io"
SCHEMA = object_schema(SELDON_DEPLOYMENT.view, "")
STRICT = [name for name in ACCEPTED if name != "unknown-fields"]
STATUS = {
    "state": "Available",
    "phase": "Progressing",
    "rolloutId": "r1",
    "replicas": 3,
    "traffic": {"v1": 95, "v2": 5},
    "address": {"url": "http://flights"},
}


@pytest.fixture(scope="module")
def cluster(kubectl: Kubectl, namespace: str) -> Kubectl:
    """A namespace of a cluster that has our CRDs."""
    return kubectl.within(namespace)


@pytest.fixture(scope="module")
def flights(cluster: Kubectl) -> Kubectl:
    """A deployment that stands in the cluster, with a status."""
    shape = next(one for one in shapes("spec") if one["metadata"]["name"] == "whole-spec")
    cluster("create", "-f", "-", stdin=shape | {"metadata": {"name": "flights"}})
    patch = json.dumps({"status": STATUS})
    cluster("patch", "sdep", "flights", "--subresource=status", "--type=merge", "-p", patch)
    return cluster


@pytest.mark.parametrize("name", NAMES)
def test_the_api_server_finds_nothing_wrong_with_the_schema(cluster: Kubectl, name: str) -> None:
    """A schema that is not structural is told by a condition."""
    conditions = cluster.json("get", "crd", name)["status"]["conditions"]

    assert {each["type"]: each["status"] for each in conditions} == {"NamesAccepted": "True", "Established": "True"}


def test_a_second_apply_changes_nothing(cluster: Kubectl) -> None:
    """The API server adds nothing that a GitOps tool would put back."""
    said = cluster("apply", "--server-side=false", "-f", str(CRDS)).splitlines()

    assert [line.split()[-1] for line in said] == ["unchanged", "unchanged"]


@pytest.mark.parametrize("file", STRICT)
def test_what_seldon_core_took_is_taken(cluster: Kubectl, file: str) -> None:
    """Even when the API server is asked to be strict."""
    cluster("create", "--dry-run=server", "--validate=strict", "-f", str(FOLDER / f"{file}.yaml"))


def test_a_server_side_apply_may_contain_nulls_too(cluster: Kubectl) -> None:
    """A GitOps tool may write this way. Enumerations and what ``kubectl scale`` sets must say something, or be away."""
    (shape,) = (one for one in shapes("old-files") if one["metadata"]["name"] == "nulls")
    del shape["spec"]["replicas"], shape["spec"]["predictors"][0]["graph"]["type"]

    cluster("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=shape)


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(spec=structural.documents(SCHEMA["properties"]["spec"]))
def test_the_tests_own_reading_of_schemas_is_the_api_servers(cluster: Kubectl, spec: Any) -> None:
    """So that the property tests without a cluster speak of what a cluster does."""
    document = {"apiVersion": f"{GROUP}/v1", "kind": "SeldonDeployment", "metadata": {"name": "d"}, "spec": spec}

    done = cluster.run("create", "--dry-run=server", "--validate=ignore", "-f", "-", stdin=document)

    fits = not list(structural.faults(SCHEMA, document))
    assert (done.returncode == 0) == fits, done.stderr


def test_unknown_fields_are_dropped_with_a_warning(cluster: Kubectl) -> None:
    """As Seldon Core's schema dropped them."""
    done = cluster.run("create", "--dry-run=server", "--validate=warn", "-f", str(FOLDER / "unknown-fields.yaml"))

    assert done.returncode == 0, done.stderr
    assert 'unknown field "spec.predictors[0].graph.modeluri"' in done.stderr


@pytest.mark.parametrize("shape", shapes("refused"), ids=lambda shape: shape["metadata"]["name"])
def test_what_does_not_fit_is_refused_with_its_field(cluster: Kubectl, shape: dict[str, Any]) -> None:
    """The message names the place."""
    done = cluster.run("create", "--dry-run=server", "-f", "-", stdin=shape)

    assert done.returncode == 1
    assert shape["metadata"]["annotations"]["refused-at"] in done.stderr


@pytest.mark.parametrize("file", ACCEPTED)
def test_what_is_stored_reads_as_what_was_written(cluster: Kubectl, file: str) -> None:
    """The API server drops nothing that the views read."""
    for shape in shapes(file):
        view = SeldonDeployment if shape["kind"] == "SeldonDeployment" else ModelRollout
        stored = cluster.json("create", "--dry-run=server", "--validate=ignore", "-f", "-", stdin=shape)
        assert decode(stored, view).spec == decode(shape, view).spec


@pytest.mark.parametrize("version", ["v1", "v1alpha3", "v1alpha2"])
def test_each_version_shows_the_same_object(flights: Kubectl, version: str) -> None:
    """In nothing but the name do they differ."""
    found = flights.json("get", f"seldondeployments.{version}.{GROUP}", "flights")

    assert found["apiVersion"] == f"{GROUP}/{version}"
    assert found["spec"]["predictors"][0]["graph"]["modelUri"] == "gs://models/flights"
    assert found["status"] == STATUS


def test_an_old_version_is_stored_as_v1(cluster: Kubectl) -> None:
    """Written as v1alpha2, read as v1."""
    old = shapes("old-files")[0]
    cluster("create", "-f", "-", stdin=old)

    found = cluster.json("get", "sdep", old["metadata"]["name"])

    assert found["apiVersion"] == f"{GROUP}/v1"
    assert found["spec"] == old["spec"]


def test_kubectl_get_shows_state_traffic_rollout_and_age(flights: Kubectl) -> None:
    """One line says how a deployment stands."""
    header, line = flights("get", "sdep", "flights").splitlines()

    assert header.split() == ["NAME", "STATE", "TRAFFIC", "ROLLOUT", "AGE"]
    assert line.split()[:4] == ["flights", "Available", '{"v1":95,"v2":5}', "Progressing"]


def test_the_wide_columns_show_the_rollouts_id_and_the_url(flights: Kubectl) -> None:
    """For who wants more."""
    header, line = flights("get", "sdep", "flights", "-o", "wide").splitlines()

    assert header.split()[-2:] == ["ROLLOUT-ID", "URL"]
    assert line.split()[-2:] == ["r1", "http://flights"]


def test_a_rollout_shows_phase_step_traffic_reason_and_age(cluster: Kubectl) -> None:
    """The status subresource is its own: what was created with a status has none yet."""
    whole = shapes("rollouts")[1]
    cluster("create", "-f", "-", stdin=whole)
    patch = json.dumps({"status": whole["status"]})
    cluster("patch", "mro", "whole", "--subresource=status", "--type=merge", "-p", patch)

    header, line = cluster("get", "mro", "whole").splitlines()

    assert header.split() == ["NAME", "PHASE", "STEP", "TRAFFIC", "REASON", "AGE"]
    assert line.split()[:5] == ["whole", "Progressing", "3", '{"v1":95,"v2":5}', "Analysing"]


def test_a_deployment_is_scaled(flights: Kubectl) -> None:
    """``kubectl scale`` and autoscalers reach spec.replicas; status.replicas is what they see."""
    flights("scale", "sdep", "flights", "--replicas=5")

    assert flights.json("get", "sdep", "flights")["spec"]["replicas"] == 5
    path = f"/apis/{GROUP}/v1/namespaces/{flights.namespace}/seldondeployments/flights/scale"
    scale = json.loads(flights("get", "--raw", path))
    assert (scale["spec"]["replicas"], scale["status"]["replicas"]) == (5, 3)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("sdep.spec.predictors.graph", "implementation"),
        ("sdep.spec.predictors.graph.children", "prepackaged server"),
        ("sdep.spec.predictors.componentSpecs", "kept as they are"),
        ("sdep.spec.predictors.componentSpecs.pdbSpec.minAvailable", "percentage"),
        ("sdep.status", "acknowledged"),
        ("mro.spec.plan", "mirrors"),
        ("mro.spec.desired", "lease"),
    ],
)
def test_kubectl_explains_fields(cluster: Kubectl, path: str, words: str) -> None:
    """A person finds what a field means without leaving the terminal."""
    assert words in " ".join(cluster("explain", path).split())
