"""A rollout in a person's hands: paused, it is held where it is; promoted by hand, the rest of its ladder is left out.

Steps of the ladder go through here, so that each of them may be met by a pause or a promotion. The lease is renewed
while somebody is waited for, and left long enough for the next step's process to start.
"""

import time
from collections.abc import Callable
from typing import Any

from sluicegate.components.rollout.rollouts import HANDOVER_SECONDS, Rollouts, ended
from sluicegate.serving.api.model_rollout import TERMINAL_PHASES, ModelRollout
from sluicegate.serving.client.errors import UnreachableError

PROMOTED = frozenset({"Promoting", "Baking"})
_POLL_SECONDS = 0.5
Condition = Callable[[ModelRollout], bool]


def ladder_is_over(rollout: ModelRollout) -> bool:
    """Whether somebody promoted it: then no step of the ladder has anything more to say."""
    promoting = rollout.spec.desired.intent == "Promote" and not rollout.spec.paused
    return promoting or rollout.status.phase in PROMOTED


def is_by_hand(rollout: ModelRollout) -> bool:
    """Whether a person promoted it: a workflow gives no reason for that."""
    return rollout.spec.desired.intent == "Promote" and bool(rollout.spec.desired.reason)


def held(
    access: Rollouts, epoch: str, over: Condition, *, step: int | None = None, seconds: float | None = None
) -> ModelRollout | None:
    """Keep the lease until ``over`` holds; None when it does not within ``seconds``.

    Raises RolloutEndedError when the rollout ends or goes back meanwhile.
    """
    began, renewed = time.monotonic(), float("-inf")
    where = {} if step is None else {"step": step}
    while True:
        try:
            found = access.read_now()
        except UnreachableError:
            # A control plane may be restarted; were it gone for good, the lease would run out.
            time.sleep(_POLL_SECONDS)
            continue
        if found.status.phase in TERMINAL_PHASES | {"Aborting"}:
            ended(found)
        if over(found):
            return access.desire(epoch, leaseSeconds=HANDOVER_SECONDS)
        if seconds is not None and time.monotonic() - began > seconds:
            return None
        if time.monotonic() - renewed > found.spec.plan.lease / 3:
            access.desire(epoch, **where, leaseSeconds=found.spec.plan.lease)
            renewed = time.monotonic()
        time.sleep(_POLL_SECONDS)


def reach(
    access: Rollouts, epoch: str, condition: Condition, *, step: int, timeout: float, what: str, **changes: Any
) -> ModelRollout:
    """Write what is wanted at a step of the ladder, and wait until it is so.

    A pause stops the clock. Raises RolloutEndedError, RolloutRefusedError or NotSoInTimeError.
    """
    while True:
        held(access, epoch, lambda r: not r.spec.paused or ladder_is_over(r), step=step)
        if ladder_is_over(found := access.read()):
            return found
        access.desire(epoch, step=step, leaseSeconds=HANDOVER_SECONDS, **changes)
        found = access.wait(lambda r: condition(r) or r.spec.paused or ladder_is_over(r), timeout=timeout, what=what)
        if condition(found) or ladder_is_over(found):
            return found
