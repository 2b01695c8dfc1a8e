"""Reads tables from where they lie and gives them the shape that was asked for."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sluicegate.components.artefacts.code import find, importable
from sluicegate.components.artefacts.tables import require_columns
from sluicegate.components.errors import InputRefusedError


def read(*, source: str, loader: str, parameters: Mapping[str, Any], code: str) -> pd.DataFrame:
    """Read from a source or by a loader; exactly one of them must be given."""
    if bool(source) == bool(loader):
        raise InputRefusedError(f"source, loader: found {source!r} and {loader!r}; expected exactly one of them")
    return _by_loader(loader, parameters, code) if loader else _by_address(source)


def shape(
    frame: pd.DataFrame,
    *,
    time_columns: list[str],
    where: str,
    derive: Mapping[str, str],
    required: list[str],
) -> pd.DataFrame:
    """Parse moments, derive columns, keep the rows asked for; in this order.

    Raises:
        InputRefusedError: a column is missing, a moment does not parse, an expression fails, or no row is left.

    """
    require_columns(frame, time_columns, argument="time_columns")
    frame = frame.assign(**{name: _moments(frame[name]) for name in time_columns})
    for name, expression in derive.items():
        frame = frame.assign(**{name: _evaluate(frame, expression, argument=f"derive.{name}")})
    require_columns(frame, required, argument="required")
    if where:
        frame = frame[_evaluate(frame, where, argument="where")]
    frame = frame.dropna(subset=required)
    if frame.empty:
        raise InputRefusedError("the table has no rows after where and required; expected at least one")
    return frame


def _by_loader(loader: str, parameters: Mapping[str, Any], code: str) -> pd.DataFrame:
    with importable(code):
        loaded = find(loader, argument="loader")(**parameters)
    if not isinstance(loaded, pd.DataFrame):
        raise InputRefusedError(f"loader: {loader} returned a {type(loaded).__name__}; expected a pandas DataFrame")
    return loaded


def _by_address(source: str) -> pd.DataFrame:
    address, _, member = source.removeprefix("file://").partition("#")
    try:
        if member:
            with zipfile.ZipFile(address) as archive, archive.open(member) as file:
                return pd.read_parquet(file) if member.endswith(".parquet") else pd.read_csv(file, low_memory=False)
        if Path(address).suffix == ".parquet":
            return pd.read_parquet(address)
        return pd.read_csv(address, low_memory=False)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputRefusedError(f"source: {source} is no CSV or parquet table: {error}") from error


def _moments(column: "pd.Series[Any]") -> "pd.Series[Any]":
    try:
        return pd.to_datetime(column)
    except (ValueError, TypeError) as error:
        raise InputRefusedError(
            f"time_columns: column {column.name!r} holds something that is no moment: {error}"
        ) from error


def _evaluate(frame: pd.DataFrame, expression: str, *, argument: str) -> Any:
    try:
        return frame.eval(expression)
    except Exception as error:  # pandas raises what the expression raises
        raise InputRefusedError(f"{argument}: {expression!r} fails: {error}") from error
