"""Every rule that keeps a ModelRollout out, and the fence around a running one."""

from typing import Any

import pytest
from tests.fakes import world

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.defaults import with_candidate_defaults
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import Desired, ModelRollout, ModelRolloutStatus, Phase
from sluicegate.serving.api.rollout_validation import fence, validate_rollout
from sluicegate.serving.api.seldon_deployment import SeldonDeployment

HEADER = {"headerName": "x-canary", "headerValue": {"exact": "1"}}


def errors_of(raw: JSON, *predictors: JSON) -> dict[str, str]:
    """What is wrong with a rollout of this target, sentence by path."""
    target = decode(world.deployment(*(predictors or (world.predictor("1"),))), SeldonDeployment)
    rollout = decode(with_candidate_defaults(raw), ModelRollout)
    errors, _ = validate_rollout(rollout, target=target, known_servers=world.KNOWN)
    return {error.path: str(error) for error in errors}


def plan(**fields: Any) -> JSON:
    """A rollout with this plan."""
    return world.rollout("2", plan=fields)


def test_the_default_plan_is_sound() -> None:
    """An empty plan is a rollout."""
    assert errors_of(world.rollout("2")) == {}


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        pytest.param("spec.target", world.rollout("2", target=""), id="no-target"),
        pytest.param(
            "spec.model.bundleDigest",
            world.rollout("2", model={"name": "m", "version": "2"}, candidate=world.predictor("2", annotations={})),
            id="bare-model-uri",
        ),
        pytest.param(
            "spec.candidate.name", world.rollout("2", candidate=world.predictor("2", name="v1")), id="name-of-stable"
        ),
        pytest.param(
            "spec.candidate.graph.modelUri",
            world.rollout("2", candidate=world.predictor("2", graph={"name": "m", "implementation": "SKLEARN_SERVER"})),
            id="bad-candidate",
        ),
        pytest.param(
            "spec.candidate.traffic",
            world.rollout("2", candidate=world.predictor("2", traffic=5)),
            id="candidate-traffic",
        ),
        pytest.param("spec.expectedDisagreement", world.rollout("2", expectedDisagreement=2.0), id="disagreement"),
        pytest.param("spec.desired", world.rollout("2", desired={"weight": 5}), id="desired-at-once"),
        pytest.param("spec.plan.steps[0]", plan(steps=[{}]), id="empty-step"),
        pytest.param("spec.plan.steps[0]", plan(steps=[{"setWeight": 1, "pause": {}}]), id="two-in-a-step"),
        pytest.param("spec.plan.steps[0].setWeight", plan(steps=[{"setWeight": 101}]), id="weight"),
        pytest.param(
            "spec.plan.steps[0].setMirrorRoute.percentage",
            plan(steps=[{"setMirrorRoute": {"percentage": -1}}]),
            id="mirror",
        ),
        pytest.param("spec.plan.steps[0].setHeaderRoute", plan(steps=[{"setHeaderRoute": {"name": "h"}}]), id="header"),
        pytest.param(
            "spec.plan.steps[0].setHeaderRoute.match[0].headerValue",
            plan(steps=[{"setHeaderRoute": {"name": "h", "match": [{**HEADER, "headerValue": {}}]}}]),
            id="header-value",
        ),
        pytest.param(
            "spec.plan.steps[0].analysis.maxDuration", plan(steps=[{"analysis": {"maxDuration": 0}}]), id="analysis"
        ),
        pytest.param(
            "spec.plan.steps[0].analysis.minSampleSize", plan(steps=[{"analysis": {"minSampleSize": 0}}]), id="sample"
        ),
        pytest.param("spec.plan.steps[0].pause.duration", plan(steps=[{"pause": {"duration": -1}}]), id="pause"),
        pytest.param(
            "spec.plan.steps[0].approval.deadline", plan(steps=[{"approval": {"deadline": 0}}]), id="approval"
        ),
        pytest.param(
            "spec.plan.objectives[0].margin",
            plan(objectives=[{"name": "e", "kind": "error-rate", "margin": 0}]),
            id="margin",
        ),
        pytest.param(
            "spec.plan.objectives[0].thresholdMs",
            plan(objectives=[{"name": "l", "kind": "latency", "thresholdMs": 0}]),
            id="threshold",
        ),
        pytest.param(
            "spec.plan.objectives[1].name",
            plan(objectives=[{"name": "e", "kind": "quality"}] * 2),
            id="objective-twice",
        ),
        pytest.param("spec.plan.alpha", plan(alpha=0), id="alpha"),
        pytest.param("spec.plan.bake", plan(bake=-1), id="bake"),
        pytest.param("spec.plan.maxDuration", plan(maxDuration=0), id="duration"),
        pytest.param("spec.plan.lease", plan(lease=0), id="lease"),
    ],
)
def test_a_broken_rule_names_its_field(path: str, raw: JSON) -> None:
    """Each rule alone is found, at its path, and nothing else is."""
    assert list(errors_of(raw)) == [path]


