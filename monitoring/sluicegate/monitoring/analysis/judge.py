"""The verdict on a rollout at one look: pure, recomputed from the whole series, valid at every look.

Error budget. *Harm*: the candidate goes back when the e-values of the K deciding objectives add up to K/alpha, i.e.
when their mean reaches 1/alpha. A mean of e-processes is one under any dependence (Vovk and Wang, "E-values:
calibration, combination and applications", 2021), so a harmless rollout goes back with probability alpha at most; it is
never weaker than a Bonferroni split, whose threshold K/alpha each objective shows. *No worse*: promotion needs all
objectives, so each is tested at the full alpha (intersection-union; Berger 1982). Drift scores are calibrated alarms,
no e-values: an objective of kind drift that is not a dry run stops a rollout outside of this budget.
"""

from dataclasses import dataclass

import msgspec

from sluicegate.monitoring.analysis.eprocess import e_value
from sluicegate.monitoring.analysis.objectives import (
    Finding,
    candidate_requests,
    compare_answers,
    compare_arms,
    compare_quality,
    unmeasured_seconds,
)
from sluicegate.monitoring.analysis.series import Series
from sluicegate.monitoring.analysis.verdict import Measurement, Result, Verdict
from sluicegate.serving.api.rollout_plan import Analysis, Objective, RolloutPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """What counts as proof, and from how many samples on an objective has something to say."""

    alpha: float
    harm: float
    no_worse: float
    samples: int


def judge(
    series: Series, plan: RolloutPlan, *, analysis: Analysis, expected_disagreement: float | None, at: float
) -> Verdict:
    """What the look at Unix time ``at`` says of the current step.

    *advance*: at least ``analysis.min_sample_size`` candidate requests since the step began (users' and mirrored), data
    for every objective that must have them, no harm. *promote*: besides, every deciding objective is proven no worse
    that must have data or has ``min_sample_size`` samples, and there is at least one: no data never promotes. Pairs or
    labels that never came (a plan without mirror) therefore do not block, unless the plan demands them. Without an
    ``expected_disagreement`` (None) nothing is known of what flips are normal, and disagreement decides nothing.
    """
    tested = [objective for objective in plan.objectives if _is_tested(objective)]
    thresholds = Thresholds(
        alpha=plan.alpha,
        harm=max(1, len(tested)) / plan.alpha,
        no_worse=1.0 / plan.alpha,
        samples=max(1, analysis.min_sample_size),
    )
    measurements = tuple(_measure(series, one, thresholds, expected_disagreement) for one in plan.objectives)
    measurements = _name_the_worst(measurements, {objective.name for objective in tested}, thresholds)
    failed = [part for part in measurements if part.result == "Failed" and not part.dry_run]
    missing, unproven, proven = _standing(plan, measurements, thresholds)
    requests = candidate_requests(series, series.step_start)
    advance = not failed and not missing and requests >= thresholds.samples
    promote = advance and not unproven and bool(proven)
    result: Result = "Failed" if failed else "Successful" if advance else "Inconclusive"
    if failed:
        message = "; ".join(part.message for part in failed)
    elif not advance:
        message = _why_not_yet(missing, requests, thresholds.samples)
    elif promote:
        message = f"no harm in {requests} requests; no worse is proven for {', '.join(proven)}"
    else:
        message = f"no harm in {requests} requests; no worse is not proven yet for {', '.join(unproven) or 'anything'}"
    return Verdict(
        result=result,
        advance=advance,
        promote=promote,
        message=message + _unmeasured(series),
        at=at,
        measurements=measurements,
    )


def _is_tested(objective: Objective) -> bool:
    return not objective.dry_run and objective.kind != "drift"


def _measure(series: Series, objective: Objective, thresholds: Thresholds, expected: float | None) -> Measurement:
    if objective.kind == "drift":
        return _drift(series, objective, thresholds)
    finding = _find(series, objective, thresholds.alpha, expected)
    harm, no_worse = e_value(finding.harm), e_value(finding.no_worse)
    proven = finding.samples > 0 and no_worse >= thresholds.no_worse and harm < thresholds.harm
    result: Result = "Inconclusive"
    if harm >= thresholds.harm:
        result = "Failed"
    elif proven or finding.samples >= thresholds.samples:
        result = "Successful"
    return Measurement(
        objective=objective.name,
        result=result,
        harm=harm,
        no_worse=no_worse,
        harm_threshold=thresholds.harm,
        no_worse_threshold=thresholds.no_worse,
        stable=finding.stable,
        candidate=finding.candidate,
        effect=finding.effect,
        interval=finding.interval,
        samples=finding.samples,
        proven_no_worse=proven,
        dry_run=objective.dry_run,
        message=_sentence(objective, finding, result, proven=proven),
    )


