"""What an answer decided, row by row: the class a user would act on, written so that two models' answers compare.

Several columns are class probabilities: the most probable class. One column of fractions between 0 and 1 is the
positive class's probability: decided at one half. Anything else is the class itself. ``None`` means no decision (a
missing or non-finite value). Regression answers come out as their own text; their error is not judged here.
"""

from collections.abc import Sequence
from math import isfinite, nan
from typing import Any, TypeGuard

from sluicegate.monitoring.quality.payloads import Row, Table

Decision = str | None


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether it is a finite number of ordinary size; JSON knows integers that no float holds."""
    return isfinite(value) if isinstance(value, float) else isinstance(value, int) and abs(value) < 2**63


def label(value: Any) -> Decision:
    """A class in one spelling: 1, 1.0 and true are ``"1"``; text stays as it is; null and NaN are no class."""
    if isinstance(value, str):
        return value
    if not is_number(value):
        return None
    return str(int(value)) if value == int(value) else repr(value)


def decide(table: Table, classes: Sequence[Any] = ()) -> tuple[Decision, ...]:
    """One decision a row. ``classes`` are those that the model announced, in the order of its columns."""
    if all(len(row) == 1 for row in table.rows):
        return _single(table, classes)
    return tuple(_most_probable(row, _class_names(len(row), table.names, classes)) for row in table.rows)


def labels(table: Table) -> tuple[Decision, ...]:
    """The truth of each row: its first value."""
    return tuple(label(row[0]) if row else None for row in table.rows)


def scores(table: Table) -> list[float]:
    """One figure a row for drift of the prediction: the last column's, as in reference profiles; NaN if no number."""
    return [float(row[-1]) if row and is_number(row[-1]) else nan for row in table.rows]


def _single(table: Table, classes: Sequence[Any]) -> tuple[Decision, ...]:
    values = [row[0] for row in table.rows]
    if not all(isinstance(value, float) and 0 <= value <= 1 for value in values):
        return tuple(map(label, values))
    negative, positive = _class_names(2, (), classes)
    return tuple(positive if value >= 0.5 else negative for value in values)


def _class_names(width: int, names: Sequence[str], classes: Sequence[Any]) -> list[Decision]:
    if len(classes) == width:
        return [label(name) for name in classes]
    return list(names) if len(names) == width else [str(index) for index in range(width)]


def _most_probable(row: Row, names: Sequence[Decision]) -> Decision:
    if not row or not all(map(is_number, row)):
        return None
    return names[max(range(len(row)), key=row.__getitem__)]
