"""Reads tables from where they lie and gives them the shape that was asked for."""

import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from sluicegate.components.artefacts.code import find, importable
from sluicegate.components.artefacts.tables import require_columns
from sluicegate.components.errors import InputRefusedError
from sluicegate.serving.bundle.buckets import is_bucket, open_bucket
from sluicegate.serving.bundle.errors import BundleNotFetchedError
from sluicegate.serving.bundle.failures import explain
from sluicegate.serving.bundle.remotes import Remote, remote_of


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
        with _opened(address) as file:
            if not member:
                return _table(file, address)
            with zipfile.ZipFile(file) as archive, archive.open(member) as part:
                return _table(part, member)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputRefusedError(f"source: {source} is no CSV or parquet table: {error}") from error


def _bucket(address: str) -> Remote | None:
    try:
        remote = remote_of(address, os.environ)
    except BundleNotFetchedError:
        return None
    return remote if is_bucket(remote) else None


def _table(file: Any, name: str) -> pd.DataFrame:
    return pd.read_parquet(file) if name.endswith(".parquet") else pd.read_csv(file, low_memory=False)


@contextmanager
def _opened(address: str) -> Iterator[Any]:
    """A file in a bucket, opened with the credentials that bundles are fetched with; pandas reads all else by address.

    Raises:
        InputRefusedError: the storage does not hand it out; says what to do.

    """
    remote = _bucket(address)
    if remote is None:
        yield address
        return
    try:
        file = open_bucket(remote).open(remote.path, "rb")
    except Exception as error:  # each storage has errors of its own
        raise InputRefusedError(f"source: {explain(error, address, remote.kind, Path())}") from error
    with file:
        yield file


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
