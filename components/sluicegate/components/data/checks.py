"""What a table may violate, each violation as one sentence: where, found, expected."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from pandas.api import types as dtypes


def violations(
    frame: pd.DataFrame,
    *,
    columns: list[str],
    types: Mapping[str, str],
    missing: Mapping[str, float],
    rows: tuple[int, int],
) -> list[str]:
    """Every violation of the expectations; ``rows`` is fewest and most, 0 for no upper limit."""
    named = [*columns, *types, *missing]
    absent = [name for name in dict.fromkeys(named) if name not in frame.columns]
    return [
        *_size(len(frame), *rows),
        *(f"column {name!r}: found none of this name; expected it" for name in absent),
        *(text for name, kind in types.items() if name not in absent for text in _type(frame[name], kind)),
        *(text for name, share in missing.items() if name not in absent for text in _missing(frame[name], share)),
    ]


def kind_of(column: "pd.Series[Any]") -> str:
    """``number``, ``boolean``, ``time`` or ``text``."""
    if dtypes.is_bool_dtype(column):
        return "boolean"
    if dtypes.is_numeric_dtype(column):
        return "number"
    return "time" if dtypes.is_datetime64_any_dtype(column) else "text"


def _size(found: int, fewest: int, most: int) -> Iterator[str]:
    if found < fewest:
        yield f"rows: found {found}; expected at least {fewest}"
    if most and found > most:
        yield f"rows: found {found}; expected at most {most}"


def _type(column: "pd.Series[Any]", expected: str) -> Iterator[str]:
    found = kind_of(column)
    if found != expected:
        yield f"column {column.name!r}: found type {found} ({column.dtype}); expected {expected}"


def _missing(column: "pd.Series[Any]", share: float) -> Iterator[str]:
    found = float(column.isna().mean())
    if found > share:
        yield f"column {column.name!r}: found {found:.2%} missing; expected at most {share:.2%}"
