"""E-processes: exact expectations on small blocks, and error rates and speed by simulation (seeded)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from sluicegate.monitoring.analysis.blocks import Shares
from sluicegate.monitoring.analysis.eprocess import (
    bounded_mean,
    effects_around,
    from_any_start,
    from_start,
    two_sample,
)
from sluicegate.monitoring.analysis.intervals import difference_interval, mean_interval
from sluicegate.monitoring.analysis.objectives import (
    disagreement_harm_path,
    disagreement_no_worse_path,
    harm_path,
    no_worse_path,
    spell_harm_path,
)

ALPHA = 0.01
PROOF = np.log(1 / ALPHA)
HARM = np.log(4 / ALPHA)
"""Threshold of one of four objectives that share the budget."""
NEVER = 10**9
rates = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
small = st.integers(1, 5)


def arm(generator, shape, requests, rate):
    """Poisson arrivals with events at ``rate``; ``requests`` a second."""
    count = generator.poisson(requests, shape)
    return Shares(count=count.astype(float), events=generator.binomial(count, rate).astype(float))


def both(path, seconds, *, weight, stable, candidate, requests=150, rollouts=400, margin=0.01, seed=7):
    """``path`` on simulated rollouts and the candidate's requests up to each second."""
    generator = np.random.default_rng(seed)
    new = arm(generator, (rollouts, seconds), requests * weight, candidate)
    old = arm(generator, (rollouts, seconds), requests * (1 - weight), stable)
    return path(new, old, margin=margin), np.cumsum(new.count, axis=-1)


def first_proof(path, threshold, clock=None):
    """Second (or value of ``clock``) at which each rollout first has proof; ``NEVER`` without."""
    proof = path >= threshold
    index = proof.argmax(axis=-1)
    when = index + 1 if clock is None else np.take_along_axis(clock, index[:, None], axis=-1)[:, 0]
    return np.where(proof.any(axis=-1), when, NEVER)


def upper(alpha, rollouts):
    """What a rate of ``alpha`` exceeds with probability 1/1000."""
    return binom.ppf(0.999, rollouts, alpha) / rollouts


@settings(max_examples=60, deadline=None)
@given(small, small, rates, rates, rates, st.sampled_from(["above", "below"]), st.floats(0.001, 0.2))
def test_a_block_never_has_an_expectation_above_one_under_its_null(nc, ns, candidate, stable, prior, tail, difference):
    """All outcomes of one block, weighted by their probability, for any rates within the null and any guess."""
    if tail == "above" and candidate > stable + difference:
        candidate = stable + difference if stable + difference <= 1 else stable
    if tail == "below" and candidate < stable + difference:
        candidate = min(1.0, stable + difference)
        stable = min(stable, candidate - difference)
    new, old = (grid.ravel().astype(float) for grid in np.meshgrid(np.arange(nc + 1), np.arange(ns + 1)))
    probability = binom.pmf(new, nc, candidate) * binom.pmf(old, ns, stable)

    log_e = two_sample(
        (np.full((new.size, 1), nc), new[:, None]),
        (np.full((new.size, 1), ns), old[:, None]),
        difference=difference,
        tail=tail,
        effects=effects_around(difference, tail, 0.02),
        prior=prior,
    )

    expectation = (probability[:, None, None] * np.exp(log_e)).sum(axis=0)
    assert (expectation <= 1 + 1e-9).all()


@settings(max_examples=60, deadline=None)
@given(rates, rates, st.floats(0.001, 0.9), st.sampled_from(["above", "below"]))
def test_one_observation_never_has_an_expectation_above_one_under_its_null(share, split, mean, tail):
    """Paired differences -1, 0, +1 whose mean lies on the null's side."""
    plus, minus = share * split, share * (1 - split)
    inside = plus - minus <= mean if tail == "above" else plus - minus >= mean
    zero, one, against = np.eye(3)[:, :, None]

    log_e = bounded_mean(zero, one, against, mean=mean, tail=tail)

    expectation = np.array([1 - share, plus, minus]) @ np.exp(log_e[:, 0, :])
    assert not inside or (expectation <= 1 + 1e-9).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 39), st.integers(0, 2**32 - 1))
def test_what_was_said_is_not_changed_by_what_comes_later(seconds, seed):
    """A path over the first seconds is the beginning of the path over all: stateless looks are one process."""
    generator = np.random.default_rng(seed)
    new, old = arm(generator, (40,), 3, 0.2), arm(generator, (40,), 9, 0.1)
    early = [Shares(count=part.count[:seconds], events=part.events[:seconds]) for part in (new, old)]

    for path in (harm_path, spell_harm_path, no_worse_path):
        whole, beginning = path(new, old, margin=0.02), path(*early, margin=0.02)

        np.testing.assert_allclose(beginning, whole[:seconds], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("weight", "rate"),
    [
        pytest.param(0.01, 0.001, id="1 % of the traffic"),
        pytest.param(0.05, 0.03, id="5 %"),
        pytest.param(0.5, 0.03, id="mirrored"),
    ],
)
def test_a_harmless_rollout_looked_at_each_second_is_not_sent_back(weight, rate):
    """Five minutes A against A: false alarms at the threshold of one objective alone stay below alpha."""
    path, _ = both(harm_path, 300, weight=weight, stable=rate, candidate=rate)

    assert (first_proof(path, PROOF) < NEVER).mean() <= upper(ALPHA, 400)


