"""What every runtime does alike, on models that were really trained: answers, columns, refusals, proof."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from tests.contract.trained_models import NAMES, TABLE, TRAINERS, Trained

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.formats import FORMATS
from sluicegate.serving.bundle.manifest import Column, Signature
from sluicegate.serving.bundle.writing import Contents, write_bundle
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.catalogue import PREPACKAGED
from sluicegate.serving.runtime.errors import ModelFailedError
from sluicegate.serving.runtime.loading import load
from sluicegate.serving.runtime.sources import Loaded, Source

ROWS = TABLE.to_numpy()[:9]


@pytest.fixture(scope="module")
def shelf() -> Iterator[Any]:
    """Each model is trained once."""
    with TemporaryDirectory() as directory:

        @cache
        def trained(kind: str) -> Trained:
            place = Path(directory, str(len(list(Path(directory).iterdir()))))
            place.mkdir()
            return TRAINERS[kind](place)

        yield trained


@pytest.fixture(params=TRAINERS)
def model(request: pytest.FixtureRequest, shelf: Any) -> Trained:
    """A trained model of each framework and form."""
    found: Trained = shelf(request.param)
    return found


def _source(model: Trained, where: Path | None = None, **changes: Any) -> Source:
    given = {"model_uri": str(where or model.where), "parameters": model.parameters, **changes}
    return Source(name="u", implementation=model.implementation, allow_unverified=True, **given)


@pytest.fixture
def bare(model: Trained) -> Loaded:
    """Served without a bundle."""
    return load(_source(model))


def _message(rows: Any, names: tuple[str, ...] = ()) -> Message:
    return Message(content=np.asarray(rows), names=names)


def _same(found: Any, expected: Any) -> None:
    expected = np.asarray(expected)
    assert found.shape == expected.shape
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(found, expected, rtol=1e-5 if expected.dtype.itemsize < 8 else 1e-9, atol=1e-7)
    else:
        np.testing.assert_array_equal(found, expected)


def test_answers_are_the_frameworks_own(model: Trained, bare: Loaded) -> None:
    answer = bare.unit.predict(_message(ROWS))

    _same(answer.content, model.answer(ROWS))
    assert answer.form == "ndarray"
    assert len(answer.names) == (answer.content.shape[1] if answer.content.ndim == 2 else 0)


def test_columns_are_taken_by_name_and_others_ignored(model: Trained, bare: Loaded) -> None:
    """A model that knows no names takes the columns as they come."""
    shuffled = np.column_stack([ROWS[:, 2], ["x"] * len(ROWS), ROWS[:, 0], ROWS[:, 1]]).astype(object)
    shuffled[:, [0, 2, 3]] = ROWS[:, [2, 0, 1]]

    if model.named:
        answer = bare.unit.predict(_message(shuffled, ("c", "z", "a", "b")))
    else:
        # The model in a DataFrame without a signature looks at names by itself.
        names = NAMES if model.parameters.get("xtype") == "DataFrame" else ("x", "y", "z")
        answer = bare.unit.predict(_message(ROWS, names))

    _same(answer.content, model.answer(ROWS))


def test_a_missing_column_is_the_callers_fault(model: Trained, bare: Loaded) -> None:
    if not model.named:
        assert bare.signature.columns == ()
        return
    with pytest.raises(BadPayloadError, match="no column c"):
        bare.unit.predict(_message(ROWS[:, :2], ("a", "b")))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(np.empty((0, 3)), "no rows", id="an empty table"),
        pytest.param("text", "found strData|found ndarray", id="a text"),
        pytest.param(np.array([[1.0, "x", 2.0]], dtype=object), 'found "x"', id="text among numbers"),
    ],
)
def test_what_is_no_table_of_numbers_is_the_callers_fault(
    model: Trained, bare: Loaded, content: Any, told: str
) -> None:
    unsigned = model.implementation == "MLFLOW_SERVER" and not model.named
    # Nobody knows what a model without a signature takes: it says so itself.
    expected = (BadPayloadError, ModelFailedError) if unsigned else BadPayloadError

    with pytest.raises(expected, match=None if unsigned else told):
        bare.unit.predict(Message(content=content))


def test_another_width_is_refused(model: Trained, bare: Loaded) -> None:
    """By us where the model's width is known, by the model itself where it is not."""
    unknown = model.implementation in ("MLFLOW_SERVER", "PYTORCH_SERVER") and not model.named

    with pytest.raises(ModelFailedError if unknown else BadPayloadError, match="2"):
        bare.unit.predict(_message(ROWS[:, :2]))


