"""Confidence sequences: intervals for an effect that hold at all looks at once.

Each is a test turned round: it holds the values that the e-process of ``eprocess`` does not refuse. For reports and
pages; decisions are taken on the e-processes themselves.
"""

import numpy as np

from sluicegate.monitoring.analysis.eprocess import Array, Tail, bounded_mean, from_start, two_sample

DISTANCES = np.geomspace(5e-4, 1.0, 40)
PRIOR_WEIGHT = 10.0


def effect(candidate: tuple[Array, Array], stable: tuple[Array, Array]) -> tuple[float, float]:
    """Difference of the rates as the blocks' differences weighted by Mantel and Haenszel (1959), and the weight.

    Blocks with one arm alone weigh nothing: the rates of a quiet night and of a busy day are never mixed.
    """
    weight, part = _weighted(candidate, stable)
    total = float(weight.sum())
    return (float(part.sum()) / total if total else 0.0), total


def _weighted(candidate: tuple[Array, Array], stable: tuple[Array, Array]) -> tuple[Array, Array]:
    (count, events), (base_count, base_events) = candidate, stable
    weight = count * base_count / np.maximum(count + base_count, 1.0)
    difference = events / np.maximum(count, 1.0) - base_events / np.maximum(base_count, 1.0)
    return weight, weight * difference


def difference_interval(
    candidate: tuple[Array, Array], stable: tuple[Array, Array], alpha: float
) -> tuple[float, float]:
    """Confidence sequence for candidate's rate - stable's rate; arms are (requests, events), each ``(T,)``.

    Bets follow the effect as estimated from earlier blocks (Turner and Grünwald 2023).
    """
    estimate, total = effect(candidate, stable)
    if not total:
        return -1.0, 1.0
    weight, part = _weighted(candidate, stable)
    expected = (np.cumsum(part) - part) / (np.cumsum(weight) - weight + PRIOR_WEIGHT)
    ends = [_refused(candidate, stable, estimate, expected, tail, alpha) for tail in ("above", "below")]
    return max(-1.0, estimate - ends[0]), min(1.0, estimate + ends[1])


def _refused(
    candidate: tuple[Array, Array],
    stable: tuple[Array, Array],
    estimate: float,
    expected: Array,
    tail: Tail,
    alpha: float,
) -> float:
    """Smallest distance from the estimate at which the boundary is refused; 2 if none is."""
    sign = -1.0 if tail == "above" else 1.0
    boundary = np.clip(estimate + sign * DISTANCES, -0.999, 0.999)
    arms = [tuple(np.broadcast_to(value, (boundary.size, value.size)) for value in arm) for arm in (candidate, stable)]
    log_e = from_start(
        two_sample(
            (arms[0][0], arms[0][1]),
            (arms[1][0], arms[1][1]),
            difference=boundary,
            tail=tail,
            effects=expected[:, None],
        )
    )[:, -1]
    kept = np.flatnonzero(log_e < np.log(2.0 / alpha))
    if kept.size == 0:
        return float(DISTANCES[0])
    return float(DISTANCES[kept[-1] + 1]) if kept[-1] + 1 < DISTANCES.size else 2.0


def mean_interval(zero: float, plus: float, minus: float | None, alpha: float) -> tuple[float, float]:
    """Confidence sequence for the mean of observations 0, +1 and -1 (``minus=None``: of a share).

    Waudby-Smith and Ramdas (2024), by bisection: evidence against a mean grows with its distance.
    """
    lowest = 0.0 if minus is None else -1.0
    count = zero + plus + (minus or 0.0)
    if not count:
        return lowest, 1.0
    estimate = (plus - (minus or 0.0)) / count
    zeros, ones, against = np.array([zero]), np.array([plus]), None if minus is None else np.array([minus])
    low = _edge(zeros, ones, against, inside=estimate, outside=lowest, tail="above", alpha=alpha)
    high = _edge(zeros, ones, against, inside=estimate, outside=1.0, tail="below", alpha=alpha)
    return low, high


def _edge(
    zero: Array, plus: Array, minus: Array | None, *, inside: float, outside: float, tail: Tail, alpha: float
) -> float:
    if inside == outside:
        return outside
    for _ in range(30):
        middle = 0.5 * (inside + outside)
        log_e = from_start(bounded_mean(zero, plus, minus, mean=middle, tail=tail))[-1]
        inside, outside = (inside, middle) if log_e >= np.log(2.0 / alpha) else (middle, outside)
    return outside
