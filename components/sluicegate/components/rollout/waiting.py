"""Steps that wait for a person: until somebody resumes, or until somebody approves before the deadline.

They keep the lease alive while they wait; who waits in vain gives the traffic back.
"""

import time
from typing import NamedTuple

from sluicegate.components.rollout.errors import RolloutError, UndecidedError
from sluicegate.components.rollout.holding import held, ladder_is_over
from sluicegate.components.rollout.rollouts import Rollouts
from sluicegate.components.step import step
from sluicegate.serving.api.metadata import GROUP
from sluicegate.serving.api.model_rollout import ModelRollout
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
    began = time.monotonic()
    if not ladder_is_over(access.read()):
        access.pause(f"step {index} of the plan waits until somebody resumes it")
        held(access, epoch, lambda found: not found.spec.paused or ladder_is_over(found), step=index)
    return Waited(time.monotonic() - began, "")


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
        return found.metadata.annotations.get(APPROVED_STEP) == str(index) or ladder_is_over(found)

    began = time.monotonic()
    found = held(access, epoch, approved, step=index, seconds=approval.deadline)
    if found is None:
        message = f"nobody approved step {index} within {approval.deadline:g} s"
        access.desire(epoch, intent="Abort", reason="NotApproved", message=message)
        raise UndecidedError(message)
    return Waited(time.monotonic() - began, found.metadata.annotations.get(APPROVED_BY, ""))
