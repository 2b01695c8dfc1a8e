"""Figures, gates, and the comparison with the champion."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sluicegate.components.errors import GateNotPassedError, InputRefusedError
from sluicegate.components.evaluation import figures
from sluicegate.components.evaluation.comparing import compare_with_champion
from sluicegate.components.evaluation.contestants import Contestant
from sluicegate.components.evaluation.evaluating import evaluate
from sluicegate.components.packaging.bundling import contents, write_once
from sluicegate.components.training.training import train
from sluicegate.serving.bundle.manifest import Column, Signature

Train = Callable[..., Path]


def bundle_of(trained: Path, directory: Path) -> str:
    """A bundle of what was trained, for a champion."""
    write_once(directory, contents(trained, model="m", version="1", disagreement=None))
    return str(directory)


def asked(outputs: tuple[str, ...]) -> Contestant:
    """A model of which only the signature matters."""
    return Contestant(
        name="m", model=Path(), code="", method="predict_proba", own_process=False,
        signature=Signature(inputs=(Column(name="x"),), outputs=outputs),
    )  # fmt: skip


def test_figures_of_four_known_answers() -> None:
    """Three of four pairs are in order; Brier's score is that of the positive class."""
    positive = np.array([0.1, 0.4, 0.35, 0.8])
    answers = np.column_stack([1 - positive, positive])

    found = figures.measure(answers, pd.Series([0, 0, 1, 1], name="y"), asked(("0", "1")))

    assert found["roc_auc"] == pytest.approx(0.75)
    assert found["accuracy"] == pytest.approx(0.75)
    assert found["brier"] == pytest.approx(np.mean((positive - [0, 0, 1, 1]) ** 2))
    assert found["log_loss"] == pytest.approx(0.4723, abs=1e-4)


def test_figures_of_numbers() -> None:
    """Mean absolute and root mean squared error, share of variance explained."""
    found = figures.measure(np.array([1.0, 2.0, 5.0]), pd.Series([1.0, 2.0, 3.0], name="y"), asked(("y",)))

    assert found == pytest.approx({"mae": 2 / 3, "rmse": np.sqrt(4 / 3), "r2": -1.0})


def test_a_class_that_was_not_learned_is_named() -> None:
    """Held-out data may hold what training never saw."""
    with pytest.raises(InputRefusedError, match="class '2' of 'y'"):
        figures.measure(np.full((1, 2), 0.5), pd.Series([2], name="y"), asked(("0", "1")))


def test_a_gate_raises_after_the_figures_are_written(trained_by: Train, table: Path, tmp_path: Path) -> None:
    """A metric that does not exist does not pass either."""
    with pytest.raises(GateNotPassedError, match=r"f1: found no such metric.*brier: found 0\.\d+; required at most 0"):
        evaluate(
            trained=trained_by(),
            held_out=table,
            metrics=tmp_path / "m.json",
            at_least={"f1": 0.5},
            at_most={"brier": 0},
        )

    assert json.loads((tmp_path / "m.json").read_text())["roc_auc"] > 0.5


def test_without_a_champion_it_is_a_first_release(trained_by: Train, table: Path, tmp_path: Path) -> None:
    """Nothing is compared and nothing gated."""
    found = compare_with_champion(
        trained=trained_by(), held_out=table, comparison=tmp_path / "c.json", worse_by_at_most={"roc_auc": 0}
    )

    assert found == (True, 0.0)


def test_a_model_agrees_with_itself(trained_by: Train, table: Path, tmp_path: Path) -> None:
    """The same model as champion and candidate: no decision differs, no figure either."""
    trained = trained_by()

    found = compare_with_champion(
        trained=trained, held_out=table, comparison=tmp_path / "c.json", worse_by_at_most={"roc_auc": 0.0},
        champion_bundle=bundle_of(trained, tmp_path / "champion"),
    )  # fmt: skip

    assert found == (False, 0.0)
    assert json.loads((tmp_path / "c.json").read_text())["improvement_log_loss"] == 0.0


def test_a_worse_model_is_stopped_with_both_figures(trained_by: Train, table: Path, tmp_path: Path) -> None:
    """And how often they differ is the share of rows with another decision."""
    champion = bundle_of(trained_by("good"), tmp_path / "champion")
    worse = trained_by("worse", estimator="sklearn.dummy:DummyClassifier", parameters={"strategy": "prior"})

    with pytest.raises(GateNotPassedError, match=r"roc_auc: found 0\.5 against"):
        compare_with_champion(
            trained=worse, held_out=table, comparison=tmp_path / "c.json", champion_bundle=champion,
            worse_by_at_most={"roc_auc": 0.01},
        )  # fmt: skip

    assert 0.2 < json.loads((tmp_path / "c.json").read_text())["disagreement"] < 0.8


def test_a_champion_is_compared_on_the_rows_that_it_can_answer(trained_by: Train, table: Path, tmp_path: Path) -> None:
    """A linear champion raises on missing values; the candidate, who does not, is not held up by that."""
    linear = {"estimator": "sklearn.linear_model:LogisticRegression", "parameters": {}}
    complete = tmp_path / "complete.parquet"
    pd.read_parquet(table).dropna().to_parquet(complete)
    train(training_data=complete, trained=tmp_path / "old", features=["delay", "pressure"], target="late", **linear)

    compare_with_champion(
        trained=trained_by(),
        held_out=table,
        comparison=tmp_path / "c.json",
        champion_bundle=bundle_of(tmp_path / "old", tmp_path / "champion"),
    )

    assert json.loads((tmp_path / "c.json").read_text())["rows"] == 40


def test_a_champion_with_its_own_code_answers_in_a_process_of_its_own(
    trained_by: Train, table: Path, tmp_path: Path
) -> None:
    """Both bring a module of one name; each is asked with its own."""
    for name, sign in (("old", 1), ("new", -1)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "signed.py").write_text(
            "import numpy as np\nfrom sklearn.dummy import DummyClassifier\n\n"
            "class Signed(DummyClassifier):\n"
            "    def predict_proba(self, X):\n"
            f"        p = (np.asarray(X)[:, 0] * {sign} > 0).astype(float)\n"
            "        return np.column_stack([1 - p, p])\n"
        )
    arguments = {"estimator": "signed:Signed", "parameters": {}, "features": ["delay"]}
    champion = bundle_of(trained_by("a", code=str(tmp_path / "old"), **arguments), tmp_path / "champion")
    sys.modules.pop("signed")  # another run is another process

    found = compare_with_champion(
        trained=trained_by("b", code=str(tmp_path / "new"), **arguments), held_out=table,
        comparison=tmp_path / "c.json", champion_bundle=champion,
    )  # fmt: skip

    assert found.expected_disagreement == 1.0
