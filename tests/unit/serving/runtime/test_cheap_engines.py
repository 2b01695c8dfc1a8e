"""The arithmetic that stands in for scikit-learn's estimators answers as they do, and leaves the rest to them."""

from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.cheap_engines import cheap_engine
from sluicegate.serving.runtime.columns import Columns
from sluicegate.serving.runtime.engines import choose_engine
from sluicegate.serving.runtime.errors import ModelFailedError
from sluicegate.serving.runtime.loading import load
from sluicegate.serving.runtime.sources import Source

TABLE = np.random.default_rng(5).normal(size=(150, 4)) * [1, 10, 100, 0.01]
NUMBERS = TABLE[:, 0] * 2 + TABLE[:, 1]
TWO, THREE = np.array(["no", "yes"])[(NUMBERS > 0).astype(int)], np.digitize(NUMBERS, [-5, 5])
LABELLED = [
    LogisticRegression(max_iter=1000),
    RidgeClassifier(),
    SGDClassifier(random_state=0),
    Perceptron(),
    LinearSVC(),
    make_pipeline(StandardScaler(), LogisticRegression()),
    make_pipeline(StandardScaler(with_mean=False), LogisticRegression(fit_intercept=False)),
    DecisionTreeClassifier(max_depth=4),
    RandomForestClassifier(n_estimators=9, random_state=0),
    ExtraTreesClassifier(n_estimators=9, random_state=0),
]
NUMERIC = [
    LinearRegression(),
    Ridge(),
    Lasso(),
    ElasticNet(),
    make_pipeline(StandardScaler(), Ridge()),
    DecisionTreeRegressor(max_depth=5),
    RandomForestRegressor(n_estimators=9, random_state=0),
    ExtraTreesRegressor(n_estimators=9, random_state=0),
]
METHODS = ("predict_proba", "predict", "decision_function")
FITTED = [
    (clone(model).fit(TABLE, labels), method)
    for models, targets in ((LABELLED, (TWO, THREE)), (NUMERIC, (NUMBERS,)))
    for model in models
    for labels in targets
    for method in METHODS
    if hasattr(model, method)
]
FORESTS = ("RandomForest", "ExtraTrees", "DecisionTree")


def _never(_: Any) -> Any:
    raise AssertionError("the estimator was asked")


@pytest.mark.parametrize(("model", "method"), FITTED, ids=lambda each: getattr(each, "__class__", type(each)).__name__)
@settings(max_examples=15, deadline=None)
@given(rows=arrays(np.float64, (3, 4), elements=st.floats(-1e4, 1e4)))
def test_it_answers_what_the_estimator_does(model: Any, method: str, rows: Any) -> None:
    """Trees bit for bit, the rest but for the last digits."""
    expected = getattr(model, method)(rows)

    engine = cheap_engine(model, method, _never)

    assert engine is not None
    found = engine(rows)
    assert found.dtype == expected.dtype
    if type(model).__name__.startswith(FORESTS) or found.dtype.kind != "f":
        np.testing.assert_array_equal(found, expected)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize(
    "model",
    [
        GradientBoostingClassifier(n_estimators=2),
        make_pipeline(MinMaxScaler(), LogisticRegression()),
        type("Mine", (LogisticRegression,), {})(),
        RandomForestRegressor(2).fit(TABLE, TABLE[:, :2]),
    ],
    ids=["unknown", "another scaler", "a subclass", "two outputs"],
)
def test_what_is_not_known_is_left_to_the_estimator(model: Any) -> None:
    fitted = model if hasattr(model, "n_outputs_") else model.fit(TABLE, TWO)

    assert cheap_engine(fitted, "predict", _never) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
@pytest.mark.parametrize("model", [LogisticRegression(), RandomForestClassifier(n_estimators=3, random_state=0)])
def test_what_is_not_finite_is_the_estimators_to_answer(model: Any, value: float) -> None:
    """1e300 is infinite for a tree, whose numbers are float32; a linear model knows it."""
    row = np.array([[value, 0.0, 0.0, 0.0]])
    fitted = model.fit(TABLE, TWO)
    engine = cheap_engine(fitted, "predict_proba", fitted.predict_proba)

    assert engine is not None
    try:
        expected = fitted.predict_proba(row)
    except ValueError as error:
        with pytest.raises(ValueError, match=str(error)[:20]):
            engine(row)
    else:
        np.testing.assert_array_equal(engine(row), expected)


def test_an_engine_that_answers_otherwise_is_not_taken() -> None:
    """Whatever was done to this model, its coefficients are not all of it."""
    model = LogisticRegression().fit(TABLE, TWO)
    model.predict_proba = lambda rows: np.full((len(rows), 2), 0.5)

    engine = choose_engine(model, "predict_proba", Columns((), 4), TABLE[:5])

    np.testing.assert_array_equal(engine(TABLE[:2]), [[0.5, 0.5], [0.5, 0.5]])


def test_a_served_model_is_asked_by_arithmetic(tmp_path: Path) -> None:
    """And says of a missing value what scikit-learn says."""
    joblib.dump(LogisticRegression().fit(TABLE, TWO), tmp_path / "model.joblib")
    source = Source(name="u", implementation="SKLEARN_SERVER", model_uri=str(tmp_path), allow_unverified=True)
    unit = load(source).unit

    assert unit.engine.__module__.endswith("cheap_engines")
    with pytest.raises(ModelFailedError, match="Input X contains NaN"):
        unit.predict(Message(content=np.array([[np.nan, 0, 0, 0]])))
