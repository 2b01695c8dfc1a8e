"""Payloads as tables: rows and column names out of what requests, answers and truths look like on the wire.

Read are Seldon's ``data`` (``ndarray`` or ``tensor``), Open Inference's ``inputs`` or ``outputs`` and TensorFlow's
``instances`` or ``predictions``. Whatever else a payload holds is nobody's table: ``PayloadError``.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

from sluicegate.monitoring.quality.errors import PayloadError

Row = list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """``rows`` of equal meaning; ``names`` is empty when the payload names no columns."""

    rows: list[Row]
    names: tuple[str, ...] = ()

    def columns(self) -> dict[str, list[Any]]:
        """Values by column name. Empty when columns have no names or a row's width is not theirs."""
        if any(len(row) != len(self.names) for row in self.rows):
            return {}
        return {name: [row[index] for row in self.rows] for index, name in enumerate(self.names)}


def read_table(payload: Any) -> Table:
    """The table in a decoded JSON payload.

    Raises:
        PayloadError: there is none, or its shape contradicts its values.

    """
    if not isinstance(payload, dict):
        raise PayloadError(f"payload: found {type(payload).__name__}; expected a JSON object")
    if isinstance(payload.get("data"), dict):
        return _seldon(payload["data"])
    for key in ("inputs", "outputs"):
        if isinstance(payload.get(key), list):
            return _open_inference(key, payload[key])
    for key in ("instances", "predictions"):
        if isinstance(payload.get(key), list):
            return Table(rows=_rows(payload[key]))
    raise PayloadError("payload: expected one of data, inputs, outputs, instances, predictions")


def _seldon(data: dict[str, Any]) -> Table:
    names = data.get("names")
    names = tuple(map(str, names)) if isinstance(names, list) else ()
    if isinstance(data.get("ndarray"), list):
        return Table(rows=_rows(data["ndarray"]), names=names)
    tensor = data.get("tensor")
    if isinstance(tensor, dict):
        return Table(rows=_shaped("data.tensor", tensor.get("shape"), tensor.get("values")), names=names)
    raise PayloadError("data: expected ndarray or tensor")


def _open_inference(key: str, tensors: list[Any]) -> Table:
    columns: list[tuple[str, list[Row]]] = []
    for index, tensor in enumerate(tensors):
        path = f"{key}[{index}]"
        if not isinstance(tensor, dict):
            raise PayloadError(f"{path}: expected an object with name, shape and data")
        columns.append((str(tensor.get("name", "")), _shaped(path, tensor.get("shape"), tensor.get("data"))))
    if len(columns) == 1 and any(len(row) != 1 for row in columns[0][1]):
        return Table(rows=columns[0][1])
    if len({len(rows) for _, rows in columns}) > 1:
        raise PayloadError(f"{key}: tensors have different numbers of rows; expected one number for all")
    narrow = [(name, rows) for name, rows in columns if all(len(row) == 1 for row in rows)]
    return Table(
        names=tuple(name for name, _ in narrow),
        rows=[[cell for row in line for cell in row] for line in zip(*(rows for _, rows in narrow), strict=True)],
    )


def _shaped(path: str, shape: Any, values: Any) -> list[Row]:
    if not isinstance(values, list) or not isinstance(shape, list):
        raise PayloadError(f"{path}: expected a shape and values, both lists")
    if not shape or not all(isinstance(size, int) and size >= 0 for size in shape):
        raise PayloadError(f"{path}.shape: found {shape!r}; expected whole numbers")
    if values and isinstance(values[0], list):
        return _rows(values)
    if prod(shape) != len(values):
        raise PayloadError(f"{path}: found {len(values)} values; expected {prod(shape)} for shape {shape}")
    width = prod(shape[1:])
    return [values[start : start + width] for start in range(0, len(values), width)] if width else []


def _rows(values: list[Any]) -> list[Row]:
    return [value if isinstance(value, list) else [value] for value in values]