def test_a_target_that_splits_its_traffic_is_refused() -> None:
    """It is not said which predictor would be replaced."""
    split = [world.predictor("1", traffic=50), world.predictor("7", traffic=50)]

    assert list(errors_of(world.rollout("2"), *split)) == ["spec.target"]


def test_a_candidate_is_named_by_version_and_hash() -> None:
    """Another image of one version is another name; the model's facts become annotations."""
    raw = world.rollout("2", candidate={"graph": world.predictor("2")["graph"]})
    candidate = with_candidate_defaults(raw)["spec"]["candidate"]

    assert candidate["name"].startswith("v2-")
    assert candidate["annotations"]["sluicegate.dev/bundle-digest"] == world.digest("2")
    assert errors_of(raw) == {}


def running(phase: Phase = "Progressing", **desired: Any) -> ModelRollout:
    """A rollout under epoch ``e``."""
    raw = world.rollout("2", desired={"epoch": "e", "renewal": 5, "step": 3, **desired})
    return decode({**raw, "status": {"phase": phase, "epoch": "e", "rolloutId": "r"}}, ModelRollout)


def changed(rollout: ModelRollout, **desired: Any) -> ModelRollout:
    """The same with another wish."""
    return decode(
        {
            "metadata": {"name": rollout.metadata.name},
            "spec": {**world.rollout("2")["spec"], "desired": {"epoch": "e", "renewal": 6, "step": 3, **desired}},
        },
        ModelRollout,
    )


@pytest.mark.parametrize(
    ("path", "old", "wish"),
    [
        pytest.param("spec.desired.epoch", running(), {"epoch": "other"}, id="other-epoch"),
        pytest.param("spec.desired.renewal", running(), {"renewal": 4}, id="renewal-back"),
        pytest.param("spec.desired.step", running(), {"step": 2}, id="step-back"),
        pytest.param("spec.desired.weight", running(), {"weight": 101}, id="weight"),
        pytest.param("spec.desired.leaseSeconds", running(), {"leaseSeconds": 0}, id="lease"),
        pytest.param("spec.desired.intent", running(), {"intent": "Complete"}, id="complete-too-early"),
        pytest.param("spec.desired.intent", running("Baking", intent="Promote"), {"intent": "Progress"}, id="back"),
        pytest.param("spec.desired", running("Aborting"), {"weight": 5}, id="on-its-way-back"),
        pytest.param("spec.desired", running("Promoted"), {"weight": 5}, id="promoted"),
        pytest.param("spec.desired", running("RolledBack"), {"intent": "Abort"}, id="rolled-back"),
    ],
)
def test_the_fence_refuses(path: str, old: ModelRollout, wish: dict[str, Any]) -> None:
    """What an ended or another epoch wants is refused, with the reason."""
    assert [error.path for error in fence(old, changed(old, **wish))] == [path]


@pytest.mark.parametrize(
    ("old", "wish"),
    [
        pytest.param(running(), {"weight": 25, "step": 4}, id="go-on"),
        pytest.param(running(), {"weight": 0}, id="less"),
        pytest.param(running(), {"intent": "Promote"}, id="promote"),
        pytest.param(running("Baking"), {"intent": "Complete"}, id="complete"),
        pytest.param(running("Aborting"), {"intent": "Abort"}, id="abort-twice"),
    ],
)
def test_the_fence_lets_through(old: ModelRollout, wish: dict[str, Any]) -> None:
    """A living epoch is obeyed."""
    assert fence(old, changed(old, **wish)) == ()


def test_nothing_else_of_the_spec_may_change() -> None:
    """A rollout under way is what was admitted; only desired and paused move."""
    old = running()
    other = decode(
        world.rollout("2", plan={"alpha": 0.02}, desired={"epoch": "e", "renewal": 5, "step": 3}), ModelRollout
    )
    paused = decode(world.rollout("2", paused=True, desired={"epoch": "e", "renewal": 5, "step": 3}), ModelRollout)

    assert [error.path for error in fence(old, other)] == ["spec.plan"]
    assert fence(old, paused) == ()


def test_before_an_epoch_only_an_abort_is_heard() -> None:
    """Nothing was handed out yet that a workflow could write under."""
    old = decode(world.rollout("2"), ModelRollout)
    assert old.status == ModelRolloutStatus()
    assert old.spec.desired == Desired()

    weight = decode(world.rollout("2", desired={"weight": 5}), ModelRollout)
    abort = decode(world.rollout("2", desired={"intent": "Abort"}), ModelRollout)

    assert [error.path for error in fence(old, weight)] == ["spec.desired.epoch"]
    assert fence(old, abort) == ()
