"""Steps that wait for a person: until somebody resumes, or until somebody approves before the deadline.

They keep the lease alive while they wait; who waits in vain gives the traffic back.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from sluicegate.components.rollout.errors import RolloutError, UndecidedError
from sluicegate.components.rollout.rollouts import Rollouts, ended
from sluicegate.components.step import step
from sluicegate.serving.api.metadata import GROUP
from sluicegate.serving.api.model_rollout import TERMINAL_PHASES, ModelRollout
from sluicegate.serving.client.objects import Objects

APPROVED_STEP = f"{GROUP}/approved-step"
"""Annotation on a ModelRollout: the index of the plan's step that was approved."""
APPROVED_BY = f"{GROUP}/approved-by"


class Waited(NamedTuple):
    """How long it took, in seconds, and who ended the wait, where that is known."""

    seconds: float
    by: str


@step("await-resume", effects=True)
def await_resume(*, rollout: str, epoch: str, index: int, namespace: str = "default") -> Waited:
    """Pause the rollout where it is, until somebody resumes it.

    Raises RolloutEndedError when it ends or goes back meanwhile.
    """
    access = Rollouts(objects=Objects(), name=rollout, namespace=namespace)
    access.pause()
    return _held(access, epoch, index, lambda found: not found.spec.paused, deadline=None)


@step("await-approval", effects=True)
def await_approval(*, rollout: str, epoch: str, index: int, namespace: str = "default") -> Waited:
    """Wait until a person approves this step of the plan, at most until the step's deadline.

    Raises UndecidedError when nobody came, RolloutEndedError when the rollout ends or goes back meanwhile.
    """
    access = Rollouts(objects=Objects(), name=rollout, namespace=namespace)
    approval = access.read().spec.plan.steps[index].approval
    if approval is None:
        raise RolloutError(f"plan.steps[{index}] is no approval")

    def approved(found: ModelRollout) -> bool:
        return found.metadata.annotations.get(APPROVED_STEP) == str(index)

    return _held(access, epoch, index, approved, deadline=approval.deadline)


def _held(
    access: Rollouts, epoch: str, index: int, over: Callable[[ModelRollout], bool], *, deadline: float | None
) -> Waited:
    began = time.monotonic()
    renewed = float("-inf")
    while True:
        found = access.read()
        if found.status.phase in TERMINAL_PHASES | {"Aborting"}:
            ended(found)
        if over(found):
            return Waited(time.monotonic() - began, found.metadata.annotations.get(APPROVED_BY, ""))
        if deadline is not None and time.monotonic() - began > deadline:
            message = f"nobody approved step {index} within {deadline:g} s"
            access.desire(epoch, intent="Abort", reason="NotApproved", message=message)
            raise UndecidedError(message)
        if time.monotonic() - renewed > found.spec.plan.lease / 3:
            access.desire(epoch, step=index, leaseSeconds=found.spec.plan.lease)
            renewed = time.monotonic()
        time.sleep(0.5)