@pytest.mark.parametrize("weight", [0.05, 0.5])
def test_on_the_boundary_false_alarms_stay_below_the_level(weight):
    """The least favourable harmless case, at a level that 400 rollouts can tell: a quarter of the margin worse."""
    path, _ = both(harm_path, 200, weight=weight, stable=0.03, candidate=0.0325)

    assert (first_proof(path, np.log(1 / 0.1)) < NEVER).mean() <= upper(0.1, 400)


@pytest.mark.parametrize("weight", [0.05, 0.5])
def test_no_worse_is_not_claimed_at_the_margin(weight):
    """A candidate exactly as bad as the margin: "no worse" is claimed in alpha of the rollouts at most."""
    path, _ = both(no_worse_path, 200, weight=weight, stable=0.02, candidate=0.03)

    assert (first_proof(path, np.log(1 / 0.1)) < NEVER).mean() <= upper(0.1, 400)


def test_bursts_that_hit_both_arms_are_nobodys_fault():
    """A dependency that fails for both, a fifth of the seconds at 40 % errors, on mirrored copies and on a canary."""
    generator = np.random.default_rng(3)
    rate = np.where(generator.random((400, 200)) < 0.2, 0.4, 0.001)
    for weight in (0.05, 0.5):
        new, old = (arm(generator, (400, 200), 150 * share, rate) for share in (weight, 1 - weight))

        path = harm_path(new, old, margin=0.01)

        assert (first_proof(path, PROOF) < NEVER).mean() <= upper(ALPHA, 400)


def test_stalls_of_a_second_are_no_latency_harm():
    """Each process stalls by itself in 2 % of the seconds, all its requests wait: request by request it is "harm"."""
    generator = np.random.default_rng(13)
    new, old = (arm(generator, (200, 300), 75, np.where(generator.random((200, 300)) < 0.02, 0.9, 0.01)) for _ in "ab")

    assert (first_proof(spell_harm_path(new, old, margin=0.05), PROOF) < NEVER).mean() <= upper(ALPHA, 200)
    assert (first_proof(harm_path(new, old, margin=0.05), PROOF) < NEVER).mean() > 0.9


@pytest.mark.parametrize("weight", [0.05, 0.5])
def test_lasting_slowness_is_latency_harm_within_a_minute(weight):
    """30 % slow against 1 %, margin 5 %."""
    path, _ = both(spell_harm_path, 90, weight=weight, stable=0.01, candidate=0.3, margin=0.05)

    assert np.quantile(first_proof(path, HARM), 0.95) <= 60


def test_copies_of_the_same_failing_requests_are_no_harm():
    """Both fail on the same rows; the candidate got copies of a quarter of them: dependent arms, no false alarm."""
    generator = np.random.default_rng(12)
    failing = generator.binomial(150, 0.03, (400, 200))
    copied = generator.hypergeometric(failing, 150 - failing, 38)
    new = Shares(count=np.full((400, 200), 38.0), events=copied.astype(float))
    old = Shares(count=np.full((400, 200), 150.0), events=failing.astype(float))

    path = harm_path(new, old, margin=0.01)

    assert (first_proof(path, np.log(1 / 0.1)) < NEVER).mean() <= upper(0.1, 400)


def test_one_request_in_ten_failing_is_harm_within_120_candidate_requests():
    """10 % errors against none, 150 requests/s, weight 5: median within 60 requests, nine in ten within 120."""
    path, requests = both(harm_path, 60, weight=0.05, stable=0.0, candidate=0.1)

    when = first_proof(path, HARM, requests)

    assert np.median(when) <= 60
    assert np.quantile(when, 0.95) <= 120


def test_errors_from_one_to_five_percent_are_harm_within_a_minute():
    """100 requests/s, weight 5: median 60 s, 95 % within 150 s."""
    path, _ = both(harm_path, 200, weight=0.05, stable=0.01, candidate=0.05, requests=100)

    when = first_proof(path, HARM)

    assert np.median(when) <= 60
    assert np.quantile(when, 0.95) <= 150


def test_harm_that_begins_after_minutes_of_health_is_seen_at_once():
    """Four good minutes, then 30 % errors on an even split: within three seconds, whatever was before."""
    generator = np.random.default_rng(5)
    rate = np.where(np.arange(250) < 240, 0.001, 0.3)
    new, old = arm(generator, (200, 250), 75, rate), arm(generator, (200, 250), 75, 0.001)

    when = first_proof(harm_path(new, old, margin=0.01), HARM)

    assert when.min() > 240
    assert np.quantile(when, 0.99) <= 243


