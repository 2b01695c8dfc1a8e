"""What ends a rollout before its promotion is complete: each cause with a reason and a sentence."""

import math
from dataclasses import dataclass

from sluicegate.serving.api.conditions import seconds_of
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.reconcile.lease import LEASED_PHASES, LeaseView, is_claimed
from sluicegate.serving.reconcile.target import Target, TargetState, state_of
from sluicegate.serving.reconcile.workloads import Observed, Replica, workload_of

PROGRESS_DEADLINE_SECONDS = 600.0
"""How long a candidate may take to become ready, unless its predictor says otherwise."""
CRASH_LIMIT = 3
"""Restarts after which a candidate that is not ready counts as failing; a single crash is for the analysis to judge."""
REFUSED_PREFIX = "refused:"
ORPHANED = "WorkflowDied"
"""Reason of a rollout that ends because its workflow is known to be gone."""
_EXPECTED: dict[str, tuple[TargetState, ...]] = {"Promoting": ("stable", "candidate"), "Baking": ("candidate",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why a rollout ends."""

    reason: str
    message: str


def cause_to_end(
    rollout: ModelRollout, target: Target | None, observed: Observed, lease: LeaseView, now: float
) -> Cause | None:
    """The first cause that holds, the one that says most about the world first."""
    return (
        _target_cause(rollout, target)
        or _intent_cause(rollout)
        or _candidate_cause(rollout, target, observed)
        or _lease_cause(rollout, lease)
        or _deadline_cause(rollout, now)
    )


def seconds_to_next(rollout: ModelRollout, lease: LeaseView, now: float) -> float:
    """Seconds until time alone may give a cause; everything else that could is seen when it happens."""
    if rollout.status.phase == "Aborting":
        return math.inf  # it ends already; a deadline that has passed meanwhile is no cause to look without a pause
    ends = [_deadline(rollout, rollout.spec.plan.max_duration, now)]
    if rollout.status.phase in LEASED_PHASES:
        ends.append(lease.granted - lease.age)
    if rollout.status.phase == "Pending":
        ends.append(_deadline(rollout, _patience(rollout), now))
    return max(min(ends), 0.0)


def refusal_of(rollout: ModelRollout, target: Target | None, observed: Observed) -> str:
    """The candidate's server's words when it refused its bundle, or nothing."""
    words = (replica.message for replica in _candidate(rollout, target, observed) if replica.state != "Ready")
    return next((text.removeprefix(REFUSED_PREFIX).strip() for text in words if text.startswith(REFUSED_PREFIX)), "")


def _target_cause(rollout: ModelRollout, target: Target | None) -> Cause | None:
    state = state_of(target.view if target is not None else None, rollout)
    if state in _EXPECTED.get(rollout.status.phase, ("stable",)):
        return None
    name = rollout.spec.target
    if state == "deleted":
        return Cause(reason="TargetDeleted", message=f"SeldonDeployment {name!r} was deleted during the rollout")
    message = f"the predictor of SeldonDeployment {name!r} was changed during the rollout; what it says now is served"
    return Cause(reason="TargetChanged", message=message)


def _intent_cause(rollout: ModelRollout) -> Cause | None:
    desired = rollout.spec.desired
    # An abort under no epoch was written before one was handed out, and is meant all the same.
    if desired.intent != "Abort" or desired.epoch not in ("", rollout.status.epoch):
        return None
    return Cause(reason=desired.reason or "Aborted", message=desired.message)


def _candidate_cause(rollout: ModelRollout, target: Target | None, observed: Observed) -> Cause | None:
    refusal = refusal_of(rollout, target, observed)
    if refusal:
        return Cause(reason="BundleRefused", message=refusal)
    for replica in _candidate(rollout, target, observed):
        if replica.state != "Ready" and replica.restarts >= CRASH_LIMIT:
            message = f"the candidate's server ended {replica.restarts} times; {replica.message}".rstrip("; ")
            return Cause(reason="CandidateFailed", message=message)
    return None


def _lease_cause(rollout: ModelRollout, lease: LeaseView) -> Cause | None:
    # A workflow that asked for the end of the bake has said its last word; what it asked for is done.
    if lease.orphaned and rollout.spec.desired.intent != "Complete":
        return Cause(reason=ORPHANED, message=lease.orphaned)
    if rollout.status.phase not in LEASED_PHASES or not lease.expired:
        return None
    if not is_claimed(rollout):
        message = f"no workflow took the rollout up within {lease.granted:g} s"
        return Cause(reason="Unclaimed", message=message)
    message = f"the workflow was not heard of for {lease.granted:g} s (renewal {rollout.spec.desired.renewal})"
    return Cause(reason="LeaseExpired", message=message)


def _deadline_cause(rollout: ModelRollout, now: float) -> Cause | None:
    patience, longest = _patience(rollout), rollout.spec.plan.max_duration
    if rollout.status.phase == "Pending" and _deadline(rollout, patience, now) < 0:
        return Cause(reason="ProgressDeadlineExceeded", message=f"the candidate was not ready within {patience:g} s")
    if _deadline(rollout, longest, now) < 0:
        return Cause(reason="DeadlineExceeded", message=f"the rollout took longer than its plan's {longest:g} s")
    return None


def _patience(rollout: ModelRollout) -> float:
    return float(rollout.spec.candidate.progress_deadline_seconds or PROGRESS_DEADLINE_SECONDS)


def _deadline(rollout: ModelRollout, allowed: float, now: float) -> float:
    """Seconds that are left of those allowed since the rollout's start."""
    started = seconds_of(rollout.status.started_at)
    return allowed - (now - started) if started is not None else allowed


def _candidate(rollout: ModelRollout, target: Target | None, observed: Observed) -> list[Replica]:
    if target is None:
        return []
    key = workload_of(target.view, rollout.spec.candidate).key
    return [replica for replica in observed.replicas if replica.key == key]
