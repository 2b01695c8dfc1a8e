"""How a scikit-learn estimator is called: the cheapest way that gives the same answers.

A DataFrame of one row costs over a millisecond in pandas alone, a matrix nothing; but an estimator fitted with names
warns on a matrix. So the names are taken off a tree of scikit-learn's own estimators, and the matrix is used if its
answers on the bundle's example equal those by DataFrame; otherwise the names are put back. Where even less is known to
do, ``cheap_engines``, it is used if it answers the same on the example and on rows like it.
"""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.preprocessing import FunctionTransformer

from sluicegate.serving.protocol.messages import Array
from sluicegate.serving.runtime.cheap_engines import Engine, cheap_engine
from sluicegate.serving.runtime.columns import Columns

_NAMES = "feature_names_in_"
_LONG = 10_000
"""A longer list holds data, not estimators."""
_PROBED = 256
"""Made-up rows on which a cheap engine is proven, beside the example."""


def frame_engine(model: Any, method: str, names: tuple[str, ...]) -> Engine:
    """Through a DataFrame: right for every estimator."""
    call, index = getattr(model, method), pd.Index(names)
    return lambda matrix: np.asarray(call(pd.DataFrame(matrix, columns=index)))


def matrix_engine(model: Any, method: str) -> Engine:
    """Straight: right for estimators that were fitted without names."""
    call = getattr(model, method)
    return lambda matrix: np.asarray(call(matrix))


def choose_engine(model: Any, method: str, columns: Columns, example: Array | None) -> Engine:
    """The cheapest of arithmetic, matrix and DataFrame that is proven to answer the same."""
    whole = _whole_engine(model, method, columns.names, example)
    cheap = cheap_engine(model, method, whole)
    if cheap is None or not columns.width:
        return whole
    probes = [rows for rows in (example, _rows_like(example, columns.width)) if rows is not None]
    return cheap if all(_answers(cheap, rows, whole(rows)) for rows in probes) else whole


def _rows_like(example: Array | None, width: int) -> Array:
    """Rows around those of the example, whose columns may differ by orders of magnitude."""
    random = np.random.default_rng(0)
    if example is None:
        return random.normal(scale=10, size=(_PROBED, width))
    known = np.where(np.isfinite(example), example, 0.0)
    rows: Array = known[random.integers(len(known), size=(_PROBED, width)), np.arange(width)]
    rows += random.normal(size=rows.shape) * np.abs(known).max(axis=0, initial=1e-3)
    return rows


def _whole_engine(model: Any, method: str, names: tuple[str, ...], example: Array | None) -> Engine:
    if not hasattr(model, _NAMES):
        return matrix_engine(model, method)
    by_frame = frame_engine(model, method, names)
    estimators = list(_estimators(model))
    if example is None or not all(map(_well_known, estimators)):
        return by_frame
    expected = by_frame(example)
    taken = [(estimator, vars(estimator).pop(_NAMES)) for estimator in estimators if _NAMES in vars(estimator)]
    by_matrix = matrix_engine(model, method)
    if _answers(by_matrix, example, expected):
        return by_matrix
    for estimator, fitted in taken:
        setattr(estimator, _NAMES, fitted)
    return by_frame


def _answers(engine: Engine, example: Array, expected: Array) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = engine(example)
    except Exception:  # noqa: BLE001  (whatever it raises, this engine is not the one)
        return False
    if found.dtype != expected.dtype or found.shape != expected.shape:
        return False
    if found.dtype.kind != "f":
        return np.array_equal(found, expected)
    # BLAS rounds by memory layout, which pandas changes: equal but for the last digits.
    return np.allclose(found, expected, rtol=1e-10, atol=1e-13)


def _well_known(estimator: BaseEstimator) -> bool:
    # Other people's estimators, and functions inside, may look at column names and answer otherwise without them.
    return type(estimator).__module__.startswith("sklearn.") and not isinstance(estimator, FunctionTransformer)


def _estimators(model: Any) -> Iterator[BaseEstimator]:
    """Every estimator inside, this one first: pipelines' steps, column transformers' parts, fitted and unfitted."""
    waiting, seen = [model], set()
    while waiting:
        found = waiting.pop()
        if id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, BaseEstimator):
            yield found
            waiting.extend(vars(found).values())
        elif isinstance(found, dict):
            waiting.extend(found.values())
        elif isinstance(found, list | tuple) and len(found) < _LONG:
            waiting.extend(found)
