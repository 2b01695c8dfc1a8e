"""Drift of live rows, window by window, against the profile that was packaged with the model.

The collector feeds each predictor's logged rows in; one window is about one block of the reference. A feature's score
is its distance in units of its own threshold (above 1: farther than the reference's blocks lie from one another).
It alarms when it exceeds in so many windows in a row that one odd block cannot lie in all of them: three of a block's
size. One day of snow is weather and falls into two windows at most; what lasts is a change.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sluicegate.monitoring.drift.distances import (
    FEWEST,
    OTHER,
    categories,
    numbers,
    quantiles,
    shares,
    total_variation,
    wasserstein,
)
from sluicegate.monitoring.drift.profile import (
    PREDICTION,
    CategoricalFeature,
    Feature,
    NumericFeature,
    ReferenceProfile,
    last_class,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One full window: scores by feature, those in alarm, and those whose alarm began with this window."""

    index: int
    rows: int
    scores: dict[str, float] = field(default_factory=dict)
    alarms: dict[str, float] = field(default_factory=dict)
    began: dict[str, float] = field(default_factory=dict)


class Detector:
    """Collects rows, scores each full window. Not shared between threads.

    ``window_rows`` is the profile's ``block_rows`` unless given. Smaller windows vary more by chance, so their
    thresholds grow with the square root of the ratio; larger ones keep the thresholds of a block. ``consecutive``
    windows above its threshold set a feature's alarm off.
    """

    def __init__(
        self, profile: ReferenceProfile, window_rows: int | None = None, *, consecutive: int | None = None
    ) -> None:
        self.profile = profile
        self.window_rows = max(1, window_rows or profile.block_rows)
        self.latest: Window | None = None
        self._allowance = max(1.0, (profile.block_rows / self.window_rows) ** 0.5)
        self.consecutive = consecutive or 2 + math.ceil(profile.block_rows / self.window_rows)
        self._streaks = dict.fromkeys(profile.features, 0)
        self._rows = 0
        self._windows = 0
        self._parts: dict[str, list[NDArray[Any] | int]] = {name: [] for name in profile.features}

    @property
    def scores(self) -> dict[str, float]:
        """Newest score by feature, in units of its own threshold; empty until a window is full."""
        return dict(self.latest.scores) if self.latest else {}

    @property
    def alarms(self) -> dict[str, float]:
        """Features in alarm, with their scores."""
        return dict(self.latest.alarms) if self.latest else {}

    def add(self, columns: Mapping[str, Any], scores: Any = None) -> tuple[Window, ...]:
        """Take rows in (name → one value a row; columns that the profile does not know are ignored).

        Returns the windows that became full. A column that is absent from a whole window is not scored.
        """
        given: dict[str, Any] = {name: columns[name] for name in self.profile.features if name in columns}
        if scores is not None and PREDICTION in self.profile.features:
            given[PREDICTION] = last_class(scores)
        arrays = {name: self._converted(name, values) for name, values in given.items()}
        rows = max((array.size for array in arrays.values()), default=0)
        windows = []
        taken = 0
        while taken < rows:
            part = min(rows - taken, self.window_rows - self._rows)
            for name, parts in self._parts.items():
                parts.append(arrays[name][taken : taken + part] if name in arrays else part)
            taken += part
            self._rows += part
            if self._rows == self.window_rows:
                windows.append(self._close())
        return tuple(windows)

    def _converted(self, name: str, values: Any) -> NDArray[Any]:
        numeric = isinstance(self.profile.features[name], NumericFeature)
        return numbers(values) if numeric else categories(values)

    def _close(self) -> Window:
        scores: dict[str, float] = {}
        for name, feature in self.profile.features.items():
            score = distance_ratio(feature, self._parts[name])
            if score is not None:
                scores[name] = score / self._allowance
        before = self.alarms
        for name in self._streaks:
            self._streaks[name] = self._streaks[name] + 1 if scores.get(name, 0.0) > 1.0 else 0
        alarms = {name: scores[name] for name, streak in self._streaks.items() if streak >= self.consecutive}
        began = {name: score for name, score in alarms.items() if name not in before}
        self.latest = Window(index=self._windows, rows=self._rows, scores=scores, alarms=alarms, began=began)
        self._windows, self._rows = self._windows + 1, 0
        self._parts = {name: [] for name in self._parts}
        return self.latest


def distance_ratio(feature: Feature, parts: list[NDArray[Any] | int]) -> float | None:
    """Distance of a window in units of the feature's threshold; None without values.

    ``parts`` are the window's values, or a number of rows in which the column was absent (they count as missing).
    """
    if all(isinstance(part, int) for part in parts):
        return None
    if isinstance(feature, CategoricalFeature):
        words = np.concatenate([np.full(part, "") if isinstance(part, int) else part for part in parts])
        folded = np.array([word if word in feature.shares else OTHER for word in words], dtype=str)
        return total_variation(shares(folded), feature.shares) / feature.threshold
    values = np.concatenate([np.full(part, np.nan) if isinstance(part, int) else part for part in parts])
    missing = np.isnan(values)
    ratio = abs(float(missing.mean()) - feature.missing) / feature.missing_threshold
    present = values[~missing]
    if present.size >= FEWEST:
        window = quantiles(present, feature.median, feature.unit)
        distance = wasserstein(window, np.array(feature.quantiles), feature.unit)
        ratio = max(ratio, distance / feature.threshold)
    return ratio
