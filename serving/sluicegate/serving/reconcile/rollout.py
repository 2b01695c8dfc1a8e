"""The phases of a rollout as one pure function, called at each look of the operator.

Everything is derived from what is stored and observed, and an intention is stored (as phase) before it is acted upon:
whoever is killed between two writes finds at the next start what was meant. The target is swapped only under a stored
``Promoting`` or ``Aborting``; a phase that ends is entered only when the gateway acknowledged what it says.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import msgspec

from sluicegate.serving.api.conditions import condition, since, timestamp
from sluicegate.serving.api.defaults import model_of, stable_of
from sluicegate.serving.api.metadata import PAUSED_ANNOTATION, Condition
from sluicegate.serving.api.model_rollout import TERMINAL_PHASES, ModelRollout, ModelRolloutStatus, Phase
from sluicegate.serving.reconcile.admission import Admission, admit, has_started, superseded_by
from sluicegate.serving.reconcile.ending import ORPHANED, Cause, cause_to_end
from sluicegate.serving.reconcile.lease import LeaseView, is_claimed
from sluicegate.serving.reconcile.notices import Notice
from sluicegate.serving.reconcile.target import Swap, Target, TargetState, raw_predictor, state_of
from sluicegate.serving.reconcile.traffic import is_foreign
from sluicegate.serving.reconcile.workloads import Observed, workload_of

_LONGEST = 1000
_GOOD: frozenset[Phase] = frozenset({"Pending", "Queued", "Ready", "Progressing", "Promoting", "Baking", "Promoted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The status to store, then perhaps a change of the target, and what to tell people."""

    status: ModelRolloutStatus
    swap: Swap | None = None
    notices: tuple[Notice, ...] = ()


def advance(
    rollout: ModelRollout,
    target: Target | None,
    observed: Observed,
    lease: LeaseView,
    now: float,
    others: Iterable[ModelRollout] = (),
) -> Decision:
    """What is to be done about a rollout now (seconds since 1970). ``target`` None: there is no such deployment."""
    if rollout.status.phase in TERMINAL_PHASES:
        return Decision(status=rollout.status)
    others = tuple(others)
    if not has_started(rollout):
        return _noticed(rollout, Decision(status=_begun(rollout, target, lease, others, now)))
    seen = _seen(rollout, target, observed, now)
    cause = cause_to_end(seen, target, observed, lease, now)
    heir = superseded_by(seen, others)
    if heir and cause is None:
        cause = Cause(reason="Superseded", message=f"rollout {heir!r} takes its place")
    if cause is not None and seen.status.phase != "Aborting":
        return _noticed(rollout, Decision(status=_aborting(seen, cause, now)))
    return _noticed(rollout, _step(seen, target, observed, now))


def _begun(
    rollout: ModelRollout, target: Target | None, lease: LeaseView, others: tuple[ModelRollout, ...], now: float
) -> ModelRolloutStatus:
    heir = superseded_by(rollout, others)
    if heir:
        admission = Admission(verdict="refuse", reason="Superseded", message=f"rollout {heir!r} takes its place")
    elif rollout.spec.desired.intent == "Abort":
        admission = Admission(verdict="refuse", reason="Aborted", message=rollout.spec.desired.message)
    elif lease.orphaned:
        admission = Admission(verdict="refuse", reason=ORPHANED, message=lease.orphaned)
    else:
        admission = admit(rollout, others, target.view if target is not None else None)
    said = {"reason": admission.reason, "message": admission.message, "candidate": rollout.spec.candidate.name}
    match admission.verdict:
        case "refuse":
            gone = admission.reason in ("Superseded", "Aborted", ORPHANED)
            return _entered(rollout.status, "RolledBack" if gone else "Refused", ended_at=timestamp(now), **said)
        case "wait":
            return _entered(rollout.status, "Queued", **said)
        case _:
            return _started(rollout, target, now)


def _started(rollout: ModelRollout, target: Target | None, now: float) -> ModelRolloutStatus:
    own = stable_of(target.view.spec) if target is not None else None
    if target is None or own is None:
        return rollout.status
    return _entered(
        rollout.status,
        "Pending",
        rollout_id=rollout.metadata.uid,
        stable=own.name,
        stable_predictor=raw_predictor(target.raw, own.name),
        stable_model=model_of(own),
        candidate=rollout.spec.candidate.name,
        started_at=timestamp(now),
        observed_generation=rollout.metadata.generation,
        reason="",
        message="",
    )


def _seen(rollout: ModelRollout, target: Target | None, observed: Observed, now: float) -> ModelRollout:
    """The rollout with what is observed of it."""
    desired, claimed = rollout.spec.desired, is_claimed(rollout)
    status = msgspec.structs.replace(
        rollout.status,
        traffic={name: share for name, share in sorted(observed.traffic.items()) if share},
        mirror={name: share for name, share in sorted(observed.mirror.items()) if share},
        observed_generation=rollout.metadata.generation,
        step=desired.step if claimed else rollout.status.step,
        lease_renewal=desired.renewal if claimed else rollout.status.lease_renewal,
        evidence=desired.evidence if claimed and desired.evidence else rollout.status.evidence,
        conditions=since(rollout.status.conditions, (_readiness(rollout, target, observed), *_pause(rollout)), now),
    )
    return msgspec.structs.replace(rollout, status=status)


