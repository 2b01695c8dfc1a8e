"""``read-plan``: what the plan's step at an index asks for, as scalars that a workflow's ``when`` can compare.

The rollout's workflow is one template that calls itself for each index; this step tells it which branch to take.
"""

from typing import Any, NamedTuple

from sluicegate.components.rollout.errors import RolloutError
from sluicegate.components.step import step
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.rollout_plan import RolloutPlan, Step


class PlanStep(NamedTuple):
    """One step of the plan. ``kind`` is set-weight, set-mirror-route, set-header-route, analysis, pause or approval;
    ``seconds`` is a pause's or an approval's limit (0: until resumed).
    """

    kind: str
    weight: int
    percentage: int
    seconds: float
    next_index: int
    more: bool


@step("read-plan")
def read_plan(*, plan: dict[str, Any], index: int) -> PlanStep:
    """Tell what the rollout plan asks for at one index.

    Raises RolloutError when the plan has no step of that index.
    """
    steps = decode(plan, RolloutPlan).steps
    if not 0 <= index < len(steps):
        raise RolloutError(f"plan.steps[{index}]: the plan has {len(steps)} steps")
    kind, weight, percentage, seconds = _scalars(steps[index])
    return PlanStep(kind, weight, percentage, seconds, index + 1, index + 1 < len(steps))


def _scalars(step_: Step) -> tuple[str, int, int, float]:
    if step_.set_weight is not None:
        return "set-weight", step_.set_weight, 0, 0.0
    if step_.set_mirror_route is not None:
        return "set-mirror-route", 0, step_.set_mirror_route.percentage, 0.0
    if step_.set_header_route is not None:
        return "set-header-route", 0, 0, 0.0
    if step_.pause is not None:
        return ("pause", 0, 0, step_.pause.duration) if step_.pause.duration else ("hold", 0, 0, 0.0)
    if step_.approval is not None:
        return "approval", 0, 0, step_.approval.deadline
    return "analysis", 0, 0, 0.0
