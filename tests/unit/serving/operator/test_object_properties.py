"""What holds of every predictor, whatever it is called and made of."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.serving.operator.rendered import INSTALLATION, render
from tests.unit.serving.operator.samples import HPA_V2, KEDA, SAMPLES, component, container, deployment, predictor

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.names import is_dns_label, revision_of
from sluicegate.serving.api.seldon_deployment import PredictorSpec, SeldonDeployment
from sluicegate.serving.operator.objects.layout import entry_port, layout_of
from sluicegate.serving.operator.objects.names import (
    PREDICTOR_LABEL,
    REVISION_ANNOTATION,
    deployment_names,
    entry_selector,
    service_name,
)

labels = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
short_labels = st.from_regex(r"[a-z]{1,3}", fullmatch=True)
quantities = st.sampled_from(["1", "1000m", 2, "100m", "1Gi", "1024Mi"])


@st.composite
def predictors(draw: st.DrawFn, names: st.SearchStrategy[str] = short_labels) -> JSON:
    """A chain or a tree of a few units, some with containers of the user's, in one pod or several."""
    chosen = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    prepackaged = {name: draw(st.booleans()) for name in chosen}
    units: list[JSON] = [
        {"name": name, "type": "MODEL", "implementation": "SKLEARN_SERVER", "modelUri": "s3://m/1"}
        if prepackaged[name]
        else {"name": name, "type": draw(st.sampled_from(["MODEL", "TRANSFORMER"]))}
        for name in chosen
    ]
    for parent, child in pairwise(units):
        parent["children"] = [child]
    resources = draw(st.fixed_dictionaries({}, optional={"requests": st.fixed_dictionaries({"cpu": quantities})}))
    own = [container(name, resources=resources) for name in chosen if not prepackaged[name]]
    cut = draw(st.integers(0, len(own)))
    pods = [component(*part) for part in (own[:cut], own[cut:]) if part]
    return predictor(units[0], *pods, name=draw(names))


def templates(raw: JSON) -> dict[str, JSON]:
    """Pod templates by their Deployment, the explainer's left out."""
    deployments = (each for name, each in render(raw).items() if name.startswith("Deployment/"))
    found = {each["metadata"]["name"]: each["spec"]["template"] for each in deployments}
    return {name: each for name, each in found.items() if PREDICTOR_LABEL in each["metadata"]["labels"]}


@given(predictor=predictors(labels), name=labels)
@settings(max_examples=60, deadline=None)
def test_every_name_is_one_that_kubernetes_takes(predictor: JSON, name: str) -> None:
    for manifest in render(deployment(predictor, name=name)).values():
        assert is_dns_label(manifest["metadata"]["name"])
        assert manifest["kind"] != "Service" or manifest["metadata"]["name"][0].isalpha()
        pods = manifest["spec"].get("template", {"metadata": {}, "spec": {}})
        for key, value in {**manifest["metadata"]["labels"], **pods["metadata"].get("labels", {})}.items():
            assert max(len(key.rpartition("/")[2]), len(value)) <= 63, (key, value)
        for part in ("containers", "initContainers", "volumes"):
            found = [each["name"] for each in pods["spec"].get(part, ())]
            assert all(map(is_dns_label, found))
            assert len(found) == len(set(found))


@given(predictor=predictors())
@settings(max_examples=30, deadline=None)
def test_rendering_is_the_same_each_time(predictor: JSON) -> None:
    again = msgspec.json.decode(msgspec.json.encode(deployment(predictor)))

    assert render(deployment(predictor)) == render(again)


@given(predictor=predictors())
@settings(max_examples=50, deadline=None)
def test_no_two_containers_of_a_predictor_listen_at_one_port(predictor: JSON) -> None:
    raw = deployment(predictor)
    ports = [
        port["containerPort"]
        for template in templates(raw).values()
        for each in template["spec"]["containers"]
        for port in each["ports"]
    ]

    assert len(ports) == len(set(ports))


@given(predictor=predictors())
@settings(max_examples=50, deadline=None)
def test_the_predictors_service_leads_to_the_entry_in_exactly_the_pods_of_one_deployment(predictor: JSON) -> None:
    raw = deployment(predictor)
    view = decode(raw, SeldonDeployment)
    layout = layout_of(view, view.spec.predictors[0])
    selector = render(raw)[f"Service/{service_name(layout)}"]["spec"]["selector"]

    chosen = [each for each in templates(raw).values() if selector.items() <= each["metadata"]["labels"].items()]

    assert selector == entry_selector(layout)
    assert templates(raw).keys() == set(deployment_names(layout))
    (pod,) = chosen
    first = next(port for each in pod["spec"]["containers"] for port in each["ports"] if port["name"] == "http")
    assert first["containerPort"] == entry_port(layout)


