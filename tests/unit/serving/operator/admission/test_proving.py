"""The API server's words about a Deployment, as words about what was submitted."""

import pytest
from tests.fakes.admission import rendered

from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.pods import Pods, deployment_pods
from sluicegate.serving.operator.admission.ports import Proof
from sluicegate.serving.operator.admission.proving import findings_of, moved, place_of
from sluicegate.serving.operator.errors import RefusedError

C1 = "spec.predictors[1].componentSpecs[1]"


VARIABLE = {"name": "E", "value": "x"}


def component(*names: str) -> JSON:
    """A pod."""
    return {
        "spec": {
            "containers": [{"name": each, "image": "i", "env": [VARIABLE]} for each in names],
            "volumes": [{"name": "v"}],
        }
    }


DEPLOYMENT = {
    "metadata": {"name": "d", "namespace": "n"},
    "spec": {
        "predictors": [
            {"name": "p", "graph": {"name": "a"}, "componentSpecs": [component("a")]},
            {"name": "q", "graph": {"name": "b"}, "componentSpecs": [component("b"), component("c", "d")]},
        ]
    },
}


def pods() -> Pods:
    """What is to be proven."""
    found = deployment_pods(DEPLOYMENT, ())
    assert found is not None
    return found


def last() -> JSON:
    """The Deployment of the second predictor's second component; first container and variable are the operator's."""
    found = rendered(DEPLOYMENT)[2]
    containers = found["spec"]["template"]["spec"]["containers"]
    containers[2] = containers[2] | {"env": [{"name": "ADDED", "value": "1"}, *containers[2]["env"]]}
    return found


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("spec.template.spec.containers[2].resources.limits[cpu]", f"{C1}.spec.containers[1].resources.limits[cpu]"),
        ('.spec.template.spec.containers[name="c"].imagee', f"{C1}.spec.containers[0].imagee"),
        ("spec.template.spec.containers[2].env[1].value", f"{C1}.spec.containers[1].env[0].value"),
        ("spec.template.spec.containers[2].env[0].value", "spec.predictors[1]"),
        ('.spec.template.spec.containers[name="d"].env[name="E"].valuee', f"{C1}.spec.containers[1].env[0].valuee"),
        ("spec.template.spec.volumes[0].name", f"{C1}.spec.volumes[0].name"),
        ("spec.template.spec.restartPolicy", f"{C1}.spec.restartPolicy"),
        ("spec.template.metadata.labels", f"{C1}.metadata.labels"),
        ("spec.template.spec.containers[0].image", "spec.predictors[1]"),
        ("spec.template.spec.containers[9].image", "spec.predictors[1]"),
        ("spec.replicas", "spec.predictors[1].replicas"),
        ("metadata.name", "spec.predictors[1]"),
    ],
)
def test_a_field_of_a_deployment_is_found_in_the_submitted_object(field: str, path: str) -> None:
    """Containers and volumes by name; what the user did not write is its predictor's."""
    assert moved(field, last(), place_of(pods(), last())) == path


@pytest.mark.parametrize(
    ("kind", "field"),
    [("HorizontalPodAutoscaler", "hpaSpec"), ("ScaledObject", "kedaSpec"), ("PodDisruptionBudget", "pdbSpec")],
)
def test_an_autoscalers_field_is_found_in_its_block(kind: str, field: str) -> None:
    obj = {"kind": kind, "metadata": {"name": "d-p-0-a"}, "spec": {"maxReplicas": 0}}

    assert moved("spec.maxReplicas", obj, place_of(pods(), obj)) == (
        f"spec.predictors[0].componentSpecs[0].{field}.maxReplicas"
    )


def test_a_refusal_without_causes_is_placed_by_its_words() -> None:
    words = 'failed to create typed patch object: .spec.template.spec.containers[name="d"].imagee: not declared'

    errors, _ = findings_of(pods(), [Proof(object=last(), refusal=RefusedError(f"PATCH /x: 500 {words}"))])

    assert [(error.path, "not declared" in error.found) for error in errors] == [
        (f"{C1}.spec.containers[1].imagee", True)
    ]


def test_a_refusal_without_any_field_is_the_components() -> None:
    """Another policy's, say."""
    errors, _ = findings_of(pods(), [Proof(object=last(), refusal=RefusedError("PATCH /x: 403 Not here"))])

    expected = FieldError(path=C1, found="not here", expected="what the API server takes as Deployment 'd-q-1'")
    assert errors == (expected,)


def test_a_quota_that_is_used_up_is_a_warning() -> None:
    """Only time shows whether it stays so; the condition says it then."""
    refusal = RefusedError('deployments.apps "x" is forbidden: exceeded quota: q')

    errors, warnings = findings_of(pods(), [Proof(object=last(), refusal=refusal)])

    assert errors == ()
    assert warnings[0].startswith("spec.predictors[1]: not to be started now: ")


def test_what_rules_refuse_is_put_aside_and_the_rest_is_proven() -> None:
    errors = [
        FieldError(path="spec.protocol", found="", expected=""),
        FieldError(path="spec.predictors[0].graph.type", found="", expected=""),
        FieldError(path="spec.predictors[1].componentSpecs[0].spec.containers", found="", expected=""),
        FieldError(path="spec.predictors[1].graph", found="", expected=""),
        FieldError(path="metadata.name", found="", expected=""),
    ]
    broken = {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "protocol": "odd"}}

    found = deployment_pods(broken, errors)

    assert found is not None
    assert "protocol" not in found.deployment["spec"]
    assert found.deployment["spec"]["predictors"][0]["graph"] == {"name": "a", "type": "MODEL"}
    assert found.deployment["metadata"]["name"] == "proof"
