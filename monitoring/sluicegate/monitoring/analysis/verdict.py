"""A verdict and its parts: what the judge says of each objective and of the rollout."""

from typing import Literal

import msgspec

Result = Literal["Successful", "Failed", "Inconclusive"]
"""Argo Rollouts' words: no harm and enough seen; harm proven; not enough seen to say."""


class Measurement(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One objective at one look.

    ``harm`` and ``no_worse`` are e-values: evidence for harm, and for "no worse than the margin"; above ``1/alpha`` of
    their share of the error budget they count as proof. ``effect`` is the estimated difference candidate − stable with
    its anytime-valid interval, in the objective's unit (share of requests).
    """

    objective: str
    result: Result
    harm: float
    no_worse: float
    harm_threshold: float
    no_worse_threshold: float
    stable: float | None = None
    candidate: float | None = None
    effect: float | None = None
    interval: tuple[float, float] | None = None
    samples: int = 0
    proven_no_worse: bool = False
    dry_run: bool = False
    message: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What one look says. ``advance``: go to the next step; ``promote``: the candidate may become the target's own."""

    result: Result
    advance: bool
    promote: bool
    message: str
    at: float
    measurements: tuple[Measurement, ...] = ()
