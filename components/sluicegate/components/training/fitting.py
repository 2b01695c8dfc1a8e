"""Fits an estimator on named columns and finds out what the model takes and answers."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pandas.api import types as dtypes
from sklearn.base import is_classifier

from sluicegate.components.artefacts.code import find, importable
from sluicegate.components.artefacts.tables import require_columns
from sluicegate.components.errors import CodeNotImportableError, InputRefusedError
from sluicegate.monitoring.quality.decisions import label
from sluicegate.serving.bundle.manifest import Column, ColumnType, Method, Signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What to fit: an estimator's import path with arguments, features in order, target, and the user's code."""

    estimator: str
    parameters: Mapping[str, Any]
    features: list[str]
    target: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fitted model with the table of features that it learned from."""

    model: Any
    frame: pd.DataFrame
    signature: Signature
    method: Method
    seconds: float

    @property
    def classifier(self) -> bool:
        """Whether it chooses among classes."""
        return bool(is_classifier(self.model))


def fit(frame: pd.DataFrame, task: Task) -> Fit:
    """Fit on the task's columns; missing values go to the estimator as they are."""
    if not task.features:
        raise InputRefusedError("features: found none; expected the names of the columns that the model takes")
    require_columns(frame, [*task.features, task.target], argument="features, target")
    table, truth = frame[task.features], frame[task.target]
    if truth.isna().any():
        raise InputRefusedError(f"target: {int(truth.isna().sum())} of {len(truth)} rows have no {task.target!r}")
    columns = tuple(Column(name=name, type=column_type(table[name])) for name in task.features)
    model = _unfitted(task)
    started = time.perf_counter()
    with importable(task.code):
        model.fit(table, truth)
    seconds = time.perf_counter() - started
    method: Method = "predict_proba" if is_classifier(model) and hasattr(model, "predict_proba") else "predict"
    outputs = (
        tuple(str(label(_plain(name))) for name in model.classes_) if method == "predict_proba" else (task.target,)
    )
    return Fit(
        model=model, frame=table, signature=Signature(inputs=columns, outputs=outputs), method=method, seconds=seconds
    )


def column_type(column: "pd.Series[Any]") -> ColumnType:
    """A feature's type on the wire.

    Raises:
        InputRefusedError: a type that JSON has no word for, such as moments.

    """
    if dtypes.is_bool_dtype(column):
        return "boolean"
    if dtypes.is_integer_dtype(column):
        return "long"
    if dtypes.is_numeric_dtype(column):
        return "double"
    if isinstance(column.dtype, pd.CategoricalDtype) or dtypes.is_datetime64_any_dtype(column):
        raise InputRefusedError(
            f"features: column {column.name!r} is {column.dtype}; expected numbers, booleans or text"
        )
    return "string"


def _unfitted(task: Task) -> Any:
    with importable(task.code):
        factory = find(task.estimator, argument="estimator")
        try:
            model = factory(**task.parameters)
        except TypeError as error:
            raise InputRefusedError(f"parameters: {task.estimator} does not take them: {error}") from error
    if not (hasattr(model, "fit") and hasattr(model, "predict")):
        raise CodeNotImportableError(
            f"estimator: {task.estimator} made a {type(model).__name__} without fit and predict"
        )
    return model


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
