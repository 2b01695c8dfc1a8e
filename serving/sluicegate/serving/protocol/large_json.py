"""Large bodies read without a Python object for each number: a table of floats becomes an array straight away.

For ``seldon.parse_large``. simdjson reads; whatever is not simply a rectangle with a float in its first row, or not
plain JSON, is left to the usual reader, so that values and errors are the same.
"""

from typing import Any

import msgspec
import numpy as np

from sluicegate.serving.protocol.messages import Array

try:
    import simdjson
except ImportError:  # no wheel for this platform: all is read in the usual way
    simdjson = None  # type: ignore[assignment]  # a module or nothing

LEAST = 8_192
"""Bytes of a body from which it pays; below, the usual reader is as quick."""


def read(body: bytes) -> dict[str, Any] | None:
    """The object as the usual reader has it, with an array for ``data.ndarray`` or ``data.tensor.values``.

    None if there is no such table, or anything unusual.
    """
    if simdjson is None or body[:1] != b"{":
        return None
    try:
        document: Any = simdjson.Parser().parse(body)
        told = _object(document, leave="data")
        data: Any = document["data"]
        form, name = ("ndarray", "ndarray") if "ndarray" in list(data.keys()) else ("tensor", "values")
        told["data"] = around = _object(data, leave=form)
        if form == "tensor":
            data, around["tensor"] = data["tensor"], _object(data["tensor"], leave=name)
            around = around["tensor"]
        _check_nesting(body, told, data[name])
        around[name] = _table(data[name])
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, RecursionError):
        return None
    return told


def _check_nesting(body: bytes, others: dict[str, Any], table: Any) -> None:
    """Raise ValueError for lists where numbers are expected: their numbers would come as if they were no lists.

    So many brackets open as the table and the other fields have lists; one that is escaped could hide another.
    """
    lists = 1 + (len(table) if isinstance(table[0], simdjson.Array) else 0)
    if body.count(b"[") != lists + msgspec.json.encode(others).count(b"[") or b"\\u005" in body:
        raise ValueError("lists inside of the table, or none that can be counted")


def _object(value: Any, leave: str) -> dict[str, Any]:
    """All fields but one. Raises ValueError where a name comes twice: the usual reader takes the last."""
    names = list(value.keys())
    if len(set(names)) != len(names):
        raise ValueError("a name comes twice")
    return {name: _plain(value[name]) for name in names if name != leave}


def _plain(value: Any) -> Any:
    if isinstance(value, simdjson.Object):
        return _object(value, leave="")
    return value.as_list() if isinstance(value, simdjson.Array) else value


def _table(rows: Any) -> Array:
    """A rectangle of numbers. Raises ValueError, TypeError for anything else."""
    first = rows[0]
    if not isinstance(first, simdjson.Array):
        return _numbers(rows, rows)
    width = len(first)
    if not width or any(len(row) != width for row in rows):
        raise ValueError("no rectangle")
    return _numbers(rows, first).reshape(len(rows), width)


def _numbers(values: Any, sample: Any) -> Array:
    """All numbers in ``values``, flat. With a float among ``sample`` they are floats to the usual reader, too."""
    if not any(isinstance(each, float) for each in sample):
        raise ValueError("no float")
    # A copy, as models may want to write, and to let go of the parser's memory.
    return np.frombuffer(values.as_buffer(of_type="d")).copy()