def _pause(rollout: ModelRollout) -> tuple[Condition, ...]:
    """Why it waits, in the words of whoever paused it; nothing while it does not."""
    if not rollout.spec.paused:
        return ()
    because = rollout.metadata.annotations.get(PAUSED_ANNOTATION, "somebody set spec.paused, and did not say why")
    return (condition("Paused", holds=True, reason="WaitsForAPerson", message=because[:_LONGEST]),)


def _readiness(rollout: ModelRollout, target: Target | None, observed: Observed) -> Condition:
    if target is None:
        return condition("CandidateReady", None, "TargetMissing")
    workload = workload_of(target.view, rollout.spec.candidate)
    servers = [replica for replica in observed.replicas if replica.key == workload.key]
    ready = sum(replica.state == "Ready" for replica in servers)
    words = next((replica.message for replica in servers if replica.state == "Failed"), "")
    if ready >= workload.replicas:
        return condition("CandidateReady", holds=True, reason="AllReady", message=f"{ready} ready")
    message = f"{ready} of {workload.replicas} ready" + (f"; {words}" if words else "")
    return condition("CandidateReady", holds=False, reason="Failing" if words else "Starting", message=message)


def _step(rollout: ModelRollout, target: Target | None, observed: Observed, now: float) -> Decision:
    state = state_of(target.view if target is not None else None, rollout)
    moment = _Moment(rollout=rollout, status=rollout.status, state=state, observed=observed, now=now)
    following = _STEPS.get(rollout.status.phase)
    return (following(moment) if following is not None else None) or Decision(status=rollout.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    rollout: ModelRollout
    status: ModelRolloutStatus
    state: TargetState
    observed: Observed
    now: float

    @property
    def candidate_has_all(self) -> bool:
        return self.observed.settled and self.status.traffic.get(self.status.candidate, 0) == 100

    @property
    def candidate_has_nothing(self) -> bool:
        seen, name = self.observed, self.status.candidate
        return seen.settled and not seen.traffic.get(name) and not seen.mirror.get(name)


def _pending(moment: _Moment) -> Decision | None:
    if moment.status.conditions[0].status != "True":
        return None
    return Decision(status=_entered(moment.status, "Ready", epoch=f"{moment.rollout.metadata.uid}.1"))


def _ready(moment: _Moment) -> Decision | None:
    return Decision(status=_entered(moment.status, "Progressing")) if is_claimed(moment.rollout) else None


def _progressing(moment: _Moment) -> Decision | None:
    spec = moment.rollout.spec
    if spec.desired.intent not in ("Promote", "Complete") or spec.paused:
        return None
    return Decision(status=_entered(moment.status, "Promoting", message=spec.desired.message))


def _promoting(moment: _Moment) -> Decision | None:
    # Only once all users have it is it written down as the target's own.
    if not moment.candidate_has_all:
        return None
    if moment.state == "stable":
        return Decision(status=moment.status, swap="promote")
    return Decision(status=_entered(moment.status, "Baking", promoted_at=timestamp(moment.now)))


def _baking(moment: _Moment) -> Decision | None:
    desired = moment.rollout.spec.desired
    if desired.intent != "Complete":
        return None
    said = {"reason": desired.reason or "Completed", "message": desired.message}
    return Decision(status=_entered(moment.status, "Promoted", ended_at=timestamp(moment.now), **said))


def _going_back(moment: _Moment) -> Decision | None:
    if moment.state == "candidate" and not is_foreign(moment.rollout):
        return Decision(status=moment.status, swap="restore")
    if moment.candidate_has_nothing or (moment.state == "candidate" and moment.observed.settled):
        return Decision(status=_entered(moment.status, "RolledBack", ended_at=timestamp(moment.now)))
    return None


_STEPS: dict[Phase, Callable[[_Moment], Decision | None]] = {
    "Pending": _pending,
    "Ready": _ready,
    "Progressing": _progressing,
    "Promoting": _promoting,
    "Baking": _baking,
    "Aborting": _going_back,
}


def _aborting(rollout: ModelRollout, cause: Cause, now: float) -> ModelRolloutStatus:
    said = {"reason": cause.reason, "message": cause.message}
    if rollout.status.phase == "Pending" and cause.reason == "BundleRefused":
        return _entered(rollout.status, "Refused", ended_at=timestamp(now), **said)
    return _entered(rollout.status, "Aborting", **said)


def _entered(status: ModelRolloutStatus, phase: Phase, **changes: object) -> ModelRolloutStatus:
    return msgspec.structs.replace(status, phase=phase, **changes)


def _noticed(rollout: ModelRollout, decision: Decision) -> Decision:
    old, new = rollout.status, decision.status
    notices = []
    if new.phase != old.phase or new.reason != old.reason:
        text = ": ".join(part for part in (new.reason, new.message) if part) or f"from {old.phase}"
        notices.append(Notice(reason=new.phase, message=text, type="Normal" if new.phase in _GOOD else "Warning"))
    if new.traffic != old.traffic:
        shares = ", ".join(f"{name} {share} %" for name, share in new.traffic.items()) or "nobody"
        notices.append(Notice(reason="TrafficShifted", message=f"requests go to {shares}"))
    return replace(decision, notices=tuple(notices))
