"""How each kind of objective is tested: which counts, which boundary, since when.

Harm is proven beyond ``TOLERANCE`` times the margin: with a simultaneous baseline a quarter of it (what happens to the
world happens to both arms), for disagreement the whole, because its reference is a figure from held-out data and flips
come in spells (measured on winter flights: 0.9 to 3.5 % a day around 1.7 %).
"No worse" is always proven against the whole margin. Between the two boundaries either answer is right.
"""

from dataclasses import dataclass

import numpy as np

from sluicegate.monitoring.analysis.blocks import (
    Shares,
    block_of,
    borders,
    measured,
    shares,
    thinned,
    usable,
)
from sluicegate.monitoring.analysis.eprocess import (
    Array,
    block_difference,
    bounded_mean,
    effects_around,
    from_any_start,
    from_start,
    last_known_bound,
    two_sample,
)
from sluicegate.monitoring.analysis.intervals import difference_interval, effect, mean_interval
from sluicegate.monitoring.analysis.series import Arm, Series
from sluicegate.serving.api.rollout_plan import Objective, ObjectiveKind

TOLERANCE: dict[ObjectiveKind, float] = {"error-rate": 0.25, "latency": 0.25, "quality": 0.25, "disagreement": 1.0}
SUDDEN = 2.0
"""A spell of disagreement counts as harm by itself above this many margins; a lasting one above one."""
SPELL = 10.0
"""Slow answers come in spells (a process stalls, all its requests wait): for harm a second is one observation, for
"no worse" its requests count as this many at most."""
SMALLEST_MARGIN = 1e-4
INTERVAL_FINE_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one test says at one look; ``harm`` and ``no_worse`` are logs of e-values, rates are shares."""

    samples: int = 0
    harm: float = 0.0
    no_worse: float = 0.0
    stable: float | None = None
    candidate: float | None = None
    effect: float | None = None
    interval: tuple[float, float] | None = None
    note: str = ""


def harm_path(candidate: Shares, stable: Shares, *, margin: float, first: int = 0) -> Array:
    """Log evidence ``(..., T)`` that the candidate's rate exceeds the stable's by more than a quarter of ``margin``."""
    boundary = TOLERANCE["error-rate"] * margin
    increments = two_sample(
        (candidate.count, candidate.events),
        (stable.count, stable.events),
        difference=boundary,
        tail="above",
        effects=effects_around(boundary, "above", margin),
        bound=last_known_bound(stable.count, stable.events, margin),
        prior=margin / 2,
    )
    return from_any_start(increments, first)


def spell_harm_path(candidate: Shares, stable: Shares, *, margin: float, first: int = 0) -> Array:
    """As ``harm_path``, for events that come in spells: a block is one observation."""
    increments = block_difference(
        (candidate.count, candidate.events),
        (stable.count, stable.events),
        difference=TOLERANCE["latency"] * margin,
        bound=last_known_bound(stable.count, stable.events, margin),
    )
    return from_any_start(increments, first)


def no_worse_path(candidate: Shares, stable: Shares, *, margin: float, first: int = 0) -> Array:
    """Log evidence ``(..., T - first)`` that the candidate's rate exceeds the stable's by less than ``margin``."""
    increments = two_sample(
        (candidate.count, candidate.events),
        (stable.count, stable.events),
        difference=margin,
        tail="below",
        effects=effects_around(margin, "below", margin),
        prior=margin / 2,
    )
    return from_start(increments[..., first:, :])


def disagreement_harm_path(pairs: Shares, *, expected: float, margin: float) -> Array:
    """Log evidence ``(..., T)`` that flips lastingly exceed expected + margin, or at some time expected + 2 margins."""
    agreed = pairs.count - pairs.events
    lasting = from_start(bounded_mean(agreed, pairs.events, mean=_boundary(expected + margin), tail="above"))
    sudden = bounded_mean(agreed, pairs.events, mean=_boundary(expected + SUDDEN * margin), tail="above")
    return np.asarray(np.logaddexp(lasting, from_any_start(sudden)) - np.log(2.0))


def disagreement_no_worse_path(pairs: Shares, *, expected: float, margin: float) -> Array:
    """Log evidence ``(..., T)`` that flips stay below expected + margin."""
    agreed = pairs.count - pairs.events
    return from_start(bounded_mean(agreed, pairs.events, mean=_boundary(expected + margin), tail="below"))


def _boundary(share: float) -> float:
    return min(max(share, SMALLEST_MARGIN), 1.0 - SMALLEST_MARGIN)


def _at_end(path: Array) -> float:
    return float(path[-1]) if path.size else 0.0


def _both(arm: Arm, series: Series, event: str, edges: np.typing.NDArray[np.intp]) -> Shares:
    events = (arm.errors, arm.mirrored_errors) if event == "errors" else (arm.slow, arm.mirrored_slow)
    return shares((arm.requests, arm.mirrored), events, usable(series), edges)


def candidate_requests(series: Series, since: int) -> int:
    """The candidate's requests from second ``since`` on, mirrored ones included, where both arms were measured."""
    good = usable(series)
    seen = shares((series.candidate.requests, series.candidate.mirrored), (), good, np.arange(series.seconds + 1))
    return int(seen.count[since:].sum())


