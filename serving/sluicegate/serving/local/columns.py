"""Cells of printer columns: a field, a traffic split, an age, in the words of ``kubectl get``."""

from datetime import UTC, datetime
from typing import Any

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.kinds import Column, Scalar


def value_at(obj: Any, path: str) -> Any:
    """What stands at a dotted path, None when nothing does."""
    for key in path.split("."):
        obj = obj.get(key) if isinstance(obj, dict) else None
    return obj


def field_column(name: str, path: str, *, description: str = "", priority: int = 0) -> Column:
    """A column that shows a scalar field; empty when it is not there."""

    def cell(obj: JSON, _now: datetime) -> Scalar:
        value = value_at(obj, path)
        return value if isinstance(value, str | int | float | bool) else ""

    return Column(name=name, cell=cell, description=description or f"The object's {path}.", priority=priority)


def shares_column(name: str, path: str, *, description: str = "", priority: int = 0) -> Column:
    """A column that shows percentages by predictor, largest first: ``v1=95 v2=5``."""

    def cell(obj: JSON, _now: datetime) -> Scalar:
        shares = value_at(obj, path)
        if not isinstance(shares, dict):
            return ""
        ordered = sorted(shares.items(), key=lambda share: (-_number(share[1]), share[0]))
        return " ".join(f"{predictor}={share}" for predictor, share in ordered)

    return Column(name=name, cell=cell, description=description, priority=priority)


def count_column(name: str, path: str) -> Column:
    """A column that counts the entries of a map."""

    def cell(obj: JSON, _now: datetime) -> Scalar:
        entries = value_at(obj, path)
        return len(entries) if isinstance(entries, dict) else 0

    return Column(name=name, cell=cell, type="integer", description=f"Entries of {path}.")


def age_column(name: str = "Age", path: str = "metadata.creationTimestamp") -> Column:
    """A column that shows how long ago something was."""

    def cell(obj: JSON, now: datetime) -> Scalar:
        return age(value_at(obj, path), now)

    return Column(name=name, cell=cell, type="date", description=f"Time since {path}.")


def age(then: object, now: datetime) -> str:
    """``75`` seconds are ``75s``, two hours and a half ``2h30m``, as kubectl prints ages."""
    try:
        seconds = int((now - datetime.fromisoformat(str(then)).astimezone(UTC)).total_seconds())
    except ValueError:
        return "<unknown>"
    if seconds < 120:
        return f"{max(seconds, 0)}s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    return f"{hours}h" if hours < 48 else f"{days}d"


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
