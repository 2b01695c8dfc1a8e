"""A rollout plan: the steps a candidate takes, what is watched meanwhile, and what happens when it goes wrong.

Step names are those of Argo Rollouts, judgement names those of Kayenta. An empty plan is a sound rollout: the defaults
mirror first, then 1 → 5 → 25 → 50 → 100 percent. Durations are seconds, shares are percent.
"""

from typing import Literal

from sluicegate.serving.api.metadata import View

ObjectiveKind = Literal["error-rate", "latency", "disagreement", "quality", "drift"]


class Objective(View, frozen=True, kw_only=True):
    """One thing that must not get worse.

    ``margin`` is the absolute harm that is still called none: a share of requests for ``error-rate``, ``latency``
    (requests slower than ``threshold_ms``), ``disagreement`` (answers whose class flips, above what held-out data made
    normal) and ``quality`` (rows answered wrongly, on late labels). A dry-run objective is measured and never decides.
    """

    name: str
    kind: ObjectiveKind
    margin: float = 0.02
    threshold_ms: float = 250.0
    dry_run: bool = False
    must_have_data: bool = False


DEFAULT_OBJECTIVES = (
    Objective(name="errors", kind="error-rate", margin=0.01, must_have_data=True),
    Objective(name="latency", kind="latency", margin=0.05, threshold_ms=250.0),
    Objective(name="disagreement", kind="disagreement", margin=0.03),
    Objective(name="quality", kind="quality", margin=0.03),
    Objective(name="drift", kind="drift", margin=0.0, dry_run=True),
)


class SetMirrorRoute(View, frozen=True, kw_only=True):
    """Copies this share of the stable's requests to the candidate; its answers go to nobody."""

    percentage: int = 100


class HeaderValue(View, frozen=True, kw_only=True):
    """How a header has to look; exactly one is set."""

    exact: str = ""
    prefix: str = ""
    regex: str = ""


class HeaderMatch(View, frozen=True, kw_only=True):
    """One header of a header route."""

    header_name: str
    header_value: HeaderValue


class SetHeaderRoute(View, frozen=True, kw_only=True):
    """Sends requests with these headers to the candidate, whatever the weight."""

    name: str
    match: tuple[HeaderMatch, ...] = ()


class Analysis(View, frozen=True, kw_only=True):
    """Looks every second until the evidence is clear or ``max_duration`` is over.

    ``min_sample_size`` counts the candidate's own requests in this step (mirrored ones included).
    """

    min_sample_size: int = 50
    max_duration: float = 300.0


class Pause(View, frozen=True, kw_only=True):
    """Waits; without a duration until somebody resumes."""

    duration: float | None = None


class Approval(View, frozen=True, kw_only=True):
    """Waits for a person, at most until the deadline; nobody came means abort."""

    deadline: float = 86400.0


class Step(View, frozen=True, kw_only=True):
    """One step; exactly one field is set."""

    set_weight: int | None = None
    set_mirror_route: SetMirrorRoute | None = None
    set_header_route: SetHeaderRoute | None = None
    analysis: Analysis | None = None
    pause: Pause | None = None
    approval: Approval | None = None


def canary_steps(weights: tuple[int, ...] = (1, 5, 25, 50, 100), *, mirror: bool = True) -> tuple[Step, ...]:
    """The default ladder: mirror, then each weight, an analysis after each."""
    first = (Step(set_mirror_route=SetMirrorRoute()), Step(analysis=Analysis(min_sample_size=500))) if mirror else ()
    pairs = ((Step(set_weight=weight), Step(analysis=Analysis())) for weight in weights)
    return first + tuple(step for pair in pairs for step in pair)


class RolloutPlan(View, frozen=True, kw_only=True):
    """The whole plan. ``alpha`` is the chance that a *whole rollout* of a harmless candidate is sent back."""

    steps: tuple[Step, ...] = canary_steps()
    objectives: tuple[Objective, ...] = DEFAULT_OBJECTIVES
    alpha: float = 0.01
    bake: float = 600.0
    max_duration: float = 86400.0
    lease: float = 30.0
    on_failure: Literal["abort", "pause"] = "abort"
    on_inconclusive: Literal["pause", "abort", "extend"] = "abort"