def unmeasured_seconds(series: Series) -> int:
    """Seconds that are no evidence, because a figure of either arm is missing or impossible."""
    return int((~usable(series)).sum())


def compare_arms(series: Series, objective: Objective, alpha: float) -> Finding:
    """Errors or slow answers, candidate against the stable at the same time.

    Errors count over the whole rollout; latency since the current step began, as 5 % of the traffic say nothing of
    100 %. Where this step has no simultaneous baseline, "no worse" rests on the steps before, and the note says so.
    """
    event = "errors" if objective.kind == "error-rate" else "slow"
    edges = borders(series.seconds)
    candidate, stable = (_both(arm, series, event, edges) for arm in (series.candidate, series.stable))
    begin = block_of(series.step_start, edges) if objective.kind == "latency" else 0
    margin = max(objective.margin, SMALLEST_MARGIN)
    spells = objective.kind == "latency"
    path = spell_harm_path if spells else harm_path
    harm = _at_end(path(candidate, stable, margin=margin, first=begin))
    note, first = "", begin
    if not (candidate.count[begin:] * stable.count[begin:]).any():
        first = 0
        if begin or candidate.count.sum():
            note = "no simultaneous baseline since the step began"
    together = (candidate.count > 0) & (stable.count > 0)
    together[:first] = False
    samples = int(candidate.count[together].sum())
    if not samples:
        return Finding(harm=harm, note=note or "no request to both predictors at the same time")
    coarse = borders(series.seconds, INTERVAL_FINE_SECONDS)
    since = block_of(int(edges[first]), coarse)
    fewer = [thinned(part, SPELL) if spells else part for part in (candidate, stable)]
    arms = [
        (part.count[since:], part.events[since:])
        for part in (_both(arm, series, event, coarse) for arm in (series.candidate, series.stable))
    ]
    return Finding(
        samples=samples,
        harm=harm,
        no_worse=_at_end(no_worse_path(fewer[0], fewer[1], margin=margin, first=first)),
        stable=float(stable.events[first:].sum() / max(stable.count[first:].sum(), 1.0)),
        candidate=float(candidate.events[first:].sum() / max(candidate.count[first:].sum(), 1.0)),
        effect=effect(arms[0], arms[1])[0],
        interval=difference_interval(arms[0], arms[1], alpha),
        note=note,
    )


def compare_answers(series: Series, objective: Objective, expected: float, alpha: float) -> Finding:
    """Flips among pairs against the share that held-out data made normal, over the whole rollout."""
    pairs = series.pairs
    edges = borders(series.seconds)
    good = measured(series.seconds, pairs.count, pairs.flips)
    seen = shares((pairs.count,), (pairs.flips,), good, edges)
    count, flips = float(seen.count.sum()), float(seen.events.sum())
    if not count:
        return Finding(note="no pair of answers")
    margin = max(objective.margin, SMALLEST_MARGIN)
    low, high = mean_interval(count - flips, flips, None, alpha)
    return Finding(
        samples=int(count),
        harm=_at_end(disagreement_harm_path(seen, expected=expected, margin=margin)),
        no_worse=_at_end(disagreement_no_worse_path(seen, expected=expected, margin=margin)),
        stable=expected,
        candidate=flips / count,
        effect=flips / count - expected,
        interval=(low - expected, high - expected),
    )


def compare_quality(series: Series, objective: Objective, alpha: float) -> Finding:
    """Labelled pairs in which exactly one is wrong, over the whole rollout (sequential McNemar).

    Labels arrive late and in any order, therefore only totals are used: bets of fixed size from the first label on.
    """
    pairs = series.pairs
    columns = (pairs.labelled, pairs.only_candidate_wrong, pairs.only_stable_wrong)
    good = measured(series.seconds, *columns)
    edge = np.array([0, series.seconds])
    labelled, worse, better = (
        shares((column,), (), good, edge).count if series.seconds else np.zeros(1) for column in columns
    )
    count = float(labelled[0])
    if not count:
        return Finding(note="no labelled pair")
    margin = max(objective.margin, SMALLEST_MARGIN)
    even = np.maximum(labelled - worse - better, 0.0)
    harm = bounded_mean(even, worse, better, mean=TOLERANCE["quality"] * margin, tail="above")
    no_worse = bounded_mean(even, worse, better, mean=margin, tail="below")
    return Finding(
        samples=int(count),
        harm=_at_end(from_start(harm)),
        no_worse=_at_end(from_start(no_worse)),
        stable=float(better[0] / count),
        candidate=float(worse[0] / count),
        effect=float((worse[0] - better[0]) / count),
        interval=mean_interval(float(even[0]), float(worse[0]), float(better[0]), alpha),
    )
