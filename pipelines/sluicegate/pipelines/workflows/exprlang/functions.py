"""The built-in functions of expr-lang, and those that Argo adds: ``asInt``, ``asFloat``, ``toJson``, ``jsonpath``."""

import base64
import json
import math
import re
from collections.abc import Callable
from typing import Any

from sluicegate.pipelines.workflows.errors import ExpressionError
from sluicegate.pipelines.workflows.exprlang.paths import jsonpath
from sluicegate.pipelines.workflows.exprlang.values import AnyKeyed, as_plain_text, go_json, kind_of, unique


def as_int(value: Any) -> int:
    """A whole number, from a number (cut off) or a text of digits."""
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d+", value):
        return int(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value)
    raise ExpressionError(f"int: {value!r} ({kind_of(value)}) is no whole number")


def as_float(value: Any) -> float:
    """A number, from a number or a text."""
    if isinstance(value, bool) or value is None:
        raise ExpressionError(f"float: {value!r} ({kind_of(value)}) is no number")
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise ExpressionError(f"float: {value!r} is no number") from error


def from_json(text: str) -> Any:
    """The value that a JSON text means."""
    try:
        return json.loads(text, parse_int=float)
    except json.JSONDecodeError as error:
        raise ExpressionError(f"fromJSON: {text[:80]!r} is no JSON: {error}") from error


def _flattened(values: tuple[Any, ...]) -> list[Any]:
    return [part for value in values for part in (value if isinstance(value, list) else [value])]


def _round(value: float) -> float:
    """Half away from zero, as Go does it."""
    return math.copysign(math.floor(abs(value) + 0.5), value)


def _replace(text: str, old: str, new: str, count: int = -1) -> str:
    return text.replace(old, new, count)


def _split(text: str, separator: str, count: int = -1) -> list[str]:
    return text.split(separator, count - 1) if count > 0 else text.split(separator)


def _index(text: str, part: str) -> int:
    return text.find(part)


def _flat(items: list[Any]) -> list[Any]:
    return [part for item in items for part in (_flat(item) if isinstance(item, list) else [item])]


def _mean(*values: Any) -> float:
    numbers = _flattened(values)
    return sum(numbers) / len(numbers) if numbers else 0.0


def _median(*values: Any) -> float:
    numbers = sorted(_flattened(values))
    middle = len(numbers) // 2
    if not numbers:
        return 0.0
    return float(numbers[middle]) if len(numbers) % 2 else (numbers[middle - 1] + numbers[middle]) / 2


def _get(owner: Any, key: Any) -> Any:
    if isinstance(owner, dict):
        return owner.get(key)
    return owner[key] if isinstance(owner, list) and -len(owner) <= key < len(owner) else None


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "asInt": as_int, "int": as_int, "asFloat": as_float, "float": as_float, "string": as_plain_text,
    "toJson": go_json, "toJSON": lambda value: go_json(value, indent=2), "fromJSON": from_json, "jsonpath": jsonpath,
    "toBase64": lambda text: base64.b64encode(text.encode()).decode(),
    "fromBase64": lambda text: base64.b64decode(text).decode(),
    "toPairs": lambda value: [[key, part] for key, part in value.items()],
    "fromPairs": AnyKeyed,
    "type": lambda value: kind_of(value).removesuffix("64"),
    "len": len, "keys": list, "values": lambda value: list(value.values()), "get": _get,
    "trim": lambda text, characters=None: text.strip(characters),
    "trimPrefix": lambda text, prefix: text.removeprefix(prefix),
    "trimSuffix": lambda text, suffix: text.removesuffix(suffix),
    "upper": lambda text: text.upper(), "lower": lambda text: text.lower(),
    "split": _split, "splitAfter": lambda text, separator: re.findall(f".*?{re.escape(separator)}|.+$", text),
    "join": lambda items, separator="": separator.join(items),
    "replace": _replace, "repeat": lambda text, times: text * times,
    "indexOf": _index, "lastIndexOf": lambda text, part: text.rfind(part),
    "hasPrefix": lambda text, part: text.startswith(part), "hasSuffix": lambda text, part: text.endswith(part),
    "max": lambda *values: max(_flattened(values)), "min": lambda *values: min(_flattened(values)),
    "abs": abs, "ceil": lambda value: float(math.ceil(value)), "floor": lambda value: float(math.floor(value)),
    "round": _round, "mean": _mean, "median": _median,
    "first": lambda items: items[0] if items else None, "last": lambda items: items[-1] if items else None,
    "take": lambda items, count: items[:count], "reverse": lambda items: items[::-1],
    "sort": lambda items, order="asc": sorted(items, reverse=order == "desc"),
    "uniq": unique, "concat": lambda *lists: [item for each in lists for item in each], "flatten": _flat,
    "bitand": lambda left, right: left & right, "bitor": lambda left, right: left | right,
}  # fmt: skip
