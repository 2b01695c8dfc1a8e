"""The lease: how long a rollout goes on without a word from its workflow.

Counted from the last renewal that this operator saw, on its own monotonic clock: clocks of other machines, and pauses
of the workflow's machine, prove nothing. A restarted operator has seen nothing yet and counts anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sluicegate.serving.api.model_rollout import TERMINAL_PHASES, ModelRollout

UNCLAIMED_SECONDS = 600.0
"""How long a ready candidate waits for a workflow to take it up, before its servers are given back."""
LEASED_PHASES = frozenset({"Ready", "Progressing", "Promoting", "Baking"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseView:
    """One rollout's lease at one moment; seconds."""

    granted: float
    age: float = 0.0
    orphaned: str = ""
    """Why nobody will renew it any more, where that is known: what became of the workflow."""

    @property
    def expired(self) -> bool:
        """Whether nobody renewed it in time."""
        return self.age > self.granted


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseBook:
    """Which renewal of each rollout (by uid) was first seen when, in monotonic seconds."""

    seen: Mapping[str, tuple[object, float]] = field(default_factory=dict)

    def looked(self, rollouts: Iterable[ModelRollout], now: float) -> "LeaseBook":
        """The book after a look at all rollouts there are; ended ones leave it."""
        entries = {}
        for rollout in rollouts:
            if rollout.status.phase in TERMINAL_PHASES:
                continue
            uid, renewal = rollout.metadata.uid, _renewal(rollout)
            old = self.seen.get(uid)
            entries[uid] = old if old is not None and old[0] == renewal else (renewal, now)
        return LeaseBook(seen=entries)

    def view(self, rollout: ModelRollout, now: float) -> LeaseView:
        """How this rollout's lease stands."""
        granted = rollout.spec.desired.lease_seconds if is_claimed(rollout) else UNCLAIMED_SECONDS
        _, since = self.seen.get(rollout.metadata.uid, (None, now))
        return LeaseView(granted=granted, age=now - since)


def is_claimed(rollout: ModelRollout) -> bool:
    """Whether a workflow wrote under this rollout's epoch."""
    return bool(rollout.status.epoch) and rollout.spec.desired.epoch == rollout.status.epoch


def _renewal(rollout: ModelRollout) -> object:
    leased = rollout.status.phase in LEASED_PHASES
    return (leased, rollout.spec.desired.renewal if is_claimed(rollout) else None)