SAMPLES_PREDICTOR = predictor({"name": "model", "implementation": "SKLEARN_SERVER", "modelUri": "s3://m/1"}, name="a")
NEUTRAL: list[JSON] = [
    {"traffic": 50},
    {"replicas": 7},
    {"shadow": True},
    {"progressDeadlineSeconds": 9},
    {"explainer": {"type": "AnchorTabular", "containerSpec": {"image": "e:1"}}},
]
IN_COMPONENT: list[JSON] = [{"replicas": 4}, {"hpaSpec": HPA_V2}, {"kedaSpec": KEDA}, {"pdbSpec": {"minAvailable": 1}}]
TELLING: list[JSON] = [
    {"annotations": {"a": "b"}},
    {"labels": {"team": "b"}},
    {"ssl": {"certSecretName": "c"}},
    {"svcOrchSpec": {"env": [{"name": "A", "value": "1"}]}},
    {"engineResources": {"limits": {"cpu": "1"}}},
]


@given(
    base=predictors(),
    changes=st.lists(st.sampled_from([*NEUTRAL, *TELLING]), max_size=3),
    within=st.lists(st.sampled_from([*IN_COMPONENT, {"metadata": {"labels": {"x": "y"}}}]), max_size=2),
)
@settings(max_examples=100, deadline=None)
def test_pod_templates_change_just_when_the_revision_does(base: JSON, changes: list[JSON], within: list[JSON]) -> None:
    changed: JSON = {**base, **{key: value for change in changes for key, value in change.items()}}
    inside = {key: value for change in within for key, value in change.items()}
    changed["componentSpecs"] = [{**each, **inside} for each in base["componentSpecs"]]

    same = templates(deployment(base)) == templates(deployment(changed))

    assert same == (revision_of(decode(base, PredictorSpec)) == revision_of(decode(changed, PredictorSpec)))


NOTES = st.dictionaries(
    st.sampled_from(
        [
            "seldon.io/engine-log-level",
            "seldon.io/engine-separate-pod",
            "seldon.io/executor-logger-queue-size",
            "seldon.io/grpc-timeout",
            "seldon.io/istio-host",
            "seldon.io/rest-timeout",
            "team",
        ]
    ),
    st.sampled_from(["true", "7", "8"]),
    max_size=3,
)


@st.composite
def said_to_all(draw: st.DrawFn) -> JSON:
    """What a deployment says beside its predictors."""
    spec = {"annotations": draw(NOTES), "transport": draw(st.sampled_from(["", "rest", "grpc"]))}
    return {"spec": spec | {"protocol": draw(st.sampled_from(["", "seldon", "v2"]))}, "annotations": draw(NOTES)}


@given(predictor=predictors(), one=said_to_all(), other=said_to_all())
@settings(max_examples=150, deadline=None)
def test_new_pods_for_what_the_deployment_says_have_a_new_revision(predictor: JSON, one: JSON, other: JSON) -> None:
    before, after = (_templates_without_revision(_saying(predictor, said)) for said in (one, other))

    assert before[0] == after[0] or before[1] != after[1]


@pytest.mark.parametrize("note", ["seldon.io/istio-host", "sluicegate.dev/sticky-header", "team"])
def test_what_only_a_gateway_or_a_person_reads_starts_no_new_pods(note: str) -> None:
    said = {"spec": {}, "annotations": {note: "x"}}

    assert templates(_saying(SAMPLES_PREDICTOR, said)) == templates(deployment(SAMPLES_PREDICTOR))


def _saying(predictor: JSON, said: JSON) -> JSON:
    raw = deployment(predictor)
    raw["metadata"] = raw["metadata"] | {"annotations": said["annotations"]}
    return raw | {"spec": raw["spec"] | said["spec"]}


def _templates_without_revision(raw: JSON) -> tuple[JSON, set[str]]:
    """Pod templates as they would be if no revision stood in them, and their revisions."""
    found, revisions = templates(raw), set()
    for template in found.values():
        revisions.add(template["metadata"]["annotations"].pop(REVISION_ANNOTATION))
    return found, revisions


@given(name=st.sampled_from(sorted(SAMPLES)), traffic=st.integers(0, 100), replicas=st.integers(0, 9))
@settings(max_examples=50, deadline=None)
def test_traffic_and_replicas_alone_never_touch_a_pod(name: str, traffic: int, replicas: int) -> None:
    raw = SAMPLES[name]
    moved = [{**each, "traffic": traffic, "replicas": replicas} for each in raw["spec"]["predictors"]]

    changed: Any = {**raw, "spec": {**raw["spec"], "predictors": moved, "replicas": replicas}}

    assert templates(raw) == templates(changed)


RESTRICTED: JSON = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def test_no_container_of_ours_asks_for_what_pod_security_restricted_forbids() -> None:
    for raw in SAMPLES.values():
        for template in templates(raw).values():
            spec = template["spec"]
            for each in (*spec["containers"], *spec["initContainers"]):
                if INSTALLATION.is_ours(each["image"]):
                    context = each["securityContext"]
                    assert RESTRICTED.items() <= context.items()
