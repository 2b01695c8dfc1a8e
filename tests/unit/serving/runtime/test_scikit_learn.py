"""A really fitted estimator as a unit: columns by name, the cheap engine where it is proven, refusals."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.manifest import Column, Signature
from sluicegate.serving.bundle.writing import Contents, write_bundle
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.errors import ModelFailedError
from sluicegate.serving.runtime.loading import load, runtime_of
from sluicegate.serving.runtime.sources import Loaded, Source

RANDOM = np.random.default_rng(7)
TABLE = pd.DataFrame(RANDOM.normal(size=(120, 3)), columns=["a", "b", "c"])
LABELS = (TABLE.a + 0.1 * TABLE.b > 0).astype(int)
SIGNATURE = Signature(inputs=tuple(Column(name=name) for name in "abc"), outputs=("0", "1"))
MODELS: dict[str, Any] = {
    "linear": LogisticRegression(),
    "trees": HistGradientBoostingClassifier(max_iter=5),
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
    "by-name": make_pipeline(make_column_transformer((StandardScaler(), ["a", "c"])), LogisticRegression()),
}


def _bundle(directory: Path, fitted: Any, **changes: Any) -> Source:
    rows = TABLE[:6]
    answers = [] if "expected_answers" in changes else fitted.predict_proba(rows).tolist()
    contents = Contents(
        name="m",
        version="1",
        model=fitted,
        signature=SIGNATURE,
        input_example=rows.to_numpy().tolist(),
        expected_answers=answers,
    )
    write_bundle(directory, replace(contents, **changes))
    return Source(name="u", implementation="SKLEARN_SERVER", model_uri=str(directory), allow_unverified=True)


@pytest.fixture
def linear(tmp_path: Path) -> Loaded:
    """A logistic regression from its bundle."""
    return load(_bundle(tmp_path / "m", LogisticRegression().fit(TABLE, LABELS)))


@pytest.mark.parametrize("kind", MODELS)
def test_each_kind_of_model_answers_as_scikit_learn_does(tmp_path: Path, kind: str) -> None:
    """Whatever engine was chosen, answers are the estimator's, without a warning."""
    model = MODELS[kind].fit(TABLE, LABELS)
    expected = model.predict_proba(TABLE)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = load(_bundle(tmp_path / "m", model))
        answer = loaded.unit.predict(Message(content=TABLE.to_numpy(), names=("a", "b", "c")))

    assert loaded.verified is True
    np.testing.assert_allclose(answer.content, expected, rtol=1e-9)


def test_a_model_with_functions_of_other_people_keeps_its_data_frame(tmp_path: Path) -> None:
    """Its code may look at names; nothing is taken off."""
    model = make_pipeline(FunctionTransformer(np.cbrt), StandardScaler(), LogisticRegression())
    source = _bundle(tmp_path / "m", model.fit(TABLE, LABELS))

    loaded = load(source)

    assert hasattr(loaded.unit.model, "feature_names_in_")


def test_columns_are_taken_by_name_and_others_ignored(linear: Loaded) -> None:
    """Order and extra columns do not matter, text in an ignored one neither."""
    straight = linear.unit.predict(Message(content=np.array([[1.0, 2.0, 3.0]])))

    shuffled = linear.unit.predict(
        Message(content=np.array([[3.0, "x", 1.0, 2.0]], dtype=object), names=("c", "z", "a", "b"))
    )

    np.testing.assert_array_equal(straight.content, shuffled.content)
    assert shuffled.names == ("0", "1")


@pytest.mark.parametrize(
    ("content", "names", "told"),
    [
        ([[1.0, 2.0]], ("a", "b"), "no column c"),
        ([[1.0, 2.0]], (), "2 columns without names"),
        ([[1.0, 2.0, 3.0]], ("a", "b"), "2 names for 3 columns"),
        ([[1.0, 2.0, 3.0, 4.0]], ("a", "b", "c", "a"), '"a" twice'),
        ([[1.0, "x", 3.0]], (), "row 0, column 'b': found \"x\""),
        ([1.0, 2.0, 3.0], (), "1 dimensions"),
        (np.empty((0, 3)), (), "no rows"),
        ("text", (), "a list of rows"),
    ],
)
def test_a_table_that_does_not_fit_is_the_callers_fault(
    linear: Loaded, content: Any, names: tuple[str, ...], told: str
) -> None:
    """The error names the column."""
    array = content if isinstance(content, str) else np.array(content, dtype=object)

    with pytest.raises(BadPayloadError, match=told):
        linear.unit.predict(Message(content=array, names=names))


