"""What training leaves behind."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sluicegate.components.artefacts.trained import read_trained
from sluicegate.components.errors import CodeNotImportableError, InputRefusedError

Train = Callable[..., Path]


def test_signature_and_versions_are_written_down(trained_by: Train) -> None:
    """Columns with types in order, classes as names, exact versions."""
    found = read_trained(trained_by())

    assert [(column.name, column.type) for column in found.signature.inputs] == [
        ("delay", "double"), ("pressure", "double"),
    ]  # fmt: skip
    assert found.signature.outputs == ("0", "1")
    assert (found.method, found.rows) == ("predict_proba", 48)
    assert {"python", "scikit-learn", "numpy"} <= set(found.versions)


def test_the_example_has_a_missing_value_and_its_answers(trained_by: Train) -> None:
    """NaN is null on the wire; one answer for each row."""
    directory = trained_by()

    rows = json.loads((directory / "input-example.json").read_text())["data"]["ndarray"]
    answers = json.loads((directory / "expected-answers.json").read_text())["data"]
    assert any(None in row for row in rows)
    assert answers["names"] == ["0", "1"]
    assert len(answers["ndarray"]) == len(rows)


def test_the_reference_profile_knows_features_and_score(trained_by: Train) -> None:
    """Blocks by time where a column says when."""
    directory = trained_by(time_column="moment", block="6h")

    profile = json.loads((directory / "reference-profile.json").read_text())
    assert profile["blocks"] == 8
    assert set(profile["features"]) == {"delay", "pressure", "prediction"}


def test_too_few_blocks_say_what_to_do(trained_by: Train) -> None:
    """Two days teach nothing of how days vary."""
    with pytest.raises(InputRefusedError, match="finer block ids"):
        trained_by(time_column="moment", block="1D")


def test_a_model_of_the_users_own_class_brings_its_code(trained_by: Train, tmp_path: Path) -> None:
    """The module travels, without what Python left beside it."""
    source = tmp_path / "own"
    (source / "__pycache__").mkdir(parents=True)
    (source / "own_model.py").write_text(
        "from sklearn.linear_model import LinearRegression\n\nclass Mine(LinearRegression):\n    pass\n"
    )

    directory = trained_by(estimator="own_model:Mine", parameters={}, features=["delay"], code=str(source))

    assert [path.name for path in (directory / "code").iterdir()] == ["own_model.py"]
    assert read_trained(directory).task == "regression"
    assert read_trained(directory).signature.outputs == ("late",)


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        pytest.param({"features": ["gate"]}, InputRefusedError, "no column 'gate'", id="no-column"),
        pytest.param({"features": ["moment"]}, InputRefusedError, "'moment' is datetime64", id="time-as-feature"),
        pytest.param({"target": "pressure"}, InputRefusedError, "8 of 48 rows have no 'pressure'", id="no-target"),
        pytest.param({"parameters": {"depth": 3}}, InputRefusedError, "depth", id="unknown-parameter"),
        pytest.param(
            {"estimator": "json:JSONDecoder", "parameters": {}},
            CodeNotImportableError,
            "without fit",
            id="no-estimator",
        ),
        pytest.param({"estimator": "nowhere:Tree"}, CodeNotImportableError, "nowhere", id="no-module"),
    ],
)
def test_what_cannot_be_trained_is_refused(
    trained_by: Train, changes: dict[str, object], error: type[Exception], words: str
) -> None:
    """Each refusal names the argument."""
    with pytest.raises(error, match=words):
        trained_by(**changes)