def test_no_errors_at_all_are_proven_no_worse():
    """A baseline of zero, margin 1 %: about 1,000 candidate requests suffice."""
    path, requests = both(no_worse_path, 60, weight=0.5, stable=0.0, candidate=0.0)

    assert np.quantile(first_proof(path, PROOF, requests), 0.95) <= 1000


def test_without_a_baseline_the_last_known_rate_stands_in():
    """At weight 100 the stable is silent: errors at 20 % are still harm, "no worse" gains nothing."""
    generator = np.random.default_rng(11)
    old = arm(generator, (100, 120), np.where(np.arange(120) < 60, 75, 0), 0.001)
    bad, good = (arm(generator, (100, 120), 75, np.where(np.arange(120) < 80, 0.001, rate)) for rate in (0.2, 0.001))

    when = first_proof(harm_path(bad, old, margin=0.01), HARM)
    no_worse = no_worse_path(good, old, margin=0.01)

    assert when.max() < 90
    assert when.min() > 80
    assert (harm_path(good, old, margin=0.01).max(axis=-1) < HARM).all()
    np.testing.assert_allclose(no_worse[:, 60:], np.repeat(no_worse[:, 59:60], 60, axis=1))


def pairs(rate, seconds, each=10, rollouts=400, seed=2):
    """``each`` pairs a block, of which ``rate`` flip."""
    count = np.full((rollouts, seconds), each)
    flips = np.random.default_rng(seed).binomial(count, rate)
    return Shares(count=count.astype(float), events=flips.astype(float))


def test_normal_disagreement_is_proven_within_2300_pairs():
    """1.4 % flips where 1.5 % were expected, margin 3 %."""
    path = disagreement_no_worse_path(pairs(0.014, 230), expected=0.015, margin=0.03)

    assert (first_proof(path, PROOF) * 10 <= 2300).mean() >= 0.999


def test_a_broken_model_is_proven_harmful_within_100_pairs():
    """19 % flips where 1.5 % were expected: half of the rollouts within 100 pairs, 95 % within 200."""
    when = 10 * first_proof(disagreement_harm_path(pairs(0.19, 60), expected=0.015, margin=0.03), HARM)

    assert np.median(when) <= 100
    assert np.quantile(when, 0.95) <= 200


@pytest.mark.parametrize(("rate", "level"), [(0.015, ALPHA), (0.045, 0.1)])
def test_disagreement_within_the_margin_is_no_harm(rate, level):
    """As expected, and exactly at the margin."""
    path = disagreement_harm_path(pairs(rate, 300), expected=0.015, margin=0.03)

    assert (first_proof(path, np.log(1 / level)) < NEVER).mean() <= upper(level, 400)


def test_paired_quality_finds_ten_points_less_and_accepts_equals():
    """Sequential McNemar: 12 % against 2 % alone wrong within 1,000 labels; 2 % each proven no worse within 2,000."""
    generator = np.random.default_rng(4)
    worse = generator.multinomial(10, [0.86, 0.12, 0.02], (300, 100)).astype(float)
    equal = generator.multinomial(10, [0.96, 0.02, 0.02], (300, 200)).astype(float)
    harm = from_start(bounded_mean(*np.moveaxis(worse, -1, 0), mean=0.0075, tail="above"))
    fine = from_start(bounded_mean(*np.moveaxis(equal, -1, 0), mean=0.03, tail="below"))
    alarm = from_start(bounded_mean(*np.moveaxis(equal, -1, 0), mean=0.0075, tail="above"))

    assert np.quantile(first_proof(harm, HARM), 0.99) * 10 <= 1000
    assert np.quantile(first_proof(fine, PROOF), 0.99) * 10 <= 2000
    assert (first_proof(alarm, PROOF) < NEVER).mean() <= upper(ALPHA, 300)


def test_late_starts_share_one_budget():
    """Leaving early starts out never yields more evidence than all starts together."""
    increments = np.random.default_rng(6).normal(0, 0.3, (50, 100, 4))

    assert (from_any_start(increments, first=40) <= from_any_start(increments) + 1e-9).all()


def test_intervals_hold_the_truth():
    """Confidence sequences at 90 % looked at once: the true effect lies inside in at least 90 % of 100 rollouts."""
    generator = np.random.default_rng(9)
    hits = 0
    for _ in range(100):
        new, old = arm(generator, (60,), 20, 0.08), arm(generator, (60,), 60, 0.05)
        low, high = difference_interval((new.count, new.events), (old.count, old.events), 0.1)
        hits += low <= 0.03 <= high
    narrow = mean_interval(9000.0, 100.0, 50.0, 0.01)

    assert hits >= 90
    assert narrow[0] < 50 / 9150 < narrow[1]
    assert narrow[1] - narrow[0] < 0.02
    assert mean_interval(0.0, 0.0, None, 0.01) == (0.0, 1.0)
