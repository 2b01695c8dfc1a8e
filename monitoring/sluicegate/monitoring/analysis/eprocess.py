"""E-processes: evidence that may be looked at after every second without more false alarms.

An e-process starts at 1 and, while its null hypothesis is true, stays below ``1/alpha`` *for ever* with probability
``1 - alpha`` (Ville's inequality). All functions take arrays ``(..., T)``: rollouts in front, blocks of time (seconds)
last, so that a simulation of thousands of rollouts runs this very code. They return natural logarithms. Each value at
``t`` depends on blocks up to ``t`` only: recomputing from a longer series changes nothing that was said before.
Two kinds of evidence: ``two_sample`` (two arms at the same time) and ``bounded_mean`` (a share, or paired differences).
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Tail = Literal["above", "below"]
"""What is to be proven of the true value: that it lies above the boundary, or below."""

FRACTIONS = np.array([0.01, 0.025, 0.06, 0.15, 0.4, 0.8])
"""Bets of ``bounded_mean``, as shares of the largest bet that can never go bankrupt."""
EFFECTS = np.array([0.002, 0.005, 0.0125, 0.03, 0.08, 0.2, 0.5, 0.9])
"""Differences between two arms that ``two_sample`` looks for when its caller names no scale (confidence sequences)."""
MEMORY = 120.0
"""Blocks after which a past block counts by 1/e in the guess of the stable's rate."""
PRIOR_REQUESTS = 20.0
SILENCE = 10
"""Blocks without a request to the stable after which its last known rate stands in for it."""
SMALLEST = 1e-6
LARGEST_LOG = 690.0
"""e^690 is the largest power of ten that a float holds with room to add."""


def effects_around(difference: float, tail: Tail, scale: float) -> Array:
    """Differences worth betting on beyond ``difference``; ``scale`` is the harm that is still called none."""
    if tail == "above":
        count = max(1, int(np.ceil(np.log(0.9 / scale) / np.log(2.5))) + 1)
        return np.asarray(difference + np.minimum(scale * 2.5 ** np.arange(count), 0.95 - difference))
    return np.asarray(difference - scale * np.array([0.5, 1.0, 2.0]))


def _before(values: Array, memory: float | None) -> Array:
    """Sums over all earlier blocks, the current one left out: what may be known when the bet is placed."""
    decay = 1.0 if memory is None else float(np.exp(-1.0 / memory))
    blocks = np.moveaxis(np.asarray(values, dtype=float), -1, 0)
    summed = np.zeros_like(blocks)
    # scipy's lfilter says the same, digit for digit; to import it costs each analysis more than a second.
    for block in range(1, len(blocks)):
        summed[block] = blocks[block - 1] + decay * summed[block - 1]
    return np.moveaxis(summed, 0, -1)


def stable_rate(requests: Array, events: Array, prior: float) -> Array:
    """Guess of the stable's rate at each block from earlier blocks alone; shape as ``requests``."""
    seen = _before(requests, MEMORY)
    return np.asarray((_before(events, MEMORY) + PRIOR_REQUESTS * prior) / (seen + PRIOR_REQUESTS))


def last_known_bound(requests: Array, events: Array, margin: float) -> Array:
    """What the candidate may reach where the stable is silent: its earlier rate, three standard errors, the margin.

    1 (nothing can be proven) until the stable has been seen, and for ``SILENCE`` blocks after it was last seen.
    """
    seen = _before(requests, None)
    rate = _before(events, None) / np.maximum(seen, 1.0)
    bound = rate + 3.0 * np.sqrt(rate * (1.0 - rate) / np.maximum(seen, 1.0)) + 9.0 / np.maximum(seen, 1.0) + margin
    index = np.arange(requests.shape[-1])
    last = np.maximum.accumulate(np.where(requests > 0, index, -1), axis=-1)
    return np.where((seen > 0) & (index - last >= SILENCE), np.minimum(bound, 1.0), 1.0)


