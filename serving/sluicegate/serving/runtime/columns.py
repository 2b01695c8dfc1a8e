"""From a message's table to what a model takes: its columns, by name, in its order; other columns are ignored.

A model of numbers gets a float64 matrix; one with text columns a DataFrame, or its columns one by one. What is missing
or of another type is a BadPayloadError that names row and column.
"""

from typing import Any

import numpy as np

from sluicegate.serving.bundle.manifest import NUMERIC, Column
from sluicegate.serving.protocol.errors import BadPayloadError, shown
from sluicegate.serving.protocol.messages import Array, Message

_REMEMBERED = 64
"""Different column lists that clients send and whose selection is kept; beyond that it is computed each time."""


class Columns:
    """The columns of one model. ``columns`` empty: they have no names, and tables are taken as they are, if they have
    ``width`` columns (0: any number).
    """

    def __init__(self, columns: tuple[Column, ...], width: int = 0) -> None:
        self._columns = columns
        self._width = len(columns) or width
        self._names = tuple(column.name for column in columns)
        self._selections: dict[tuple[str, ...], Array | None] = {}
        self.numeric = all(column.type in NUMERIC for column in columns)

    @property
    def width(self) -> int:
        """How many the model takes; 0 when that is unknown."""
        return self._width

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the model's order."""
        return self._names

    def matrix(self, message: Message) -> Array:
        """Rows by columns as float64; null is NaN. Raises BadPayloadError."""
        table = self._selected(message)
        if table.dtype.kind == "O":
            return np.column_stack([self._numbers(table[:, i], i) for i in range(table.shape[1])])
        return table.astype(np.float64, copy=False)

    def frame(self, message: Message) -> Any:
        """A DataFrame with the model's columns; numeric ones are float64, text ones what pandas infers."""
        import pandas as pd  # half a second of a server's start, which a matrix does not need

        return pd.DataFrame(self.by_name(message))

    def by_name(self, message: Message) -> dict[str, Any]:
        """Each of the model's columns: float64, or a list of texts and None. Raises BadPayloadError."""
        table = self._selected(message)
        series: dict[str, Any] = {}
        for index, column in enumerate(self._columns):
            values = table[:, index]
            series[column.name] = self._numbers(values, index) if column.type in NUMERIC else self._texts(values, index)
        return series

    def texts(self, message: Message) -> Array:
        """Rows by columns of texts, null is the empty one. Raises BadPayloadError."""
        table = self._selected(message)
        columns = [[text or "" for text in self._texts(table[:, i], i)] for i in range(table.shape[1])]
        return np.array(columns, dtype=object).T

    def _selected(self, message: Message) -> Array:
        table = message.content
        if not isinstance(table, np.ndarray) or table.ndim != 2:
            found = f"{table.ndim} dimensions" if isinstance(table, np.ndarray) else message.form
            raise BadPayloadError(f"data.{message.form}" if message.tabular else "(body)", found, "a list of rows")
        if not table.shape[0]:
            raise BadPayloadError(f"data.{message.form}", "no rows", "at least one")
        selection = self._selection(message.names, table.shape[1])
        return table if selection is None else table[:, selection]

    def _selection(self, names: tuple[str, ...], width: int) -> Array | None:
        if names and len(names) != width:
            raise BadPayloadError("data.names", f"{len(names)} names for {width} columns", "one name a column")
        if not self._columns or not names:
            self._refuse_width(width)
            return None
        if names == self._names:
            return None
        if names not in self._selections:
            selection = self._chosen(names)
            if len(self._selections) >= _REMEMBERED:
                return selection
            self._selections[names] = selection
        return self._selections[names]

    def _refuse_width(self, width: int) -> None:
        if self._width and width != self._width:
            if not self._names:
                raise BadPayloadError("data", f"{width} columns", f"{self._width}, as the model was made with")
            expected = f"{self._width} ({', '.join(self._names[:20])}), or data.names to choose by"
            raise BadPayloadError("data", f"{width} columns without names", expected)

    def _chosen(self, names: tuple[str, ...]) -> Array:
        places = {name: index for index, name in enumerate(names)}
        if len(places) != len(names):
            repeated = next(name for name in names if names.count(name) > 1)
            raise BadPayloadError("data.names", f"the name {shown(repeated)} twice", "each name once")
        missing = [name for name in self._names if name not in places]
        if missing:
            raise BadPayloadError("data.names", f"no column {', '.join(missing[:20])}", "every column of the model")
        return np.array([places[name] for name in self._names])

    def _numbers(self, values: Array, column: int) -> Array:
        if values.dtype.kind != "O":
            return values.astype(np.float64, copy=False)
        for row, value in enumerate(values):
            if not isinstance(value, int | float | None):
                raise self._wrong(row, column, value, "a number or null")
        return values.astype(np.float64)

    def _texts(self, values: Array, column: int) -> list[Any]:
        found: list[Any] = [None if value is None or value != value else value for value in values.tolist()]  # noqa: PLR0124  (NaN)
        for row, value in enumerate(found):
            if not isinstance(value, str | None):
                raise self._wrong(row, column, value, "a string or null")
        return found

    def _wrong(self, row: int, column: int, value: object, expected: str) -> BadPayloadError:
        name = self._names[column] if self._names else str(column)
        return BadPayloadError(f"data row {row}, column {name!r}", shown(value), expected)
