"""Tables between steps: parquet files, read as pandas frames. Missing values stay missing, column types stay theirs."""

from pathlib import Path

import pandas as pd

from sluicegate.components.errors import InputRefusedError


def read_table(path: Path) -> pd.DataFrame:
    """Read a table that a step wrote.

    Raises:
        InputRefusedError: it is no parquet file.

    """
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputRefusedError(f"{path}: not a parquet table: {error}") from error


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """Write a table for the next step; the index goes, columns stay."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.reset_index(drop=True).to_parquet(path)


def require_columns(frame: pd.DataFrame, names: list[str], *, argument: str) -> None:
    """Refuse names that the table does not have.

    Raises:
        InputRefusedError: names what is missing and what is there.

    """
    missing = [name for name in names if name not in frame.columns]
    if missing:
        there = ", ".join(map(str, frame.columns))
        raise InputRefusedError(f"{argument}: no column {', '.join(map(repr, missing))}; found {there}")