def test_null_and_nan_are_what_the_framework_makes_of_them(model: Trained, bare: Loaded) -> None:
    holed = ROWS.copy()
    holed[1, 0] = np.nan
    null = holed.astype(object)
    null[1, 0] = None

    if not model.takes_missing:
        with pytest.raises(ModelFailedError, match=r"NaN|missing|convert"):
            bare.unit.predict(_message(holed))
        return
    for rows in (holed, null):
        _same(bare.unit.predict(_message(rows)).content, model.answer(holed))


def test_a_row_is_answered_alone_as_among_others(bare: Loaded) -> None:
    together = bare.unit.predict(_message(ROWS)).content
    alone = [bare.unit.predict(_message(ROWS[i : i + 1])).content for i in range(len(ROWS))]

    _same(np.concatenate(alone), together)


def test_requests_together_are_answered_as_alone(bare: Loaded) -> None:
    """One that is wrong takes no other with it."""
    good = [_message(ROWS[i : i + 2]) for i in range(0, 6, 2)]

    answers = bare.unit.predict_many([good[0], _message(np.empty((0, 3))), *good[1:]])

    assert isinstance(answers[1], BadPayloadError | ModelFailedError)
    for message, answer in zip(good, [answers[0], *answers[2:]], strict=True):
        _same(answer.content, bare.unit.predict(message).content)


def _bundle(model: Trained, directory: Path, answers: Any = None) -> Source:
    outputs = np.asarray(model.answer(ROWS))
    contents = Contents(
        name="m",
        version="1",
        implementation=model.implementation,
        model=model.model,
        method=model.method,  # type: ignore[arg-type]
        signature=Signature(inputs=tuple(Column(name=name) for name in NAMES)),
        input_example=ROWS.tolist(),
        expected_answers=outputs.tolist() if answers is None else answers,
    )
    write_bundle(directory, contents)
    return _source(model, directory, parameters={k: v for k, v in model.parameters.items() if k != "method"})


def test_a_bundle_is_proven_and_its_columns_have_names(model: Trained, tmp_path: Path) -> None:
    loaded = load(_bundle(model, tmp_path / "m"))

    assert loaded.verified is True
    assert loaded.bundle is not None
    assert loaded.bundle.manifest.framework.versions[FORMATS[model.implementation].framework]
    answer = loaded.unit.predict(_message(ROWS[:, ::-1], NAMES[::-1]))
    _same(answer.content, model.answer(ROWS))


def test_a_bundle_that_answers_otherwise_is_refused(model: Trained, tmp_path: Path) -> None:
    outputs = np.asarray(model.answer(ROWS)).astype(float)
    outputs[-1] += 1

    with pytest.raises(BundleRefused, match=r"expected-answers.json \[8"):
        load(_bundle(model, tmp_path / "m", outputs.tolist()))


def test_a_broken_file_is_refused_with_a_sentence(model: Trained, tmp_path: Path) -> None:
    place = tmp_path / "m"
    shutil.copytree(model.where, place)
    files = [path for path in place.rglob("*") if path.is_file() and path.suffix not in (".yaml", ".yml", ".txt", "")]
    for path in files or [place / model.model.name]:
        path.write_bytes(b"\x00broken")
    if (place / "MLmodel").is_file():
        (place / "MLmodel").write_text("flavors: {}")

    with pytest.raises(BundleRefused, match=r"found .+; expected .+"):
        load(_source(model, place))


@pytest.mark.parametrize("implementation", sorted(set(PREPACKAGED) - {"HUGGINGFACE_SERVER"}))
def test_an_empty_directory_is_refused_with_a_sentence(implementation: str, tmp_path: Path) -> None:
    source = Source(name="u", implementation=implementation, model_uri=str(tmp_path), allow_unverified=True)

    with pytest.raises(BundleRefused, match=r"no .+ in |no .+ installed"):
        load(source)
    with pytest.raises(BundleRefused, match=r"modelUri: found none|no .+ installed"):
        load(replace(source, model_uri=""))
