"""AdmissionReviews in, answers out: every rule, for both kinds."""

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.admission import FakeDryRun, FakeStored, rendered, review_of
from tests.fakes.world import deployment, rollout
from tests.rule_tables import BROKEN, INSTALLED, OWN, P0, UNWISE, predictor

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.errors import BrokenReviewError
from sluicegate.serving.operator.admission.ports import Proof
from sluicegate.serving.operator.admission.rendering import renderer
from sluicegate.serving.operator.admission.reviewer import Reviewer
from sluicegate.serving.operator.admission.reviewing import shortened
from sluicegate.serving.operator.admission.subjects import MODEL_ROLLOUT, SELDON_DEPLOYMENT, Subject
from sluicegate.serving.operator.errors import RefusedError, UnreachableError
from sluicegate.serving.operator.settings import read_installation
from sluicegate.serving.reconcile.reviews import Servers


def answered(body: bytes, subject: Subject, *stored: JSON, **parts: Any) -> JSON:
    """The response to a review."""
    given = {"render": rendered, "dry_run": FakeDryRun(), "missing": lambda: ""} | parts
    reviewer = Reviewer(FakeStored(*stored), Servers(installed=lambda _protocol: INSTALLED), **given)
    review = asyncio.run(reviewer.review(body, subject))
    assert (review["apiVersion"], review["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    return dict(review["response"])


def sdep(*predictors: JSON, version: str = "v1", metadata: JSON | None = None, **spec: Any) -> JSON:
    """A SeldonDeployment as it is submitted."""
    return {
        "apiVersion": f"machinelearning.seldon.io/{version}",
        "kind": "SeldonDeployment",
        "metadata": {"name": "d", "namespace": "default"} | (metadata or {}),
        "spec": {"predictors": list(predictors), **spec},
    }


def to_sdep(new: JSON, old: JSON | None = None, **parts: Any) -> JSON:
    """The response to a SeldonDeployment."""
    return answered(review_of(SELDON_DEPLOYMENT, new, old), SELDON_DEPLOYMENT, **parts)


def to_rollout(new: JSON, old: JSON | None = None, *stored: JSON, **parts: Any) -> JSON:
    """The response to a ModelRollout."""
    return answered(review_of(MODEL_ROLLOUT, new, old), MODEL_ROLLOUT, *stored, **parts)


def fields(response: JSON) -> list[str]:
    """Where errors are."""
    return [cause["field"] for cause in response["status"]["details"]["causes"]]


@pytest.mark.parametrize(("path", "predictors", "spec"), BROKEN)
def test_each_rule_refuses_with_its_field(path: str, predictors: list[JSON], spec: JSON) -> None:
    """As Invalid, code 422, in Kubernetes' words."""
    response = to_sdep(sdep(*predictors, **spec))

    assert not response["allowed"]
    assert fields(response) == [path]
    assert (response["status"]["reason"], response["status"]["code"]) == ("Invalid", 422)
    wanted = f'SeldonDeployment.machinelearning.seldon.io "d" is invalid: {path}: '
    assert response["status"]["message"].startswith(wanted)


@pytest.mark.parametrize(("part", "predictors", "spec"), UNWISE)
def test_unwise_gets_leave_and_a_warning(part: str, predictors: list[JSON], spec: JSON) -> None:
    response = to_sdep(sdep(*predictors, **spec))

    assert response["allowed"]
    assert part in "\n".join(response["warnings"])


@pytest.mark.parametrize("version", ["v1", "v1alpha2", "v1alpha3"])
def test_all_versions_are_reviewed(version: str) -> None:
    kind = {"group": "machinelearning.seldon.io", "version": version, "kind": "SeldonDeployment"}
    body = review_of(SELDON_DEPLOYMENT, sdep(predictor(traffic=3), version=version), kind=kind)

    assert fields(answered(body, SELDON_DEPLOYMENT)) == [f"{P0}.traffic"]


def test_all_errors_come_at_once() -> None:
    """Those of rules and those that the API server finds in pods, in one message."""
    refused = RefusedError("no", (("spec.template.spec.containers[1].image", "Required"),))
    dry_run = FakeDryRun(lambda obj: Proof(object=obj, refusal=refused))
    bad = sdep(predictor("A_B", traffic=3), {**OWN, "traffic": -1}, protocol="odd")

    response = to_sdep(bad, dry_run=dry_run)

    assert set(fields(response)) == {
        "spec.protocol",
        "spec.predictors",
        f"{P0}.name",
        "spec.predictors[1].traffic",
        "spec.predictors[1].componentSpecs[0].spec.containers[0].image",
    }
    assert response["status"]["message"].count(", ") >= 4


@pytest.mark.parametrize(
    "change",
    [{"labels": {"a": "b"}}, {"finalizers": []}, {"annotations": {"a": "b"}}, {"deletionTimestamp": "2026-01-01"}],
    ids=["label", "finalizer", "annotation", "deletion"],
)
def test_an_update_of_metadata_passes_even_where_newer_rules_are_broken(change: JSON) -> None:
    dry_run = FakeDryRun()
    old = sdep(predictor(traffic=3))

    response = to_sdep(sdep(predictor(traffic=3), metadata=change), old, dry_run=dry_run)

    assert response == {"uid": "u-1", "allowed": True}
    assert dry_run.asked == []


def test_a_change_of_spec_is_judged_by_the_rules_of_today() -> None:
    assert not to_sdep(sdep(predictor(traffic=3, replicas=2)), sdep(predictor(traffic=3)))["allowed"]


def test_a_deployment_under_deletion_is_let_pass() -> None:
    """Whoever ends it may have to change it first."""
    leaving = sdep(predictor(traffic=4), metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})

    assert to_sdep(leaving, sdep(predictor(traffic=3)))["allowed"]


@pytest.mark.parametrize("subject", [SELDON_DEPLOYMENT, MODEL_ROLLOUT], ids=lambda each: each.kind)
def test_a_deletion_is_nobodys_to_refuse(subject: Subject) -> None:
    body = review_of(subject, None, operation="DELETE", oldObject={"spec": 3})

    assert answered(body, subject)["allowed"]


def test_a_write_of_status_is_not_judged() -> None:
    body = review_of(SELDON_DEPLOYMENT, sdep(predictor(traffic=3)), subResource="status")

    assert answered(body, SELDON_DEPLOYMENT)["allowed"]


def test_a_type_that_does_not_fit_is_named() -> None:
    """Should the CRD's schema ever let one through."""
    response = to_sdep(sdep(predictor(traffic="much")))

    assert fields(response)[0].startswith("spec.predictors[")


def test_a_sound_rollout_may_enter() -> None:
    assert to_rollout(rollout("2"), None, deployment(predictor("v1")))["allowed"]


@pytest.mark.parametrize(
    ("path", "changed"),
    [
        pytest.param("spec.model", {"model": None}, id="no-model"),
        pytest.param("spec.target", {"target": "A_B"}, id="no-target"),
        pytest.param("spec.desired", {"desired": {"weight": 5}}, id="desired-from-the-start"),
        pytest.param(
            "spec.candidate.shadow", {"candidate": {**rollout("2")["spec"]["candidate"], "shadow": True}}, id="s"
        ),
    ],
)
def test_a_broken_rollout_is_refused_by_its_field(path: str, changed: JSON) -> None:
    response = to_rollout(rollout("2", **changed), None, deployment(predictor("v1")))

    assert path in fields(response)
    assert response["status"]["message"].startswith('ModelRollout.sluicegate.dev "flights-2" is invalid: ')


def test_a_second_rollout_of_a_target_is_refused() -> None:
    running = rollout("2") | {"status": {"phase": "Progressing", "rolloutId": "x", "epoch": "e"}}

    response = to_rollout(rollout("3"), None, deployment(predictor("v1")), running)

    assert "TargetBusy" in response["status"]["message"]


@pytest.mark.parametrize("leaving", [{}, {"deletionTimestamp": "2026-01-01T00:00:00Z"}], ids=["lives", "is-leaving"])
def test_the_fence_holds_until_a_rollout_is_gone(leaving: JSON) -> None:
    """An epoch that is not the rollout's writes nothing."""
    old = rollout("2") | {"status": {"phase": "Progressing", "epoch": "e2"}}
    new = rollout("2", desired={"epoch": "e1", "weight": 5}) | {"status": old["status"]}
    new["metadata"] = new["metadata"] | leaving

    assert fields(to_rollout(new, old)) == ["spec.desired.epoch"]


def test_a_workflow_of_the_epoch_renews_without_caches() -> None:
    """A lease must not run out because an operator has just started."""
    old = rollout("2") | {"status": {"phase": "Progressing", "epoch": "e2"}}
    new = rollout("2", desired={"epoch": "e2", "renewal": 1, "weight": 5}) | {"status": old["status"]}

    assert to_rollout(new, old, missing=lambda: "ModelRollouts")["allowed"]


def test_a_new_rollout_is_not_judged_by_caches_that_are_not_complete() -> None:
    response = to_rollout(rollout("2"), missing=lambda: "ModelRollouts")

    assert response["status"]["code"] == 503
    assert "has not seen all ModelRollouts yet" in response["status"]["message"]


def test_a_candidates_pods_are_tried_as_its_target_would_run_them() -> None:
    refused = RefusedError("no", (("spec.template.spec.containers[1].image", "Required"),))
    dry_run = FakeDryRun(lambda obj: Proof(object=obj, refusal=refused))
    candidate = {**rollout("2")["spec"]["candidate"], **OWN}

    response = to_rollout(rollout("2", candidate=candidate), None, deployment(predictor("v1")), dry_run=dry_run)

    assert fields(response) == ["spec.candidate.componentSpecs[0].spec.containers[0].image"]
    assert dry_run.asked[0]["metadata"]["name"] == "flights-p-0"


def test_an_api_server_that_cannot_be_asked_means_no() -> None:
    """With a sentence, and a code that says to try again."""

    def away(_obj: JSON) -> Proof:
        raise UnreachableError("connection refused")

    response = to_sdep(sdep(OWN), dry_run=FakeDryRun(away))

    assert (response["allowed"], response["status"]["code"]) == (False, 503)
    assert "could not be tried at the API server (connection refused)" in response["status"]["message"]


def test_a_trial_that_takes_too_long_means_no() -> None:
    class Slow:
        async def apply(self, _objects: Any) -> list[Proof]:
            await asyncio.Event().wait()
            return []

    response = to_sdep(sdep(OWN), dry_run=Slow(), seconds=0.01)

    assert "took longer than 0.01 s" in response["status"]["message"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "no JSON"),
        (b"[]", "no AdmissionReview"),
        (b"{}", "expected an AdmissionReview"),
        (review_of(MODEL_ROLLOUT, {}), "this path reviews machinelearning.seldon.io"),
        (review_of(SELDON_DEPLOYMENT, None), "has no request.object"),
        (review_of(SELDON_DEPLOYMENT, {}, operation="UPDATE"), "has no request.oldObject"),
        (review_of(SELDON_DEPLOYMENT, {}, operation="EAT"), "operation"),
    ],
)
def test_a_broken_review_is_told_apart(body: bytes, words: str) -> None:
    with pytest.raises(BrokenReviewError, match=words):
        answered(body, SELDON_DEPLOYMENT)


