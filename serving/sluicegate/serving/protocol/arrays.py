"""Nested JSON lists to numpy arrays and back, with errors that name the element.

A list of numbers (and nulls, which become NaN) is a numeric array; anything with text in it is an array of objects, so
that no number is turned into text on the way.
"""

from typing import Any

import numpy as np

from sluicegate.serving.protocol.errors import BadAnswerError, BadPayloadError, shown
from sluicegate.serving.protocol.messages import Array, JSONValue

DEPTH = 64
"""Lists inside one another that numpy makes an array of."""


def array_of(value: JSONValue, path: str) -> Array:
    """A numeric array where every element is a number, a truth value or null; otherwise an array of objects.

    Raises BadPayloadError for ragged lists, objects inside and numbers beyond 64 bits.
    """
    if not isinstance(value, list):
        if isinstance(value, np.ndarray):  # a large body's table is one already
            return value
        raise BadPayloadError(path, shown(value), "a list")
    try:
        array = np.array(value)
    except (ValueError, OverflowError) as error:
        raise _ragged(value, path) from error
    # A JSON true among numbers is an indicator column; numpy reads it as 1, which is what is meant.
    return array if array.dtype.kind in "fiub" else _with_nulls_or_text(value, path)


def _with_nulls_or_text(value: list[Any], path: str) -> Array:
    objects = np.array(value, dtype=object)
    if any(isinstance(element, list) for element in objects.flat):
        raise _ragged(value, path)
    kinds = {type(element) for element in objects.flat}
    if dict in kinds:
        index = next(i for i, element in np.ndenumerate(objects) if isinstance(element, dict))
        raise BadPayloadError(_at(path, index), "an object", "a number, a string or null")
    if str in kinds or bytes in kinds:
        return objects
    try:
        return objects.astype(np.float64)
    except OverflowError as error:
        raise BadPayloadError(path, "a number of more than 308 digits", "numbers that fit 64 bits") from error


def _ragged(value: list[Any], path: str) -> BadPayloadError:
    """Find the first element that breaks the rectangle."""
    pattern = _depths(value[0])
    for index, element in enumerate(value):
        if _depths(element) != pattern:
            found, expected = _described(element), _described(value[0])
            return BadPayloadError(f"{path}[{index}]", found, f"{expected} like the first")
        if isinstance(element, list) and element and isinstance(element[0], list) and path.count("[") < DEPTH:
            inner = [item for item in element if _depths(item) != _depths(element[0])]
            if inner:
                return _ragged(element, f"{path}[{index}]")
    return BadPayloadError(path, "numbers or shapes that do not fit one array", "a rectangle of 64-bit numbers")


def _depths(element: JSONValue) -> int:
    return len(element) if isinstance(element, list) else -1


def _described(element: JSONValue) -> str:
    return f"a list of {len(element)}" if isinstance(element, list) else shown(element)


def _at(path: str, index: tuple[int, ...]) -> str:
    return path + "".join(f"[{i}]" for i in index)


def list_of(array: Array, path: str = "answer") -> list[Any]:
    """The array as nested JSON lists.

    NaN and infinity are not JSON, and a null would let a broken model look well: BadAnswerError says where one is.
    """
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        index = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise BadAnswerError(f"{_at(path, index)} is {array[index]}; a model must answer finite numbers")
    if array.dtype.kind == "O":
        return [_plain(element, path) for element in array.tolist()]
    if array.dtype.kind not in "fiubU":
        raise BadAnswerError(f"{path} has numpy type {array.dtype}; only numbers, truth values and text can be sent")
    answer: list[Any] = array.tolist() if array.ndim else [array.item()]
    return answer


def foreign(value: object) -> JSONValue:
    """What JSON has no form for, as what it has one for. Raises TypeError for anything but numpy's values."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return list_of(value)
    raise TypeError(f"a {type(value).__name__} has no JSON form")


def _plain(element: JSONValue, path: str) -> JSONValue:
    if isinstance(element, list):
        return [_plain(item, path) for item in element]
    if isinstance(element, np.generic):
        element = element.item()
    if isinstance(element, float) and not np.isfinite(element):
        raise BadAnswerError(f"{path} holds {element}; a model must answer finite numbers")
    if isinstance(element, str | int | float | bool | None):
        return element
    raise BadAnswerError(f"{path} holds a {type(element).__name__}; only numbers, truth values and text can be sent")
