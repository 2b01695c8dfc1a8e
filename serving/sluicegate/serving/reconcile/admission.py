"""Whether a rollout may start: one at a time on a target, and no candidate that was sent back before.

Asked by the API when one is submitted, and again by the operator when it would start: between the two, others came.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sluicegate.serving.api.metadata import DIGEST_ANNOTATION
from sluicegate.serving.api.model_rollout import TERMINAL_PHASES, ModelRollout
from sluicegate.serving.api.rollout_validation import target_errors
from sluicegate.serving.api.seldon_deployment import SeldonDeployment

HARM_REASONS = frozenset({"HarmProven", "BundleRefused", "CandidateFailed", "RefusedBefore"})
"""Reasons that speak against the candidate itself; a lost workflow or a superseding rollout does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """``wait``: another rollout, or the target's creation, comes first."""

    verdict: Literal["start", "wait", "refuse"]
    reason: str = ""
    message: str = ""


def admit(rollout: ModelRollout, others: Iterable[ModelRollout], target: SeldonDeployment | None) -> Admission:
    """Decide about a rollout that has not started. ``others`` are all rollouts there are, ended ones too."""
    # One of the same name is no rival but this very rollout, submitted once more; the store says that it is there.
    rivals = [other for other in others if _same_target(other, rollout) and not _same_name(other, rollout)]
    before = next((other for other in rivals if _was_sent_back(other, rollout)), None)
    if before is not None and not rollout.spec.retry_refused:
        return Admission(verdict="refuse", reason="RefusedBefore", message=_refused_before(before))
    ahead = [other for other in rivals if _is_ahead(other, rollout)]
    if ahead and rollout.spec.concurrency == "refuse":
        return Admission(verdict="refuse", reason="TargetBusy", message=_busy(ahead[0]))
    if ahead:
        return Admission(
            verdict="wait", reason="Queued", message=f"waits for rollout {ahead[0].metadata.name!r} to end"
        )
    if target is None:
        message = f"waits for SeldonDeployment {rollout.spec.target!r} to be created"
        return Admission(verdict="wait", reason="TargetMissing", message=message)
    wrong = "; ".join(map(str, target_errors(rollout.spec, target)))
    if wrong:
        return Admission(verdict="refuse", reason="InvalidForTarget", message=wrong)
    return Admission(verdict="start")


def superseded_by(rollout: ModelRollout, others: Iterable[ModelRollout]) -> str:
    """The name of a later rollout that asked to take this one's place, or nothing."""
    later = (
        other.metadata.name
        for other in others
        if _same_target(other, rollout) and other.spec.concurrency == "supersede" and _is_ahead(rollout, other)
    )
    return next(later, "")


def digest_of(rollout: ModelRollout) -> str:
    """The candidate's bundle."""
    stated = rollout.spec.model.bundle_digest if rollout.spec.model is not None else ""
    return stated or rollout.spec.candidate.annotations.get(DIGEST_ANNOTATION, "")


def has_started(rollout: ModelRollout) -> bool:
    """Whether the operator took it up."""
    return bool(rollout.status.rollout_id)


def under_way(rollouts: Iterable[ModelRollout]) -> ModelRollout | None:
    """The one that has started and not ended."""
    living = (each for each in rollouts if has_started(each) and each.status.phase not in TERMINAL_PHASES)
    return next(living, None)


def _is_ahead(other: ModelRollout, rollout: ModelRollout) -> bool:
    """Whether ``other`` goes first: it runs, or waits longer. One without a creation time is being submitted now."""
    if other.status.phase in TERMINAL_PHASES or has_started(rollout):
        return False
    return has_started(other) or _order(other) < _order(rollout)


def _order(rollout: ModelRollout) -> tuple[str, str]:
    return (rollout.metadata.creation_timestamp or "~", rollout.metadata.name)


def _same_target(one: ModelRollout, other: ModelRollout) -> bool:
    return (one.metadata.namespace, one.spec.target) == (other.metadata.namespace, other.spec.target)


def _same_name(one: ModelRollout, other: ModelRollout) -> bool:
    return (one.metadata.namespace, one.metadata.name) == (other.metadata.namespace, other.metadata.name)


def _was_sent_back(other: ModelRollout, rollout: ModelRollout) -> bool:
    ended = other.status.phase in ("Refused", "RolledBack") and other.status.reason in HARM_REASONS
    return ended and bool(digest_of(rollout)) and digest_of(other) == digest_of(rollout)


def _refused_before(before: ModelRollout) -> str:
    return (
        f"this bundle was sent back by rollout {before.metadata.name!r} ({before.status.reason}: "
        f"{before.status.message}); to try it again, start it with --retry-refused (spec.retryRefused: true)"
    )


def _busy(ahead: ModelRollout) -> str:
    return (
        f"rollout {ahead.metadata.name!r} of {ahead.spec.target!r} is {ahead.status.phase}; wait for its end, "
        "or set spec.concurrency to queue or supersede"
    )
