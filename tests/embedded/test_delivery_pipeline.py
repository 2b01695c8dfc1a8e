"""Delivery for real: KFP's local runner, an MLflow server, a small table; it ends before a plane would be needed."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from tests.embedded import mlflow_rig

from sluicegate.components.artefacts.registered import aliased, numbered

pytestmark = pytest.mark.embedded

MODEL = "flights-late"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry of its own."""
    with mlflow_rig.registry(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table with missing values, and a user's module that makes an estimator."""
    directory = tmp_path_factory.mktemp("work")
    generator = np.random.default_rng(1)
    frame = pd.DataFrame(generator.normal(size=(300, 2)), columns=["delay", "pressure"])
    frame["moment"] = pd.date_range("2024-01-01", periods=300, freq="h")
    frame["late"] = (frame.delay + frame.pressure + 0.5 * generator.normal(size=300) > 0).astype(int)
    frame.loc[::9, "pressure"] = np.nan
    frame.to_csv(directory / "rows.csv", index=False)
    (directory / "code").mkdir()
    (directory / "code" / "house_models.py").write_text(
        "from sklearn.ensemble import HistGradientBoostingClassifier\n\n"
        "class Trees(HistGradientBoostingClassifier):\n    pass\n"
    )
    return directory


def delivery(work: Path, registry: str, **changes: Any) -> "subprocess.Popen[str]":
    """Start a delivery in a process of its own."""
    parameters = {
        "model": MODEL, "source": str(work / "rows.csv"), "time_columns": ["moment"], "time_column": "moment",
        "features": ["delay"], "target": "late", "estimator": "sklearn.linear_model:LogisticRegression",
        "at_least": {"roc_auc": 0.6}, **changes,
    }  # fmt: skip
    file = work / f"{len(list(work.iterdir()))}.json"
    file.write_text(json.dumps(parameters))
    command = [sys.executable, "-m", "sluicegate.pipelines.cli", "pipeline", "run", "delivery"]
    return subprocess.Popen(
        [*command, "--parameters", str(file), "--home", str(work / "home")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "MLFLOW_TRACKING_URI": registry},
    )  # fmt: skip


def outcome(process: "subprocess.Popen[str]") -> dict[str, str]:
    """What a delivery printed at its end."""
    printed, errors = process.communicate(timeout=150)
    assert process.returncode == 0, printed + errors
    lines = (line.partition(": ") for line in printed.splitlines() if not line.startswith(" "))
    return {key: value for key, _, value in lines}


def test_two_first_releases_at_once_and_a_second_version_with_code(
    work: Path, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Versions differ, bundles are whole; the champion is what the next one is compared with."""
    import mlflow

    running = [delivery(work, registry) for _ in range(2)]
    first, other = (outcome(process) for process in running)
    assert {first["version"], other["version"]} == {"1", "2"}
    assert first["phase"] == "NotDeployed"

    client = MlflowClient(tracking_uri=registry, registry_uri=registry)
    client.set_registered_model_alias(MODEL, "champion", "1")
    own = {"estimator": "house_models:Trees", "parameters": {"max_iter": 10}, "code": str(work / "code")}
    more = {"features": ["delay", "pressure"], "worse_by_at_most": {"roc_auc": 0.2}, "lineage": {"commit": "abc"}}
    better = outcome(delivery(work, registry, **own, **more))

    manifest = json.loads(Path(better["bundle"], "bundle.json").read_text())
    assert manifest["expectedDisagreement"]["against"] == "1"
    assert 0 < float(better["expected_disagreement"]) == manifest["expectedDisagreement"]["share"] < 0.5
    assert manifest["code"] == "code/"
    tags = client.get_model_version(MODEL, "3").tags
    assert (tags["sluicegate.bundle"], tags["sluicegate.bundle-digest"]) == (better["bundle"], better["digest"])
    assert json.loads(tags["sluicegate.lineage"]) == {"commit": "abc"}

    client.set_registered_model_alias(MODEL, "champion", "3")
    # By the environment: what MLflow is told once, it believes for the rest of the process.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry)
    rows = pd.DataFrame({"delay": [0.3, -1.0], "pressure": [np.nan, 0.1]})
    assert np.asarray(mlflow.pyfunc.load_model(f"models:/{MODEL}@champion").predict(rows)).shape == (2, 2)


def test_a_gate_that_is_not_passed_ends_the_run_with_its_sentence(work: Path, registry: str) -> None:
    """Task, column, found and expected; nothing is registered."""
    process = delivery(work, registry, model="other", features=["gate"])

    _, errors = process.communicate(timeout=100)

    assert process.returncode == 1
    assert "delivery: task prepare-data: GateNotPassedError: column 'gate': found none of this name" in errors
    assert not (work / "home" / "bundles" / "other").exists()


@pytest.mark.parametrize("user", ["", "somebody@"], ids=["by plain HTTP", "by MLflow's client"])
def test_who_only_reads_the_registry_hears_the_same_either_way(
    user: str, registry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address with a login in it is left to MLflow's client."""
    client = MlflowClient(tracking_uri=registry, registry_uri=registry)
    client.create_registered_model(f"read{len(user)}")
    version = client.create_model_version(f"read{len(user)}", "s3://bucket/model", tags={"a": "b"}).version
    client.set_registered_model_alias(f"read{len(user)}", "champion", version)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", registry.replace("//", f"//{user}"))

    assert numbered(f"read{len(user)}", version) == aliased(f"read{len(user)}", "champion") == ("1", {"a": "b"})
    assert aliased(f"read{len(user)}", "nobody") is None
    assert aliased("no-such-model", "champion") is None
    assert numbered(f"read{len(user)}", "7") is None
