"""How far a window of rows lies from the reference, by feature: the same functions calibrate and detect.

Numbers: the first Wasserstein distance, i.e. the mean gap between the quantile functions, in interquartile ranges. It
goes on growing beyond all that the reference has seen, where Jensen-Shannon and PSI over bins are at their end already
on an ordinary day (one day of weather lies in few bins). Categories: total variation. Missing values: a share apart.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEVELS = np.linspace(0.0, 1.0, 101)
FENCE = 5.0
"""Values count up to this many interquartile ranges from the median: one absurd value is no drift."""
FEWEST = 10
"""Fewer values than this have no distribution worth comparing."""
MISSING = ""
OTHER = "\0other"


def numbers(values: Iterable[Any] | NDArray[Any]) -> Array:
    """Values as floats; what is missing or no number is NaN (as are infinities)."""
    given = values if isinstance(values, np.ndarray) else list(values)
    try:
        floats = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        floats = np.array([_number(value) for value in given], dtype=float)
    return np.where(np.isfinite(floats), floats, np.nan)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def categories(values: Iterable[Any] | NDArray[Any]) -> NDArray[np.str_]:
    """Values as words; None and NaN are ``MISSING``."""
    return np.array([_word(value) for value in values], dtype=str)


def _word(value: Any) -> str:
    absent = value is None or (isinstance(value, float) and math.isnan(value))
    return MISSING if absent else str(value)


def spread(values: Array) -> float:
    """Unit of the distance: interquartile range, else standard deviation, else a twentieth of the size."""
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low) or float(values.std()) or 0.05 * float(np.abs(values).max()) or 1.0


def quantiles(values: Array, median: float, unit: float) -> Array:
    """Quantile function at ``LEVELS``, within the fence."""
    return np.asarray(np.quantile(np.clip(values, median - FENCE * unit, median + FENCE * unit), LEVELS))


def wasserstein(one: Array, other: Array, unit: float) -> float:
    """Distance of two quantile functions, in units."""
    return float(np.abs(one - other).mean() / unit)


def shares(values: NDArray[np.str_]) -> dict[str, float]:
    """Share of each category."""
    names, counts = np.unique(values, return_counts=True)
    return {str(name): float(count) / values.size for name, count in zip(names, counts, strict=True)}


def total_variation(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Half the sum of the differences: the share of rows that would have to change their category."""
    return 0.5 * sum(abs(one.get(name, 0.0) - other.get(name, 0.0)) for name in {*one, *other})
