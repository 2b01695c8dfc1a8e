"""Values of an expression: their kinds, their equality, their text."""

import json
import math
from decimal import Decimal
from typing import Any

from sluicegate.pipelines.workflows.errors import ExpressionError

_LEAST_WITH_EXPONENT = 6


def kind_of(value: Any) -> str:
    """The kind as expr-lang names it."""
    if value is None:
        return "nil"
    names = {bool: "bool", int: "int", float: "float64", str: "string", list: "array", dict: "map"}
    return names.get(type(value), type(value).__name__)


def same(left: Any, right: Any) -> bool:
    """Equality; a text and a number cannot be compared."""
    if left is None or right is None:
        return left is right
    numbers = [isinstance(value, int | float) and not isinstance(value, bool) for value in (left, right)]
    if type(left) is not type(right) and not all(numbers):
        raise ExpressionError(f"cannot compare {kind_of(left)} {left!r} and {kind_of(right)} {right!r}: convert one")
    return bool(left == right)


def go_json(value: Any, *, indent: int | None = None) -> str:
    """The value as Go's ``json.Marshal`` writes it: sorted keys, no spaces, a whole float without its point."""
    separators = (",", ": ") if indent else (",", ":")
    text = json.dumps(_whole(value), separators=separators, sort_keys=True, ensure_ascii=False, indent=indent)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


class AnyKeyed(dict[Any, Any]):
    """What ``groupBy`` and ``fromPairs`` give: their keys may be of any kind, so Go cannot write them as JSON."""


def _whole(value: Any) -> Any:
    if isinstance(value, AnyKeyed):
        raise ExpressionError("json: unsupported type: what groupBy and fromPairs give is no JSON; take a member of it")
    if isinstance(value, float) and math.isfinite(value) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, list | tuple):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _whole(each) for key, each in value.items()}
    return value


def as_plain_text(value: Any) -> str:
    """The value as Go's ``fmt`` prints it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "<nil>"
    if isinstance(value, float):
        return _as_go_prints(value)
    if isinstance(value, list):
        return "[" + " ".join(as_plain_text(each) for each in value) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{as_plain_text(each)}" for key, each in sorted(value.items())) + "]"
    return str(value)


def _as_go_prints(value: float) -> str:
    """A float as Go's ``%v``: with an exponent from a million on, and below a ten-thousandth."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    mantissa, _, exponent = f"{Decimal(repr(value)).normalize():e}".partition("e")
    if value and not -4 <= int(exponent) < _LEAST_WITH_EXPONENT:
        return f"{mantissa}e{int(exponent):+03d}"
    return f"{Decimal(repr(value)).normalize():f}"


def go_regex(pattern: str) -> str:
    """A pattern of Go's RE2 for Python's engine."""
    return pattern.replace("[[:alpha:]]", "[A-Za-z]").replace("[[:digit:]]", "[0-9]").replace(r"\z", r"\Z")


def unique(items: list[Any]) -> list[Any]:
    """Each once, in the order of its first place."""
    found: list[Any] = []
    for item in items:
        if item not in found:
            found.append(item)
    return found
