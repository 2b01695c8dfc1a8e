"""Writes what training leaves: see ``artefacts.trained`` for the directory's contents."""

from pathlib import Path
from typing import Any

import joblib
import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd

from sluicegate.components.artefacts import trained as names
from sluicegate.components.artefacts.code import copy_code, importable
from sluicegate.components.artefacts.models import answers, positive_score
from sluicegate.components.artefacts.tables import require_columns
from sluicegate.components.errors import InputRefusedError
from sluicegate.components.training.fitting import Fit, Task
from sluicegate.monitoring.drift.errors import ProfileError
from sluicegate.monitoring.drift.profile import build_profile, consecutive_blocks
from sluicegate.serving.bundle.verification import installed_versions

EXAMPLE_ROWS = 5
RECORDED = ("python", "scikit-learn", "numpy", "scipy", "pandas", "joblib")


def leave(directory: Path, fit: Fit, task: Task, blocks: npt.NDArray[Any], *, data_digest: str) -> None:
    """Write the model and all that belongs to it below ``directory``."""
    directory.mkdir(parents=True, exist_ok=True)
    copy_code(task.code, directory / names.CODE)
    with importable(task.code):
        joblib.dump(fit.model, directory / names.MODEL)
        found = answers(fit.model, fit.method, fit.frame)
        example = example_rows(fit.frame)
        expected = answers(fit.model, fit.method, example)
    _write_data(directory / names.INPUT_EXAMPLE, fit.signature.columns, example.to_numpy(dtype=object).tolist())
    _write_data(directory / names.EXPECTED_ANSWERS, fit.signature.outputs, expected.tolist())
    names.write_json(directory / names.REFERENCE_PROFILE, reference_profile(fit.frame, blocks, found))
    description = names.Trained(
        task="classification" if fit.classifier else "regression",
        method=fit.method,
        target=task.target,
        signature=fit.signature,
        versions=installed_versions(RECORDED),
        estimator=task.estimator,
        parameters=dict(task.parameters),
        rows=len(fit.frame),
        data_digest=data_digest,
    )
    names.write_json(directory / names.DESCRIPTION, description)


def example_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """A few rows from all over the table, and one with a missing value where there is any."""
    chosen = list(dict.fromkeys(np.linspace(0, len(frame) - 1, EXAMPLE_ROWS).astype(int).tolist()))
    incomplete = np.flatnonzero(frame.isna().any(axis=1).to_numpy())
    if incomplete.size and not set(chosen) & set(incomplete.tolist()):
        chosen.append(int(incomplete[0]))
    return frame.iloc[chosen]


def blocks_of(frame: pd.DataFrame, time_column: str, length: str) -> npt.NDArray[Any]:
    """Which block of the reference period each row belongs to: by time, else equal runs of rows.

    Raises:
        InputRefusedError: the column is no time, or the length is none.

    """
    if not time_column:
        return consecutive_blocks(len(frame))
    require_columns(frame, [time_column], argument="time_column")
    try:
        floors = pd.to_datetime(frame[time_column]).dt.floor(length)
    except (ValueError, TypeError) as error:
        raise InputRefusedError(f"time_column, block: {time_column!r} in blocks of {length!r}: {error}") from error
    return np.asarray(pd.factorize(floors, sort=True)[0])


def reference_profile(frame: pd.DataFrame, blocks: npt.NDArray[Any], found: npt.NDArray[Any]) -> Any:
    """What features and score looked like, as plain JSON values.

    Raises:
        InputRefusedError: the rows lie in too few blocks to learn how they vary.

    """
    columns = {str(name): _array(frame[name]) for name in frame.columns}
    try:
        return msgspec.to_builtins(build_profile(columns, blocks, positive_score(found)))
    except ProfileError as error:
        raise InputRefusedError(f"time_column, block: {error}") from error


def _array(column: "pd.Series[Any]") -> npt.NDArray[Any]:
    numeric = pd.api.types.is_numeric_dtype(column)
    return column.to_numpy(dtype=float, na_value=np.nan) if numeric else column.to_numpy(dtype=object)


def _write_data(path: Path, columns: tuple[str, ...], rows: list[Any]) -> None:
    names.write_json(path, {"data": {"names": list(columns), "ndarray": rows}})