def _find(series: Series, objective: Objective, alpha: float, expected: float | None) -> Finding:
    if objective.kind == "disagreement":
        if expected is None:
            return Finding(note="the bundle does not say how many flips are normal")
        return compare_answers(series, objective, expected, alpha)
    if objective.kind == "quality":
        return compare_quality(series, objective, alpha)
    return compare_arms(series, objective, alpha)


def _drift(series: Series, objective: Objective, thresholds: Thresholds) -> Measurement:
    """The newest scores of the detector, which is calibrated on its own; beyond 1 + margin it is an alarm."""
    worst = max(series.drift, key=lambda feature: series.drift[feature], default=None)
    score = series.drift[worst] if worst is not None else None
    result: Result = "Inconclusive" if score is None else "Failed" if score > 1.0 + objective.margin else "Successful"
    message = (
        f"{objective.name}: Nodata" if worst is None else f"{objective.name}: {worst} at {score:.2f} of its threshold"
    )
    return Measurement(
        objective=objective.name,
        result=result,
        harm=1.0,
        no_worse=1.0,
        harm_threshold=thresholds.harm,
        no_worse_threshold=thresholds.no_worse,
        candidate=score,
        samples=len(series.drift),
        dry_run=objective.dry_run,
        message=message,
    )


def _name_the_worst(
    parts: tuple[Measurement, ...], tested: set[str], thresholds: Thresholds
) -> tuple[Measurement, ...]:
    """Where all objectives together prove a harm that none proves alone, the one with most evidence bears its name."""
    candidates = [part for part in parts if part.objective in tested]
    if not candidates or any(part.result == "Failed" for part in candidates):
        return parts
    if sum(part.harm for part in candidates) < thresholds.harm:
        return parts
    worst = max(candidates, key=lambda part: part.harm)
    named = msgspec.structs.replace(
        worst, result="Failed", proven_no_worse=False, message=f"{worst.message}; harm proven together with the others"
    )
    return tuple(named if part is worst else part for part in parts)


def _standing(
    plan: RolloutPlan, parts: tuple[Measurement, ...], thresholds: Thresholds
) -> tuple[list[str], list[str], list[str]]:
    """Names of deciding objectives that lack data they must have, that lack proof they need, that are proven."""
    pairs = [(objective, part) for objective, part in zip(plan.objectives, parts, strict=True) if not objective.dry_run]
    missing = [objective.name for objective, part in pairs if objective.must_have_data and part.samples == 0]
    tested = [(objective, part) for objective, part in pairs if objective.kind != "drift"]
    unproven = [
        objective.name
        for objective, part in tested
        if (objective.must_have_data or part.samples >= thresholds.samples) and not part.proven_no_worse
    ]
    return missing, unproven, [objective.name for objective, part in tested if part.proven_no_worse]


def _sentence(objective: Objective, finding: Finding, result: Result, *, proven: bool) -> str:
    """In Kayenta's words (High, Pass, Nodata), with the figures."""
    note = f" ({finding.note})" if finding.note else ""
    if not finding.samples and result != "Failed":
        return f"{objective.name}: Nodata{note}"
    word = "High, harm is proven" if result == "Failed" else "Pass, no worse is proven" if proven else "undecided"
    figures = ""
    if finding.candidate is not None and finding.stable is not None:
        reference = "expected" if objective.kind == "disagreement" else "stable"
        figures = f": candidate {finding.candidate:.2%}, {reference} {finding.stable:.2%} of {finding.samples}"
    return f"{objective.name}: {word}{figures}{note}"


def _why_not_yet(missing: list[str], requests: int, needed: int) -> str:
    if requests < needed:
        return f"{requests} of {needed} candidate requests seen in this step"
    return f"no data for {', '.join(missing)}, which must have them"


def _unmeasured(series: Series) -> str:
    seconds = unmeasured_seconds(series)
    parts = list(series.gaps) + ([f"{seconds} s could not be measured and are no evidence"] if seconds else [])
    return f" ({'; '.join(parts)})" if parts else ""
