"""Loops: the items of ``withItems``, ``withParam`` and ``withSequence``, and what their nodes are called. Pure."""

import json
import re
from dataclasses import dataclass
from typing import Any

from sluicegate.pipelines.workflows.errors import ExpressionError
from sluicegate.pipelines.workflows.exprlang.values import go_json
from sluicegate.pipelines.workflows.manifest import Call
from sluicegate.pipelines.workflows.parts import Sequence
from sluicegate.pipelines.workflows.templating import substitute

_FORMAT = re.compile(r"%(?P<flags>[-+ 0]*)(?P<width>\d*)(?P<verb>[dxXobc])")


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a loop: the node's name, and what ``{{item}}`` means in it."""

    name: str
    scope: dict[str, str]


def turns(call: Call, scope: dict[str, str]) -> list[Turn]:
    """The turns of a call that loops.

    Raises ExpressionError when its items cannot be read.
    """
    return [
        Turn(f"{call.name}({number}:{_described(item)})", _item_scope(item))
        for number, item in enumerate(_items(call, scope))
    ]


def _items(call: Call, scope: dict[str, str]) -> list[Any]:
    if call.with_items:
        return [_item(item, scope) for item in call.with_items]
    if call.with_sequence is not None:
        return list(_sequence(call.with_sequence, scope))
    text = substitute(call.with_param, scope)
    try:
        items = json.loads(text)
    except json.JSONDecodeError as error:
        raise ExpressionError(
            f"withParam value could not be parsed as a JSON list: {text.strip()}: {error.msg}"
        ) from error
    if not isinstance(items, list):
        raise ExpressionError(f"withParam value could not be parsed as a JSON list: {text.strip()}: it is no list")
    return items


def _item(item: Any, scope: dict[str, str]) -> Any:
    if isinstance(item, str):
        return substitute(item, scope)
    if isinstance(item, dict):
        return {key: _item(value, scope) for key, value in item.items()}
    return [_item(value, scope) for value in item] if isinstance(item, list) else item


def _item_scope(item: Any) -> dict[str, str]:
    if isinstance(item, dict):
        return {"item": go_json(item)} | {f"item.{key}": _text(value) for key, value in item.items()}
    return {"item": _text(item)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else go_json(value)


def _described(item: Any) -> str:
    if isinstance(item, dict):
        text = ",".join(sorted(f"{key}:{_text(value)}" for key, value in item.items()))
    else:
        text = "[" + " ".join(map(_text, item)) + "]" if isinstance(item, list) else _text(item)
    return text.replace("(", "").replace(")", "")


def _sequence(sequence: Sequence, scope: dict[str, str]) -> list[str]:
    start = _whole(sequence.start if sequence.start is not None else 0, scope)
    if sequence.end is not None:
        end = _whole(sequence.end, scope)
    elif sequence.count is not None:
        count = _whole(sequence.count, scope)
        if count == 0:
            return []
        end = start + count - 1
    else:
        raise ExpressionError("withSequence: expected count or end")
    numbers = range(start, end + 1) if start <= end else range(start, end - 1, -1)
    return [_formatted(sequence.format, number) for number in numbers]


def _whole(value: object, scope: dict[str, str]) -> int:
    text = substitute(str(value), scope).strip()
    if not re.fullmatch(r"-?\d+", text):
        raise ExpressionError(f"withSequence: found {text!r}; expected a whole number")
    return int(text)


def _formatted(form: str, number: int) -> str:
    def one(match: "re.Match[str]") -> str:
        flags = match["flags"].replace("-", "<")
        return format(number, f"{flags}{match['width']}{match['verb']}")

    return _FORMAT.sub(one, form) if form else str(number)