def test_what_the_model_raises_is_its_own_fault(linear: Loaded) -> None:
    """A logistic regression cannot take NaN."""
    with pytest.raises(ModelFailedError, match="unit 'u' raised ValueError: Input X contains NaN"):
        linear.unit.predict(Message(content=np.array([[1.0, np.nan, 2.0]])))


def test_requests_together_are_answered_as_alone(linear: Loaded) -> None:
    """One bad request and one that makes the model raise take no other with them."""
    good = [Message(content=TABLE.to_numpy()[i : i + 2]) for i in range(4)]
    bad, failing = Message(content=np.array([[1.0]])), Message(content=np.array([[np.nan, 0, 0]]))

    answers = linear.unit.predict_many([good[0], bad, good[1], failing, *good[2:]])

    assert isinstance(answers[1], BadPayloadError)
    assert isinstance(answers[3], ModelFailedError)
    for message, answer in zip(good, [answers[0], answers[2], *answers[4:]], strict=True):
        np.testing.assert_allclose(answer.content, linear.unit.predict(message).content, rtol=1e-9)


def test_text_columns_go_through_a_data_frame(tmp_path: Path) -> None:
    """A model with a text column answers, null included."""
    table = pd.DataFrame({"carrier": ["AA", "UA", "AA", "DL"] * 10, "delay": np.arange(40.0)})
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["carrier"]), remainder="passthrough"),
        LogisticRegression(),
    ).fit(table, np.arange(40) % 2)
    signature = Signature(inputs=(Column(name="carrier", type="string"), Column(name="delay")), outputs=("0", "1"))
    answers = model.predict_proba(table[:3]).tolist()
    rows = [list(row) for row in table[:3].itertuples(index=False)]
    source = _bundle(tmp_path / "m", model, signature=signature, input_example=rows, expected_answers=answers)

    loaded = load(source)
    answer = loaded.unit.predict(
        Message(content=np.array([[3, "AA"], [4, None]], dtype=object), names=("delay", "carrier"))
    )

    assert np.asarray(answer.content).shape == (2, 2)
    with pytest.raises(BadPayloadError, match="column 'carrier'"):
        loaded.unit.predict(Message(content=np.array([[3, 4.0]], dtype=object), names=("delay", "carrier")))


def test_a_wrong_answer_on_the_own_example_is_refused(tmp_path: Path) -> None:
    """A model that is not the one that was packaged."""
    source = _bundle(tmp_path / "m", LogisticRegression().fit(TABLE, LABELS), expected_answers=[[0.5, 0.5]] * 6)

    with pytest.raises(BundleRefused, match=r"expected-answers.json \[0, 0\]"):
        load(source)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"signature": Signature(inputs=tuple(Column(name=name) for name in "abx"))}, "signature.inputs"),
        ({"model": "not an estimator"}, "method predict_proba"),
    ],
)
def test_a_bundle_that_contradicts_its_model_is_refused(tmp_path: Path, changes: dict[str, Any], where: str) -> None:
    """The refusal says what the model was fitted on."""
    source = _bundle(tmp_path / "m", LogisticRegression().fit(TABLE, LABELS), **changes)

    with pytest.raises(BundleRefused, match=where):
        load(source)


def test_a_bare_model_is_served_unverified(tmp_path: Path) -> None:
    """As Seldon's users have it: a directory with model.joblib, and a method parameter."""
    joblib.dump(LogisticRegression().fit(TABLE.to_numpy(), LABELS), tmp_path / "model.joblib")
    source = Source(
        name="u",
        implementation="SKLEARN_SERVER",
        model_uri=tmp_path.as_uri(),
        parameters={"method": "predict"},
        allow_unverified=True,
    )

    loaded = load(source)

    assert loaded.verified is None
    assert np.asarray(loaded.unit.predict(Message(content=np.array([[9.0, 0, 0]]))).content).tolist() == [1]
    with pytest.raises(BundleRefused, match="no bundle"):
        load(replace(source, digest="sha256:1"))
    with pytest.raises(BundleRefused, match="parameter method"):
        load(replace(source, parameters={"method": "fit"}))


@pytest.mark.parametrize(
    "implementation", ["CATBOOST_SERVER", "TRITON_SERVER", "TEMPO_SERVER", "UNKNOWN_IMPLEMENTATION", "a b", ""]
)
def test_what_nothing_serves_is_refused_by_name(implementation: str) -> None:
    """Neither what nobody knows nor what runs elsewhere."""
    with pytest.raises(BundleRefused, match="implementation"):
        runtime_of(implementation)
