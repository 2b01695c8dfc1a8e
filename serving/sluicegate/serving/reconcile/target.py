"""A rollout's target: which of the two predictors the SeldonDeployment names now, and how one is put for the other.

The raw JSON is what gets patched, so that fields we do not know survive a promotion and its taking back. So does a
number of replicas that somebody changed meanwhile: who scales a deployment does not know which of the two it names.
"""

from dataclasses import dataclass
from typing import Literal

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.defaults import stable_of
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.names import revision_of
from sluicegate.serving.api.seldon_deployment import PredictorSpec, SeldonDeployment

TargetState = Literal["stable", "candidate", "changed", "deleted"]
"""Which predictor is the target's own: the one before the rollout, the candidate, something else; or it is gone."""

Swap = Literal["promote", "restore"]
"""``promote`` puts the candidate in the stable predictor's place, ``restore`` puts it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A SeldonDeployment, read and raw."""

    view: SeldonDeployment
    raw: JSON


def state_of(deployment: SeldonDeployment | None, rollout: ModelRollout) -> TargetState:
    """What a started rollout finds at its target."""
    if deployment is None or deployment.metadata.deletion_timestamp is not None:
        return "deleted"
    own = stable_of(deployment.spec)
    if own is not None and _same(own, decode(rollout.status.stable_predictor, PredictorSpec)):
        return "stable"
    return "candidate" if own is not None and _same(own, rollout.spec.candidate) else "changed"


def raw_predictor(target: JSON, name: str) -> JSON:
    """The predictor of that name, as it was written."""
    return next(dict(predictor) for predictor in target["spec"]["predictors"] if predictor.get("name") == name)


def promoted(target: JSON, rollout: JSON, status_stable: str) -> JSON:
    """The SeldonDeployment with the candidate in the stable predictor's place."""
    into = {**rollout["spec"]["candidate"], "traffic": 100}
    return _with(target, status_stable, into, before=rollout["status"]["stablePredictor"])


def restored(target: JSON, rollout: JSON) -> JSON:
    """The SeldonDeployment with its predictor of before the rollout back in its place."""
    candidate = rollout["spec"]["candidate"]
    return _with(target, candidate["name"], dict(rollout["status"]["stablePredictor"]), before=candidate)


def swapped(target: JSON, rollout: JSON, stable: str, swap: Swap) -> JSON:
    """The SeldonDeployment after a swap; ``stable`` is the name of its predictor before the rollout."""
    return promoted(target, rollout, stable) if swap == "promote" else restored(target, rollout)


def _same(one: PredictorSpec, other: PredictorSpec) -> bool:
    return one.name == other.name and revision_of(one) == revision_of(other)


def _with(target: JSON, out: str, into: JSON, before: JSON) -> JSON:
    """``into`` in the place of the predictor called ``out``, which was as ``before`` when the rollout put it there."""
    predictors = [
        _scaled_alike(into, predictor, before) if predictor.get("name") == out else predictor
        for predictor in target["spec"]["predictors"]
    ]
    return target | {"spec": target["spec"] | {"predictors": predictors}}


def _scaled_alike(into: JSON, now: JSON, before: JSON) -> JSON:
    replicas = now.get("replicas")
    return into if replicas is None or replicas == before.get("replicas") else into | {"replicas": replicas}