NAMES = (
    "metadata spec name predictors graph componentSpecs containers traffic children env ports image resources limits "
    "containerPort protocol mountPath labels volumes volumeMounts hpaSpec pdbSpec kedaSpec lifecycle "
    "securityContext initContainers"
)
NAMED = st.sampled_from(NAMES.split())
JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMED, inner, max_size=4),
    max_leaves=12,
)
CONTAINER = st.builds(lambda odd: {"name": "mine", "image": "i"} | odd, st.dictionaries(NAMED, JSONS, max_size=4))
COMPONENT = st.builds(
    lambda container, pod, odd: odd | {"spec": pod | {"containers": [container]}},
    CONTAINER,
    st.dictionaries(NAMED, JSONS, max_size=3),
    st.dictionaries(NAMED, JSONS, max_size=3),
)
REAL = renderer(read_installation({}), lambda _namespace, _name: {})


@settings(deadline=None)
@given(new=st.dictionaries(st.sampled_from(["metadata", "spec", "kind"]), JSONS), predictors=JSONS, component=COMPONENT)
def test_whatever_comes_is_answered(new: JSON, predictors: Any, component: JSON) -> None:
    """Never by an exception, in the rules or in the controller's renderer: that would be a refusal without words."""
    odd_component = sdep({**OWN, "componentSpecs": [component]})
    for odd in (new, new | {"spec": {"predictors": predictors}}, odd_component):
        assert to_sdep(odd, render=REAL)["uid"] == "u-1"
        assert to_rollout(odd, render=REAL)["uid"] == "u-1"


@given(st.text())
def test_a_warning_is_never_longer_than_the_api_server_passes_on(text: str) -> None:
    kept = shortened(text)

    assert len(kept) <= 256
    assert kept == " ".join(text.split()) or kept.endswith("…")


def test_an_answer_is_json() -> None:
    assert b'"allowed":false' in msgspec.json.encode(to_sdep(sdep()))