def _null_point(candidate: Array, stable: Array, weight: Array, difference: Array) -> Array:
    """The stable's rate on the boundary ``candidate - stable = difference`` that is nearest in KL divergence.

    ``weight`` is the candidate's share of the block's requests. The minimum of a convex function, by bisection; its
    precision costs power only, never validity.
    """
    low = np.clip(np.minimum(stable, candidate - difference), np.maximum(0.0, -difference) + SMALLEST, 1.0)
    high = np.clip(np.maximum(stable, candidate - difference), 0.0, np.minimum(1.0, 1.0 - difference) - SMALLEST)
    high = np.maximum(low, high)
    for _ in range(14):
        middle = 0.5 * (low + high)
        shifted = middle + difference
        slope = weight * (shifted - candidate) * middle * (1.0 - middle)
        slope += (1.0 - weight) * (middle - stable) * shifted * (1.0 - shifted)
        low, high = np.where(slope < 0, middle, low), np.where(slope < 0, high, middle)
    return np.asarray(0.5 * (low + high))


def _log_factor(requests: Array, events: Array, bet: Array, centre: Array) -> Array:
    """Log of the product over a block's requests of ``1 + bet * (outcome - centre)``."""
    hit = np.log1p(bet * (1.0 - centre))
    miss = np.log1p(-bet * centre)
    return np.asarray(events * hit + (requests - events) * miss)


def two_sample(
    candidate: tuple[Array, Array],
    stable: tuple[Array, Array],
    *,
    difference: float | Array,
    tail: Tail,
    effects: Array = EFFECTS,
    bound: Array | None = None,
    prior: float = 0.005,
) -> Array:
    """Log e-values ``(..., T, G)`` of each block against "candidate's rate - stable's rate ≤ (≥) ``difference``".

    ``candidate`` and ``stable`` are (requests, events), each ``(..., T)``; one bet for each of ``effects`` ``(G,)``.
    Per block, with nc and ns requests: product of 1 + g (x - q) over the candidate's outcomes times the product of
    1 - g (nc/ns) (x - p) over the stable's, where q - p = difference. As nc·A + ns·B ≤ nc + ns for the two factors'
    means whenever the null holds, the inequality of the means bounds the expectation by 1: for any sizes of the arms,
    any bet, rates that change from block to block, and rates that differ from request to request. With g and p at the
    null's point nearest to the alternative it is the growth-rate optimal e-value of Turner, Ly and Grünwald, "Generic
    E-variables for exact sequential k-sample tests that allow for optional stopping" (2024), and of Turner and
    Grünwald, "Exact anytime-valid confidence intervals for contingency tables and beyond" (2023).
    ``bound`` ``(..., T)`` replaces the stable's rate where it had no request (tail "above" only).
    """
    gap = np.asarray(difference, dtype=float)[..., None, None]
    (count, events), (base_count, base_events) = (
        tuple(np.asarray(value, dtype=float)[..., None] for value in arm) for arm in (candidate, stable)
    )
    guess = stable_rate(base_count[..., 0], base_events[..., 0], prior)[..., None]
    alternative = np.clip(guess + effects, SMALLEST, 1.0 - SMALLEST)
    simultaneous = (count > 0) & (base_count > 0)
    centre = _null_point(alternative, guess, count / np.maximum(count + base_count, 1.0), gap)
    centre = np.where(simultaneous, centre, 0.5 - gap / 2)
    if bound is not None:
        centre = np.where(base_count > 0, centre, np.clip(bound[..., None], SMALLEST, 1.0 - SMALLEST) - gap)
        simultaneous = simultaneous | ((count > 0) & (bound[..., None] < 1.0))
    reference = centre + gap
    bet = (alternative - reference) / np.maximum(reference * (1.0 - reference), SMALLEST)
    ratio = np.where(base_count > 0, count / np.maximum(base_count, 1.0), 0.0)
    if tail == "above":
        bet = np.minimum(np.maximum(bet, 0.0), 0.99 / np.maximum(reference, SMALLEST))
        bet = np.where(base_count > 0, np.minimum(bet, 0.95 / np.maximum(ratio * (1.0 - centre), SMALLEST)), bet)
    else:
        bet = np.maximum(np.minimum(bet, 0.0), -0.99 / np.maximum(1.0 - reference, SMALLEST))
        bet = np.maximum(bet, -0.95 / np.maximum(ratio * centre, SMALLEST))
    bet = np.where(simultaneous, bet, 0.0)
    return _log_factor(count, events, bet, reference) + _log_factor(base_count, base_events, -bet * ratio, centre)


