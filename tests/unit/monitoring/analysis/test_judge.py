"""Verdicts on whole rollouts: good, bad, late, silent and broken ones."""

import msgspec
import numpy as np
import pytest

from sluicegate.monitoring.analysis.judge import judge
from sluicegate.monitoring.analysis.series import Arm, Pairs, Series
from sluicegate.serving.api.rollout_plan import Analysis, Objective, RolloutPlan

PLAN = RolloutPlan()


def predictor(requests, errors=0.0, slow=0.01, mirrored=None, seed=0):
    """An arm with these requests a second and shares of errors and slow ones."""
    generator = np.random.default_rng(seed)
    copies = np.zeros_like(requests) if mirrored is None else mirrored

    def happened(count, share):
        return generator.binomial(count, share).astype(float)

    return Arm(
        requests=requests.astype(float),
        errors=happened(requests, errors),
        slow=happened(requests, slow),
        mirrored=copies.astype(float),
        mirrored_errors=happened(copies, errors),
        mirrored_slow=happened(copies, slow),
    )


def answers(count, flips=0.014, labels=0.5, worse=0.01, better=0.01):
    """Pairs with these shares, exactly."""
    total = np.asarray(count, dtype=float)
    labelled = np.floor(total * labels)
    return Pairs(
        count=total,
        flips=np.diff(np.floor(np.cumsum(total * flips)), prepend=0.0),
        labelled=labelled,
        only_stable_wrong=np.diff(np.floor(np.cumsum(labelled * better)), prepend=0.0),
        only_candidate_wrong=np.diff(np.floor(np.cumsum(labelled * worse)), prepend=0.0),
    )


def mirroring(seconds=20, errors=0.0, slow=0.01, **pairs):
    """Every request of 150 a second copied to the candidate."""
    all_of_them, none = np.full(seconds, 150), np.zeros(seconds, dtype=int)
    return Series(
        start=0.0,
        seconds=seconds,
        stable=predictor(all_of_them, seed=1),
        candidate=predictor(none, errors, slow, mirrored=all_of_them, seed=2),
        pairs=answers(all_of_them, **pairs),
    )


def look(series, plan=PLAN, smallest=50, expected=0.015):
    """One verdict."""
    return judge(series, plan, analysis=Analysis(min_sample_size=smallest), expected_disagreement=expected, at=1.0)


def part(verdict, name):
    """The measurement of one objective."""
    return next(measurement for measurement in verdict.measurements if measurement.objective == name)


def test_a_good_candidate_is_promoted_on_mirrored_evidence():
    """2,300 pairs prove three objectives, half a minute proves latency; drift is a dry run."""
    verdict = look(mirroring(seconds=30), smallest=500)
    early = look(mirroring(seconds=16), smallest=500)

    assert (verdict.result, verdict.advance, verdict.promote) == ("Successful", True, True)
    assert [one.proven_no_worse for one in verdict.measurements] == [True, True, True, True, False]
    assert all(part(early, name).proven_no_worse for name in ("errors", "disagreement", "quality"))


def test_enough_samples_without_proof_advance_only():
    """One second of mirrored requests is enough for the next step, not for promotion."""
    verdict = look(mirroring(seconds=1))

    assert (verdict.advance, verdict.promote) == (True, False)
    assert "not proven yet for errors" in verdict.message


def test_a_broken_model_is_refused_before_any_user_sees_it():
    """18.9 % of answers flip: harm within one second of mirroring, and nothing else is to blame."""
    verdict = look(mirroring(seconds=1, flips=0.189))

    assert (verdict.result, verdict.advance, verdict.promote) == ("Failed", False, False)
    assert part(verdict, "disagreement").harm >= part(verdict, "disagreement").harm_threshold == 400.0
    assert verdict.message.startswith("disagreement: High, harm is proven: candidate 18")
    assert part(verdict, "errors").result == "Successful"


@pytest.mark.parametrize(
    ("flaw", "name"),
    [
        pytest.param({"errors": 0.1}, "errors", id="errors"),
        pytest.param({"slow": 0.5}, "latency", id="latency"),
        pytest.param({"worse": 0.13, "better": 0.03}, "quality", id="quality"),
    ],
)
def test_each_objective_finds_its_own_harm(flaw, name):
    """Ten points worse than the stable, each in its own way."""
    verdict = look(mirroring(seconds=40, **flaw))

    assert [one.objective for one in verdict.measurements if one.result == "Failed"] == [name]
    low, high = part(verdict, name).interval
    assert 0 < low < part(verdict, name).effect < high


def test_no_data_never_promotes():
    """An empty series, one without candidate requests, and one without seconds."""
    silent = mirroring(seconds=10)
    silent = Series(start=0.0, seconds=10, stable=silent.stable)

    for series in (Series(start=0.0, seconds=0), Series(start=0.0, seconds=30), silent):
        verdict = look(series, smallest=0)

        assert (verdict.result, verdict.advance, verdict.promote) == ("Inconclusive", False, False)
        assert part(verdict, "errors").message.startswith("errors: Nodata")
        assert msgspec.json.encode(verdict)


def test_an_objective_that_must_have_data_holds_everything_back():
    """A plan that insists on labels does not go on without."""
    strict = RolloutPlan(
        objectives=(*PLAN.objectives[:3], Objective(name="quality", kind="quality", must_have_data=True))
    )

    verdict = look(mirroring(labels=0.0), strict)

    assert (verdict.result, verdict.advance) == ("Inconclusive", False)
    assert verdict.message == "no data for quality, which must have them"


