"""A small table with a missing value in it, and a model trained on it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sluicegate.components.training.training import train

ROWS = 48


def small_table() -> pd.DataFrame:
    """48 hourly rows: two features, the first of which decides; one value in six of the second is missing."""
    generator = np.random.default_rng(7)
    frame = pd.DataFrame(generator.normal(size=(ROWS, 2)), columns=["delay", "pressure"])
    frame["moment"] = pd.date_range("2024-01-01", periods=ROWS, freq="h")
    frame["late"] = (frame.delay + 0.3 * generator.normal(size=ROWS) > 0).astype(int)
    frame.loc[::6, "pressure"] = np.nan
    return frame


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """The table as parquet."""
    path = tmp_path / "table.parquet"
    small_table().to_parquet(path)
    return path


@pytest.fixture
def trained_by(table: Path, tmp_path: Path) -> Callable[..., Path]:
    """Trains on the table; arguments of the step may be overridden."""

    def train_it(name: str = "trained", **changes: Any) -> Path:
        arguments: dict[str, Any] = {
            "estimator": "sklearn.ensemble:HistGradientBoostingClassifier",
            "parameters": {"max_iter": 5, "min_samples_leaf": 3},
            "features": ["delay", "pressure"],
            "target": "late",
        }
        train(training_data=table, trained=tmp_path / name, **(arguments | changes))
        return tmp_path / name

    return train_it
