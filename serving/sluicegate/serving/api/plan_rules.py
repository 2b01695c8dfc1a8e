"""Whether a rollout plan can be played and judged."""

import math
import re
from collections.abc import Iterator

import msgspec

from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.rollout_plan import HeaderMatch, Objective, RolloutPlan, SetHeaderRoute, Step

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def plan_errors(plan: RolloutPlan, path: str) -> Iterator[FieldError]:
    """Everything wrong with a plan."""
    for index, step in enumerate(plan.steps):
        yield from _step_errors(step, f"{path}.steps[{index}]")
    names = [objective.name for objective in plan.objectives]
    for index, objective in enumerate(plan.objectives):
        yield from _objective_errors(objective, names[:index], f"{path}.objectives[{index}]")
    if not 0 < plan.alpha <= 0.5:
        yield FieldError(path=f"{path}.alpha", found=str(plan.alpha), expected="above 0 and at most 0.5")
    if not plan.bake >= 0 or math.isinf(plan.bake):
        yield FieldError(path=f"{path}.bake", found=str(plan.bake), expected="0 or more seconds")
    yield from positive(plan.max_duration, f"{path}.maxDuration")
    yield from positive(plan.lease, f"{path}.lease")


def positive(seconds: float, path: str) -> Iterator[FieldError]:
    """A duration is a finite number of seconds above 0."""
    if not 0 < seconds < math.inf:
        yield FieldError(path=path, found=str(seconds), expected="seconds, above 0")


def _step_errors(step: Step, path: str) -> Iterator[FieldError]:
    given = [field.encode_name for field in msgspec.structs.fields(Step) if getattr(step, field.name) is not None]
    if len(given) != 1:
        choices = ", ".join(field.encode_name for field in msgspec.structs.fields(Step))
        yield FieldError(path=path, found=", ".join(given) or "nothing", expected=f"exactly one of {choices}")
    if step.set_weight is not None:
        yield from _percent(step.set_weight, f"{path}.setWeight")
    if step.set_mirror_route is not None:
        yield from _percent(step.set_mirror_route.percentage, f"{path}.setMirrorRoute.percentage")
    if step.set_header_route is not None:
        yield from header_route_errors(step.set_header_route, f"{path}.setHeaderRoute")
    if step.analysis is not None:
        yield from positive(step.analysis.max_duration, f"{path}.analysis.maxDuration")
        if step.analysis.min_sample_size < 1:
            found = str(step.analysis.min_sample_size)
            yield FieldError(path=f"{path}.analysis.minSampleSize", found=found, expected="at least 1")
    if step.pause is not None and step.pause.duration is not None:
        yield from positive(step.pause.duration, f"{path}.pause.duration")
    if step.approval is not None:
        yield from positive(step.approval.deadline, f"{path}.approval.deadline")


def header_route_errors(route: SetHeaderRoute, path: str) -> Iterator[FieldError]:
    """What is wrong with a header route."""
    if not route.name or not route.match:
        yield FieldError(path=path, found="", expected="a name and at least one match")
    for index, match in enumerate(route.match):
        yield from _match_errors(match, f"{path}.match[{index}]")


def _match_errors(match: HeaderMatch, path: str) -> Iterator[FieldError]:
    if _HEADER.fullmatch(match.header_name) is None:
        yield FieldError(path=f"{path}.headerName", found=repr(match.header_name), expected="the name of a header")
    value = match.header_value
    if len([text for text in (value.exact, value.prefix, value.regex) if text]) != 1:
        yield FieldError(path=f"{path}.headerValue", found="", expected="exactly one of exact, prefix, regex")
    try:
        re.compile(value.regex)
    except re.error as error:
        yield FieldError(path=f"{path}.headerValue.regex", found=repr(value.regex), expected=f"a regex ({error})")


def _objective_errors(objective: Objective, earlier: list[str], path: str) -> Iterator[FieldError]:
    if not objective.name or objective.name in earlier:
        yield FieldError(path=f"{path}.name", found=repr(objective.name), expected="a name that no other objective has")
    # A margin of nothing can be missed but never be proven, so such a rollout could not end well.
    least = "above 0" if objective.kind != "drift" and not objective.dry_run else "0 or more"
    if not 0 <= objective.margin < 1 or (least == "above 0" and objective.margin == 0):
        yield FieldError(path=f"{path}.margin", found=str(objective.margin), expected=f"a share {least} and below 1")
    if objective.kind == "latency" and not 0 < objective.threshold_ms < math.inf:
        found = str(objective.threshold_ms)
        yield FieldError(path=f"{path}.thresholdMs", found=found, expected="milliseconds, above 0")


def _percent(share: int, path: str) -> Iterator[FieldError]:
    if not 0 <= share <= 100:
        yield FieldError(path=path, found=str(share), expected="0 to 100 percent")
