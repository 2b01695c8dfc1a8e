"""Reads a rollout's evidence, and asks the collector, for the figures that the acts tell."""

from typing import Any

from demo.ground import JSON
from demo.stage import Stage
from demo.versions import DEPLOYMENT


def measurement(evidence: JSON, objective: str) -> JSON:
    """An objective's last measurement."""
    parts = evidence["verdicts"][-1]["measurements"]
    return next(dict(part) for part in parts if part["objective"] == objective)


def percent(share: float) -> str:
    """A share for the reader, with one decimal."""
    return f"{100 * share:.1f} %"


def moment(evidence: JSON, what: str) -> float | None:
    """When something was first decided (Unix seconds), or None."""
    return next((float(one["at"]) for one in evidence["moments"] if one["what"] == what), None)


def seconds_until(evidence: JSON, what: str) -> float | None:
    """Seconds from the beginning of the first analysis to a decision."""
    at = moment(evidence, what)
    return None if at is None else at - float(evidence["startedAt"])


def series(stage: Stage, stable: str, candidate: str, start: float) -> JSON:
    """The collector's series of two predictors from a moment until now."""
    query: dict[str, Any] = {
        "namespace": stage.ground.namespace, "deployment": DEPLOYMENT, "stable": stable, "candidate": candidate,
        "start": start, "stepStart": start, "thresholdMs": 250,
    }  # fmt: skip
    answer = stage.http.get(f"{stage.addresses['collector']}/v1/series", params=query)
    return dict(answer.raise_for_status().json())
