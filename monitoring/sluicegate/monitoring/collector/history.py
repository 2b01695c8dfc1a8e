"""Answers to who asks: the series of a rollout, the summary of a deployment. Read on the database thread.

A series has whole past seconds only. The present one may still grow, and a verdict that is valid at every look must
find at each look what it found before, and more.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import msgspec
import numpy as np

from sluicegate.monitoring.analysis.series import Arm, Counts, Pairs, Series
from sluicegate.monitoring.collector.errors import QuestionError, UnknownDeploymentError
from sluicegate.monitoring.collector.gateway_ledger import gaps
from sluicegate.monitoring.collector.ledger import find_deployment, pair_totals, totals
from sluicegate.monitoring.collector.models import known_models
from sluicegate.monitoring.quality.joining import PairCounts
from sluicegate.monitoring.sources.series_json import camel


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesQuestion:
    """Query parameters of ``/v1/series``. Times are Unix seconds."""

    namespace: str
    deployment: str
    stable: str
    candidate: str
    start: float
    step_start: float
    threshold_ms: float = 250.0


def read_question(parameters: Mapping[str, str]) -> SeriesQuestion:
    """The question in a query string.

    Raises:
        QuestionError: a parameter is missing or no number, or both predictors are the same.

    """
    texts = {name: parameters.get(name, "") for name in ("namespace", "deployment", "stable", "candidate")}
    for name, text in texts.items():
        if not text:
            raise QuestionError(f"{name}: missing; expected a name")
    if texts["stable"] == texts["candidate"]:
        raise QuestionError(f"candidate: found {texts['candidate']!r}, which is also stable; expected two predictors")
    start = _number(parameters, "start", None)
    return SeriesQuestion(
        **texts,
        start=start,
        step_start=_number(parameters, "stepStart", start),
        threshold_ms=_number(parameters, "thresholdMs", 250.0),
    )


def read_series(
    connection: sqlite3.Connection,
    question: SeriesQuestion,
    *,
    now: float,
    kept_seconds: float,
    drift: dict[str, float],
    always: tuple[str, ...] = (),
) -> Series:
    """Everything kept of the two predictors from ``question.start`` to the last whole second before ``now``.

    ``always`` are gaps that hold for the whole series.

    Raises:
        QuestionError: the start is older than what is kept.

    """
    start = int(question.start)
    if now - start > kept_seconds:
        raise QuestionError(f"start: found {start}; expected one of the last {kept_seconds:.0f} s: older is not kept")
    seconds = max(0, int(now) - start)
    window = (start, start + seconds)
    deployment = find_deployment(connection, question.namespace, question.deployment)
    unseen = f"Nothing was ever seen of deployment {question.namespace}/{question.deployment}."
    arms = {
        name: _arm(connection, (deployment or 0, name), window, question.threshold_ms)
        for name in (question.stable, question.candidate)
    }
    return Series(
        start=float(start),
        seconds=seconds,
        step_start=min(max(0, int(question.step_start) - start), seconds),
        stable=arms[question.stable],
        candidate=arms[question.candidate],
        pairs=_pairs(connection, deployment or 0, question, window),
        drift=drift,
        gaps=(*always, *((unseen,) if deployment is None else ()), *gaps(connection, question.start)),
    )


def read_summary(
    connection: sqlite3.Connection, namespace: str, name: str, drift: Mapping[str, Mapping[str, float]]
) -> dict[str, Any]:
    """Totals of a deployment since ever. ``drift`` is by predictor.

    Raises:
        UnknownDeploymentError: nothing was ever seen of it.

    """
    deployment = find_deployment(connection, namespace, name)
    if deployment is None:
        raise UnknownDeploymentError(f"nothing was ever seen of deployment {namespace}/{name}")
    counted = totals(connection, deployment)
    models = {key.predictor: model for key, model in known_models(connection).items() if key.deployment == deployment}
    return {
        "namespace": namespace,
        "name": name,
        "predictors": {
            predictor: _predictor(counted.get(predictor, {}), dict(drift.get(predictor, {})))
            | {part: getattr(models[predictor], part) for part in ("model", "version", "digest") if predictor in models}
            for predictor in sorted({*counted, *models})
        },
        "pairs": [
            {"predictors": list(key)} | {camel(part): value for part, value in counts._asdict().items()}
            for key, counts in sorted(pair_totals(connection, deployment).items())
        ],
    }


def carry_excess(events: Counts, requests: Counts) -> Counts:
    """``events`` with what exceeds a second's requests moved to the next second that has room.

    The gateway tells latencies up to a second after the request they belong to; no share may exceed one. This is a
    queue served by ``requests``: Lindley's recursion in its closed form.
    """
    served, arrived = np.cumsum(requests), np.cumsum(events)
    waiting = np.minimum.accumulate(np.minimum(arrived - served, 0.0)) if events.size else np.zeros(0)
    released: Counts = np.diff(served + waiting, prepend=0.0)
    return released


def slower_than(slower: list[tuple[float, int]], threshold_ms: float) -> int:
    """Requests above the first of the gateway's bounds that is not below ``threshold_ms``: surely slower than it."""
    return next((count for bound, count in slower if bound >= threshold_ms), 0)


