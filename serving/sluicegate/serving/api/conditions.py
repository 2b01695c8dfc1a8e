"""Conditions that only move when the fact does: a status that is written on every look would wake every watcher."""

from datetime import UTC, datetime

import msgspec

from sluicegate.serving.api.metadata import Condition, ConditionStatus


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC, whole seconds, as Kubernetes writes times."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_of(text: str) -> float | None:
    """Seconds since 1970 of a Kubernetes time; None for anything else."""
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def since(old: tuple[Condition, ...], new: tuple[Condition, ...], now: float) -> tuple[Condition, ...]:
    """``new``, each with the time of its last change of status: kept from ``old`` when it says the same."""
    before = {condition.type: condition for condition in old}
    return tuple(_dated(before.get(condition.type), condition, now) for condition in new)


def condition(kind: str, holds: bool | None, reason: str, message: str = "") -> Condition:
    """A condition; None for "nobody knows"."""
    status: ConditionStatus = "Unknown" if holds is None else "True" if holds else "False"
    return Condition(type=kind, status=status, reason=reason, message=message)


def _dated(old: Condition | None, new: Condition, now: float) -> Condition:
    same = old is not None and old.status == new.status and old.last_transition_time
    return msgspec.structs.replace(
        new, last_transition_time=old.last_transition_time if old is not None and same else timestamp(now)
    )
