"""The reference profile: what a model's inputs and scores looked like in training, and how much they vary by nature.

Built by the training step, packaged in the bundle, read by the collector's detector. Rows near in time are alike
(weather, seasons), so a test that takes rows for independent alarms all the time, even in the training period itself.
Therefore thresholds are calibrated on *blocks* of that period (days): each block is measured against all others, and a
live window of about a block's size must lie farther away than blocks do from one another.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from sluicegate.monitoring.drift.distances import (
    FEWEST,
    OTHER,
    Array,
    categories,
    numbers,
    quantiles,
    shares,
    spread,
    total_variation,
    wasserstein,
)
from sluicegate.monitoring.drift.errors import ProfileError

FORMAT = 1
FALSE_ALARM = 0.001
"""Chance per window, over all features together, that a window like the reference exceeds a threshold."""
FEWEST_BLOCKS = 5
MOST_CATEGORIES = 100
PREDICTION = "prediction"
"""Name of the model's score among the features."""
FLOOR_NUMERIC = 0.05
FLOOR_SHARE = 0.05
"""Thresholds are never lower: in interquartile ranges, and in shares. A constant column has no spread of its own."""


class NumericFeature(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag="numeric"):
    """A column of numbers: quantiles at 0, 1, …, 100 %; thresholds of its distance and of its missing share."""

    quantiles: tuple[float, ...]
    median: float
    unit: float
    missing: float
    threshold: float
    missing_threshold: float


class CategoricalFeature(msgspec.Struct, frozen=True, kw_only=True, rename="camel", tag="categorical"):
    """A column of words: share of each (the empty word is missing), and the threshold of its distance."""

    shares: dict[str, float]
    threshold: float


Feature = NumericFeature | CategoricalFeature


class ReferenceProfile(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All features. ``block_rows`` is the size of window that the thresholds are made for."""

    format: int = FORMAT
    rows: int
    blocks: int
    block_rows: int
    features: dict[str, Feature]


def build_profile(
    columns: Mapping[str, Any], blocks: NDArray[Any], scores: NDArray[Any] | None = None
) -> ReferenceProfile:
    """Profile of ``columns`` (name → array of one value a row); ``blocks`` holds each row's block, e.g. its day.

    Columns of numbers or booleans are numeric, all others categorical. ``scores`` are the model's answers for these
    rows: ``(rows,)``, or ``(rows, classes)``, of which the last class counts.

    Raises:
        ProfileError: too few blocks, a column of another length, or a column named like the score.

    """
    index = _block_index(np.asarray(blocks))
    table: dict[str, Any] = dict(columns)
    if scores is not None:
        if PREDICTION in table:
            message = f"profile: a column is named {PREDICTION!r}, as is the model's score; rename the column"
            raise ProfileError(message)
        table[PREDICTION] = last_class(scores)
    for name, values in table.items():
        if len(values) != index.size:
            message = f"profile: column {name!r} has {len(values)} rows, blocks have {index.size}; one block id a row"
            raise ProfileError(message)
    alpha = FALSE_ALARM / max(1, len(table))
    return ReferenceProfile(
        rows=index.size,
        blocks=int(index.max()) + 1,
        block_rows=int(np.median(np.bincount(index))),
        features={name: _feature(np.asarray(values), index, alpha) for name, values in table.items()},
    )


def consecutive_blocks(rows: int, count: int = 20) -> NDArray[np.intp]:
    """Block ids for rows in order of time whose dates are not known: ``count`` stretches of one length."""
    return np.asarray(np.arange(rows) * count // max(rows, 1), dtype=np.intp)


def last_class(scores: Any) -> Array:
    """One score a row."""
    table = np.asarray(scores, dtype=float)
    return np.asarray(table[:, -1] if table.ndim > 1 else table)


def encode(profile: ReferenceProfile) -> bytes:
    """The profile as JSON, as it lies in a bundle."""
    return msgspec.json.encode(profile)


def decode(document: bytes | str) -> ReferenceProfile:
    """Read a profile.

    Raises:
        ProfileError: it is not a profile of this format.

    """
    try:
        profile = msgspec.json.decode(document, type=ReferenceProfile)
    except msgspec.MsgspecError as error:
        raise ProfileError(f"reference profile: {error}") from error
    if profile.format != FORMAT:
        raise ProfileError(f"reference profile: format is {profile.format}, this version reads {FORMAT}")
    return profile


def threshold(distances: Array, alpha: float, floor: float) -> float:
    """What one block more, alike the others, exceeds with probability ``alpha`` at most.

    The largest of the blocks' own distances, or the upper prediction limit of Student's t if that is higher (Hahn and
    Meeker, "Statistical Intervals", 1991): with few blocks it is far out, as little is known then of how days vary.
    """
    count = distances.size
    if count < FEWEST_BLOCKS:
        return float("1e9")
    limit = distances.mean() + float(stdtrit(count - 1, 1.0 - alpha)) * distances.std(ddof=1) * np.sqrt(
        1.0 + 1.0 / count
    )
    return float(max(limit, distances.max(), floor))


def _block_index(blocks: NDArray[Any]) -> NDArray[np.intp]:
    names, index = np.unique(blocks, return_inverse=True)
    if names.size < FEWEST_BLOCKS:
        message = (
            f"profile: the reference rows lie in {names.size} blocks, at least {FEWEST_BLOCKS} are needed to learn how "
            "days vary; give finer block ids, or consecutive_blocks(rows) for rows in order of time"
        )
        raise ProfileError(message)
    return np.asarray(index, dtype=np.intp)


def _feature(values: NDArray[Any], index: NDArray[np.intp], alpha: float) -> Feature:
    if values.dtype.kind in "biuf" or _all_numbers(values):
        return _numeric(numbers(values), index, alpha)
    return _categorical(categories(values), index, alpha)


def _all_numbers(values: NDArray[Any]) -> bool:
    present = [value for value in values if value is not None]
    return bool(present) and all(isinstance(value, int | float) for value in present)


def _numeric(values: Array, index: NDArray[np.intp], alpha: float) -> NumericFeature:
    missing = np.isnan(values)
    present = values[~missing] if (~missing).sum() else np.zeros(1)
    median, unit = float(np.median(present)), spread(present)
    distances, gaps = [], []
    for block in range(int(index.max()) + 1):
        inside = index == block
        gaps.append(abs(float(missing[inside].mean()) - float(missing[~inside].mean())))
        own, rest = values[inside & ~missing], values[~inside & ~missing]
        if min(own.size, rest.size) >= FEWEST:
            distances.append(wasserstein(quantiles(own, median, unit), quantiles(rest, median, unit), unit))
    return NumericFeature(
        quantiles=tuple(quantiles(present, median, unit).tolist()),
        median=median,
        unit=unit,
        missing=float(missing.mean()),
        threshold=threshold(np.array(distances), alpha, FLOOR_NUMERIC),
        missing_threshold=threshold(np.array(gaps), alpha, FLOOR_SHARE),
    )


def _categorical(values: NDArray[np.str_], index: NDArray[np.intp], alpha: float) -> CategoricalFeature:
    frequent = sorted(shares(values).items(), key=lambda item: -item[1])[:MOST_CATEGORIES]
    known = {name for name, _ in frequent}
    folded = np.array([value if value in known else OTHER for value in values], dtype=str)
    distances = [
        total_variation(shares(folded[index == block]), shares(folded[index != block]))
        for block in range(int(index.max()) + 1)
    ]
    return CategoricalFeature(shares=shares(folded), threshold=threshold(np.array(distances), alpha, FLOOR_SHARE))
