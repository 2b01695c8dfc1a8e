"""What was seen of one rollout, second by second: the only input of a verdict.

The collector keeps and serves it; sources fetch it; ``judge`` reads it. All arrays have the same length: one entry per
second since ``start``. Counts are increments within that second, never running totals, so that a reset counter is a
source's problem and not the judge's.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]


def _none() -> Counts:
    return np.zeros(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One predictor's requests as the gateway saw them: answered to users, or as copies (``mirrored``)."""

    requests: Counts = field(default_factory=_none)
    errors: Counts = field(default_factory=_none)
    slow: Counts = field(default_factory=_none)
    """Requests slower than the latency objective's threshold."""
    mirrored: Counts = field(default_factory=_none)
    mirrored_errors: Counts = field(default_factory=_none)
    mirrored_slow: Counts = field(default_factory=_none)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Requests that both predictors answered. ``flips``: the class differs. ``labelled``: the truth is known too;
    ``only_stable_wrong`` and ``only_candidate_wrong`` count the labelled pairs in which exactly one is wrong.
    """

    count: Counts = field(default_factory=_none)
    flips: Counts = field(default_factory=_none)
    labelled: Counts = field(default_factory=_none)
    only_stable_wrong: Counts = field(default_factory=_none)
    only_candidate_wrong: Counts = field(default_factory=_none)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Everything about one rollout. ``step_start`` is the index of the second in which the current step began."""

    start: float
    """Unix seconds of index 0."""
    seconds: int
    step_start: int = 0
    stable: Arm = field(default_factory=Arm)
    candidate: Arm = field(default_factory=Arm)
    pairs: Pairs = field(default_factory=Pairs)
    drift: dict[str, float] = field(default_factory=dict)
    """Newest drift score by feature, in units of its own alarm threshold (above 1 means drift)."""
    gaps: tuple[str, ...] = ()
    """Sentences about what could not be measured (a scrape that failed, a restarted gateway)."""