def bounded_mean(
    zero: Array,
    plus: Array,
    minus: Array | None = None,
    *,
    mean: float | Array,
    tail: Tail,
    fractions: Array = FRACTIONS,
) -> Array:
    """Log e-values ``(..., T, G)`` of each block against "the mean is ≤ (≥) ``mean``".

    ``zero``, ``plus``, ``minus`` ``(..., T)`` count observations that are 0, +1 and -1 (``minus=None``: shares in
    [0, 1]). Product of 1 + g (x - mean) over the observations, for fixed bets g: the capital process of Waudby-Smith
    and Ramdas, "Estimating means of bounded random variables by betting" (JRSS-B 2024), here with a grid of bets in
    place of a tuned one, so that only the counts matter and not their order: observations that arrive late are welcome.
    """
    centre = np.asarray(mean, dtype=float)[..., None, None]
    lowest = 0.0 if minus is None else -1.0
    bet = fractions / (centre - lowest) if tail == "above" else -fractions / (1.0 - centre)
    total = zero[..., None] * np.log1p(-bet * centre) + plus[..., None] * np.log1p(bet * (1.0 - centre))
    if minus is not None:
        total = total + minus[..., None] * np.log1p(bet * (-1.0 - centre))
    return np.asarray(total)


def block_difference(
    candidate: tuple[Array, Array],
    stable: tuple[Array, Array],
    *,
    difference: float,
    bound: Array | None = None,
    fractions: Array = FRACTIONS,
) -> Array:
    """Log e-values ``(..., T, G)`` of each block against "candidate's share - stable's share ≤ ``difference``".

    Arms and ``bound`` as for ``two_sample``. A block is *one* observation in [-1, 1], however many requests it holds:
    right where events come in spells, as slow answers do when a process stalls for a second (Waudby-Smith and Ramdas,
    as ``bounded_mean``). Where the stable is silent, its ``bound`` stands in.
    """
    (count, events), (base_count, base_events) = candidate, stable
    reference = base_events / np.maximum(base_count, 1.0) + difference
    known = (count > 0) & (base_count > 0)
    if bound is not None:
        reference = np.where(base_count > 0, reference, bound)
        known = known | ((count > 0) & (bound < 1.0))
    excess = np.where(known, events / np.maximum(count, 1.0) - reference, 0.0)
    return np.log1p(excess[..., None] * fractions / (1.0 + difference))


def from_start(increments: Array) -> Array:
    """Log e-process ``(..., T)`` of everything since block 0: the mean of the bets' capitals (a mixture)."""
    capital = np.cumsum(increments, axis=-2)
    return np.asarray(np.logaddexp.reduce(capital, axis=-1) - np.log(increments.shape[-1]))


def _start_weights(blocks: int) -> tuple[Array, Array]:
    """Prior of the block in which harm begins ``(T,)`` and what is left for later ones; half of it on block 0."""
    edges = 1.0 / np.log(np.e + np.arange(blocks + 1))
    weights, rest = 0.5 * (edges[:-1] - edges[1:]), 0.5 * edges[1:]
    weights[:1] += 0.5
    return weights, rest


def from_any_start(increments: Array, first: int = 0) -> Array:
    """Log e-process ``(..., T)`` that also sees harm which begins late, however long all was well before.

    A mixture over the block at which the bets begin, with weights 1/(t ln² t) that sum to 1 (see Shin, Ramdas and
    Rinaldo, "E-detectors: a nonparametric framework for sequential change detection", 2023, for sums in their place).
    ``first``: bets that began earlier are left out. Their weight is lost and not shared out again, therefore all
    choices of ``first`` within one rollout are covered by one error budget.
    """
    weights, rest = _start_weights(increments.shape[-2])
    with np.errstate(divide="ignore"):
        prior = np.log(np.where(np.arange(weights.size) < first, 0.0, weights))[:, None]
    capital = np.cumsum(increments, axis=-2)
    begun = np.logaddexp.accumulate(prior - (capital - increments), axis=-2) + capital
    mixed = np.logaddexp.reduce(begun, axis=-1) - np.log(increments.shape[-1])
    return np.asarray(np.logaddexp(mixed, np.log(rest)))


def e_value(log_value: Array | float) -> float:
    """The e-value as a number that JSON can hold."""
    return float(np.exp(min(float(log_value), LARGEST_LOG)))
