"""Conditions of a ``resource`` template, as Argo reads them: label selectors whose keys are paths into the object.

Failure: any requirement of ``failureCondition`` that matches; success: all of ``successCondition``. Failure is
looked at first. Source: Argo Workflows, "Kubernetes Resources".
"""

import re
from typing import Any

from sluicegate.pipelines.workflows.errors import ConditionError

_REQUIREMENT = re.compile(
    r"^\s*(?:(?P<absent>!)\s*)?(?P<key>[\w./\-\\]+)\s*(?:(?P<operator>==|=|!=|>|<|\bnotin\b|\bin\b)\s*(?P<value>\([^)]*\)|[^\s()]*))?\s*$"
)


def matches(condition: str, value: dict[str, Any], *, every: bool) -> bool:
    """Whether all (or any) comma-separated requirements hold for the object.

    Raises ConditionError when the condition cannot be read.
    """
    outcomes = [_holds(part, value) for part in _split(condition)]
    return all(outcomes) if every else any(outcomes)


def _split(condition: str) -> list[str]:
    return [part for part in re.split(r",(?![^()]*\))", condition) if part.strip()]


def _holds(requirement: str, value: dict[str, Any]) -> bool:
    match = _REQUIREMENT.match(requirement)
    if match is None:
        raise ConditionError(
            f"condition {requirement.strip()!r}: expected KEY OPERATOR VALUE, as in status.phase == Ready"
        )
    found = lookup(value, match["key"])
    operator, wanted = match["operator"], match["value"]
    if operator is None:
        return (found is None) is bool(match["absent"])
    return _compare(operator, found, wanted)


def _compare(operator: str, found: str | None, wanted: str) -> bool:
    choices = [choice.strip() for choice in wanted.strip("()").split(",")]
    if operator in {"=", "==", "in"}:
        return found in choices
    if operator in {"!=", "notin"}:
        return found not in choices
    try:
        left, right = int(found or ""), int(wanted)
    except ValueError:
        return False
    return left > right if operator == ">" else left < right


def lookup(value: Any, path: str) -> str | None:
    """The text at a dotted path, or None; list items by number."""
    for key in path.split("."):
        if isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return None
    return str(value).lower() if isinstance(value, bool) else str(value)
