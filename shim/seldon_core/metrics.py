"""Metrics of a user's class, as dictionaries."""

from collections.abc import Mapping
from typing import Any

import numpy as np

COUNTER, GAUGE, TIMER = "COUNTER", "GAUGE", "TIMER"
_KINDS = (COUNTER, GAUGE, TIMER)


def create_counter(key: str, value: float, tags: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A figure that is added to those before it."""
    return _metric(COUNTER, key, value, tags)


def create_gauge(key: str, value: float, tags: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A figure that takes the place of the one before it."""
    return _metric(GAUGE, key, value, tags)


def create_timer(key: str, value: float, tags: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A time in milliseconds."""
    return _metric(TIMER, key, value, tags)


def validate_metrics(metrics: Any) -> bool:
    """Whether this is a list of metrics."""
    return isinstance(metrics, list | tuple) and all(map(_is_metric, metrics))


def _metric(kind: str, key: str, value: float, tags: Mapping[str, str] | None) -> dict[str, Any]:
    found = {"key": key, "type": kind, "value": value, **({"tags": dict(tags)} if tags else {})}
    if not _is_metric(found):
        raise ValueError(f"{kind} {key!r}: found {value!r}; expected a name and a number")
    return found


def _is_metric(metric: Any) -> bool:
    if not isinstance(metric, dict) or metric.get("type") not in _KINDS:
        return False
    value = metric.get("value")
    number = isinstance(value, int | float | np.integer | np.floating) and bool(np.isfinite(value))
    return number and isinstance(metric.get("key"), str) and isinstance(metric.get("tags", {}), dict)
