"""How many pods: who says it, and what a rollout or a new autoscaler changes."""

from typing import Any

import pytest
from tests.unit.serving.operator.rendered import MISSING, at, only, render
from tests.unit.serving.operator.samples import HPA_V2BETA1, KEDA, SAMPLES, component, deployment, predictor

from sluicegate.serving.operator.settings import read_installation


def test_metrics_of_v2beta1_become_metrics_of_v2() -> None:
    autoscaler = only(render(SAMPLES["hpa of old"]), "HorizontalPodAutoscaler")

    assert autoscaler["spec"]["metrics"] == [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}},
        {
            "type": "Pods",
            "pods": {"metric": {"name": "rows"}, "target": {"type": "AverageValue", "averageValue": "1000m"}},
        },
        {
            "type": "Object",
            "object": {
                "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "queue"},
                "metric": {"name": "depth"},
                "target": {"type": "Value", "value": "5000m"},
            },
        },
        {"type": "External", "external": {"metric": {"name": "lag"}, "target": {"type": "Value", "value": 10}}},
    ]


def test_keda_wins_over_an_hpa_which_wins_over_replicas() -> None:
    objects = render(deployment(predictor(None, component(kedaSpec=KEDA, hpaSpec=HPA_V2BETA1, replicas=3))))

    assert only(objects, "ScaledObject")["spec"] == {**KEDA, "scaleTargetRef": {"name": "iris-default-0-classifier"}}
    assert "replicas" not in only(objects, "Deployment")["spec"]
    assert not any(name.startswith("HorizontalPodAutoscaler/") for name in objects)


def test_without_keda_on_the_cluster_replicas_are_as_stated() -> None:
    installation = read_installation({"SLUICEGATE_KEDA": "false"})

    objects = render(deployment(predictor(None, component(kedaSpec=KEDA, replicas=3))), installation=installation)

    assert only(objects, "Deployment")["spec"]["replicas"] == 3
    assert not any(name.startswith("ScaledObject/") for name in objects)


@pytest.mark.parametrize(
    ("own", "predictors", "deployments", "expected"), [(1, 2, 3, 1), (None, 2, 3, 2), (None, None, 3, 3), (0, 2, 3, 0)]
)
def test_replicas_of_a_component_win_over_the_predictors_and_those_over_the_deployments(
    own: int | None, predictors: int | None, deployments: int | None, expected: int
) -> None:
    raw = deployment(predictor(None, component(replicas=own), replicas=predictors), replicas=deployments)

    assert only(render(raw), "Deployment")["spec"]["replicas"] == expected


@pytest.mark.parametrize(
    ("raw", "kind", "field"),
    [
        (deployment(predictor()), "Deployment", "spec.replicas"),
        (SAMPLES["hpa of old"], "HorizontalPodAutoscaler", "spec.minReplicas"),
        (deployment(predictor(None, component(kedaSpec=KEDA))), "ScaledObject", "spec.minReplicaCount"),
    ],
    ids=["replicas", "hpa", "keda"],
)
def test_pods_of_a_stable_predictor_are_held_whoever_scales_them(raw: Any, kind: str, field: str) -> None:
    assert at(only(render(raw, hold=5), kind), field) == 5


@pytest.mark.parametrize(
    ("notes", "count", "stated"),
    [
        ({"sluicegate.dev/applied": "x", "sluicegate.dev/replicas": "10"}, 10, 10),
        ({"sluicegate.dev/applied": "x", "sluicegate.dev/replicas": "10"}, 12, MISSING),
        ({"sluicegate.dev/applied": "x"}, 12, MISSING),
        ({}, 10, 10),
    ],
    ids=["stated by us", "scaled since", "scaled for long", "made by Seldon Core"],
)
def test_replicas_stay_until_the_autoscaler_states_its_own(notes: Any, count: int, stated: Any) -> None:
    """A field that its only applier leaves out goes back to its default: ten pods would become one."""
    live = {"metadata": {"annotations": notes}, "spec": {"replicas": count}}

    found = render(SAMPLES["hpa of old"], live={("Deployment", "iris-default-0-classifier"): live})

    assert at(only(found, "Deployment"), "spec.replicas") == stated


def test_keda_may_not_idle_what_is_held() -> None:
    scaled = only(render(deployment(predictor(None, component(kedaSpec=KEDA))), hold=5), "ScaledObject")

    assert "idleReplicaCount" not in scaled["spec"]