def test_without_a_mirror_pairs_do_not_block():
    """A canary alone, half the traffic: errors and latency decide."""
    half = np.full(60, 75)
    series = Series(start=0.0, seconds=60, stable=predictor(half, seed=1), candidate=predictor(half, seed=2))

    verdict = look(series)

    assert verdict.promote
    assert part(verdict, "disagreement").message == "disagreement: Nodata (no pair of answers)"


def test_a_dry_run_never_decides():
    """Disagreement as dry run: measured as failed, and the rollout goes on."""
    plan = RolloutPlan(objectives=(PLAN.objectives[0], Objective(name="flips", kind="disagreement", dry_run=True)))

    verdict = look(mirroring(flips=0.19), plan)

    assert part(verdict, "flips").result == "Failed"
    assert verdict.promote


def test_unknown_disagreement_decides_nothing():
    """A bundle that does not say how many flips are normal."""
    verdict = look(mirroring(seconds=30, flips=0.19), expected=None)

    assert verdict.promote
    assert "does not say" in part(verdict, "disagreement").message


def test_latency_is_judged_anew_at_each_weight():
    """Fast at 5 %, slow at 50 %: the good minutes of before weigh nothing."""
    before, now = np.full(60, 8), np.full(80, 75)
    slow, fast = predictor(now, slow=0.4, seed=3), predictor(before, seed=4)
    candidate = Arm(
        requests=np.concatenate([fast.requests, slow.requests]),
        errors=np.zeros(140),
        slow=np.concatenate([fast.slow, slow.slow]),
    )
    stable = predictor(np.concatenate([np.full(60, 142), now]), seed=5)

    verdict = look(Series(start=0.0, seconds=140, step_start=60, stable=stable, candidate=candidate))

    assert verdict.message.startswith("latency: High")
    assert part(verdict, "latency").samples == 80 * 75


def test_at_full_weight_latency_rests_on_the_weights_before():
    """No simultaneous baseline in the last step: said, and not held against the candidate."""
    share = np.concatenate([np.full(40, 75), np.full(20, 150)])
    stable = predictor(np.concatenate([np.full(40, 75), np.zeros(20, dtype=int)]), seed=6)

    verdict = look(
        Series(start=0.0, seconds=60, step_start=40, stable=stable, candidate=predictor(share, seed=7)),
    )

    assert verdict.promote
    assert "no simultaneous baseline since the step began" in part(verdict, "latency").message


def test_what_could_not_be_measured_is_no_evidence():
    """NaN, a counter that was reset and a missing tail: the seconds drop out, the rest is judged, and it is said."""
    good = mirroring(seconds=20)
    broken = good.stable.requests.copy()
    broken[3], broken[4] = np.nan, -7.0
    stable = Arm(requests=broken[:18], errors=good.stable.errors, slow=good.stable.slow)
    series = Series(
        start=0.0, seconds=20, stable=stable, candidate=good.candidate, pairs=good.pairs, gaps=("a scrape failed",)
    )

    verdict = look(series)

    assert part(verdict, "errors").samples == 16 * 150
    assert verdict.message.endswith("(a scrape failed; 2 s could not be measured and are no evidence)")


def test_all_seconds_unmeasured_is_no_data():
    """A source that answers NaN only."""
    nothing = np.full(30, np.nan)

    verdict = look(Series(start=0.0, seconds=30, stable=Arm(requests=nothing), candidate=Arm(requests=nothing)))

    assert (verdict.result, verdict.promote) == ("Inconclusive", False)


def test_harm_of_many_objectives_adds_up():
    """Each just below its own threshold, together above: the one with most evidence is named."""
    plan = RolloutPlan(objectives=tuple(Objective(name=f"errors-{index}", kind="error-rate") for index in range(4)))
    found = None
    for seed in range(200):
        few = np.full(6, 8)
        series = Series(
            start=0.0,
            seconds=6,
            stable=predictor(np.full(6, 142), seed=seed),
            candidate=predictor(few, errors=0.08, seed=seed + 1000),
        )
        verdict = look(series, plan)
        if 100 <= verdict.measurements[0].harm < 400:
            found = verdict
            break

    assert found is not None
    assert [one.result for one in found.measurements].count("Failed") == 1
    assert "together with the others" in found.message


def test_drift_decides_only_when_asked():
    """As dry run it is shown; as objective it stops the rollout."""
    series = mirroring(seconds=30)
    warm = Series(
        start=0.0,
        seconds=30,
        stable=series.stable,
        candidate=series.candidate,
        pairs=series.pairs,
        drift={"temp": 1.8, "dewp": 0.4},
    )
    strict = RolloutPlan(objectives=(PLAN.objectives[0], Objective(name="drift", kind="drift", margin=0.0)))

    shown, stopped = look(warm), look(warm, strict)

    assert shown.promote
    assert part(shown, "drift").message == "drift: temp at 1.80 of its threshold"
    assert stopped.result == "Failed"


def test_harm_late_in_a_long_rollout_is_found():
    """Blocks of ten seconds after half an hour; the last hundred seconds are bad."""
    seconds = 4000
    half = np.full(seconds, 20)
    errors = np.where(np.arange(seconds) < 3900, 0.001, 0.3)
    series = Series(
        start=0.0, seconds=seconds, stable=predictor(half, seed=8), candidate=predictor(half, errors=errors, seed=9)
    )

    verdict = look(series)

    assert verdict.message.startswith("errors: High")