def _arm(
    connection: sqlite3.Connection, predictor: tuple[int, str], window: tuple[int, int], threshold_ms: float
) -> Arm:
    counts = np.zeros((2, 3, window[1] - window[0]))
    rows = connection.execute(
        "SELECT mirror, at, requests, errors, slower FROM gateway_seconds"
        " WHERE deployment = ? AND predictor = ? AND mirror IN (0, 1) AND at >= ? AND at < ?",
        (*predictor, *window),
    )
    for mirror, at, requests, errors, slower in rows:
        slow = slower_than(msgspec.msgpack.decode(slower, type=list[tuple[float, int]]), threshold_ms)
        counts[mirror, :, at - window[0]] = requests, errors, slow
    (requests, errors, slow), (mirrored, mirrored_errors, mirrored_slow) = counts
    return Arm(
        requests=requests,
        errors=carry_excess(errors, requests),
        slow=carry_excess(slow, requests),
        mirrored=mirrored,
        mirrored_errors=carry_excess(mirrored_errors, mirrored),
        mirrored_slow=carry_excess(mirrored_slow, mirrored),
    )


def _pairs(connection: sqlite3.Connection, deployment: int, question: SeriesQuestion, window: tuple[int, int]) -> Pairs:
    first, second = sorted((question.stable, question.candidate))
    counts = np.zeros((len(PairCounts._fields), window[1] - window[0]))
    rows = connection.execute(
        "SELECT at, count, flips, labelled, only_first_wrong, only_second_wrong FROM pair_seconds"
        " WHERE deployment = ? AND first = ? AND second = ? AND at >= ? AND at < ?",
        (deployment, first, second, *window),
    )
    for at, *values in rows:
        counts[:, at - window[0]] = values
    count, flips, labelled, only_first, only_second = counts
    only_stable, only_candidate = (only_first, only_second) if first == question.stable else (only_second, only_first)
    return Pairs(
        count=count,
        flips=flips,
        labelled=labelled,
        only_stable_wrong=only_stable,
        only_candidate_wrong=only_candidate,
    )


def _predictor(counted: Mapping[str, int], drift: dict[str, float]) -> dict[str, Any]:
    return {
        "requests": counted.get("gateway_requests", 0),
        "errors": counted.get("gateway_errors", 0),
        "mirrored": counted.get("gateway_mirrored", 0),
        "mirroredErrors": counted.get("gateway_mirrored_errors", 0),
        "answers": counted.get("answers", 0),
        "failures": counted.get("failures", 0),
        "shadowAnswers": counted.get("shadow_answers", 0),
        "shadowFailures": counted.get("shadow_failures", 0),
        "labels": counted.get("labelled", 0),
        "wrong": counted.get("wrong", 0),
        "drift": drift,
    }


def _number(parameters: Mapping[str, str], name: str, default: float | None) -> float:
    text = parameters.get(name, "")
    if not text and default is not None:
        return default
    try:
        value = float(text)
    except ValueError as error:
        raise QuestionError(f"{name}: found {text[:60]!r}; expected a number") from error
    if not isfinite(value) or not 0 <= value < 1e12:
        raise QuestionError(f"{name}: found {text[:60]!r}; expected a number not below 0")
    return value
