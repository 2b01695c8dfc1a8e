"""Items to requests, and an answer back to one for each item, with the tags of Seldon's batch processor. Pure."""

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sluicegate.serving.client.batch.items import DataType, Item
from sluicegate.serving.client.errors import BatchRefusedError

Payload = Literal["ndarray", "tensor"]
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How requests are written. ``names`` are the columns of a table, ``batch_id`` marks all of one run."""

    data_type: DataType
    payload: Payload
    names: tuple[str, ...]
    batch_id: str
    feedback: bool = False


def instance_id(batch_id: str, index: int) -> str:
    """An item's id: the same each time it is sent, so that whoever keeps requests can tell."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{batch_id}/{index}"))


def tags_of(form: Form, index: int) -> dict[str, Any]:
    """As Seldon's batch processor names them."""
    instance = instance_id(form.batch_id, index)
    return {"batch_id": form.batch_id, "batch_instance_id": instance, "batch_index": index}


def request_of(items: Sequence[Item], form: Form) -> dict[str, Any]:
    """One request of one or more items. Raises BatchRefusedError naming the item that does not fit."""
    if form.feedback:
        return _object(items[0])
    tags = tags_of(form, items[0].index)
    if form.data_type == "raw":
        message = _object(items[0])
        meta = message.get("meta") or {}
        return message | {"meta": meta | {"tags": {**(meta.get("tags") or {}), **tags}}}
    meta = {"meta": {"tags": tags}}
    if form.data_type == "str":
        return {"strData": items[0].value} | meta
    if form.data_type == "json":
        return {"jsonData": items[0].value} | meta
    rows = [row for item in items for row in rows_of(item)]
    return {"data": _data(rows, names_of(items[0], form), form)} | meta


def names_of(item: Item, form: Form) -> tuple[str, ...]:
    """The columns of an item: its own if it is an object."""
    return tuple(item.value) if isinstance(item.value, dict) and form.data_type == "data" else form.names


def rows_of(item: Item) -> list[Any]:
    """An item's rows: one, unless it is a list of lists. Raises BatchRefusedError."""
    value = item.value
    if isinstance(value, dict):
        return [list(value.values())]
    if not isinstance(value, list) or not value:
        raise BatchRefusedError(
            f"item {item.index}: found {value!r:.80}; expected a row, rows, or a row by column names"
        )
    return value if isinstance(value[0], list) else [value]


def joinable(items: Sequence[Item], following: Item, form: Form) -> bool:
    """Whether an item may share a request with those before it: rows under the same names."""
    return form.data_type == "data" and not form.feedback and names_of(items[0], form) == names_of(following, form)


def _data(rows: list[Any], names: tuple[str, ...], form: Form) -> dict[str, Any]:
    data: dict[str, Any] = {"names": list(names)} if names else {}
    if form.payload == "ndarray":
        return data | {"ndarray": rows}
    width = len(rows[0]) if isinstance(rows[0], list) else 1
    values = [value for row in rows for value in row]
    if any(len(row) != width for row in rows) or not all(isinstance(value, int | float) for value in values):
        raise BatchRefusedError("a tensor holds numbers only, as many in each row; send payload type ndarray")
    return data | {"tensor": {"shape": [len(rows), width], "values": values}}


def _object(item: Item) -> dict[str, Any]:
    if not isinstance(item.value, dict):
        raise BatchRefusedError(f"item {item.index}: found {item.value!r:.80}; expected a whole message, a JSON object")
    return item.value


def answers_of(answer: Answer, items: Sequence[Item], form: Form) -> list[Answer]:
    """An answer for each item. Raises BatchRefusedError where it has not as many rows as were sent."""
    if len(items) == 1:
        return [_tagged(answer, items[0], form)]
    data = answer.get("data") or {}
    rows, tensor = data.get("ndarray"), data.get("tensor")
    if rows is None and tensor is not None:
        rows = _unflattened(tensor["values"], tensor["shape"])
    counts = [len(rows_of(item)) for item in items]
    if not isinstance(rows, list) or len(rows) != sum(counts):
        found = f"{len(rows)} rows" if isinstance(rows, list) else "no rows"
        raise BatchRefusedError(
            f"{sum(counts)} rows were sent together and {found} came back; send them one by one (--batch-size 1)"
        )
    parts: list[Answer] = []
    start = 0
    for item, count in zip(items, counts, strict=True):
        mine = rows[start : start + count]
        part = {"ndarray": mine} if tensor is None else {"tensor": _flattened(mine, tensor["shape"])}
        kept = {name: value for name, value in data.items() if name not in ("ndarray", "tensor")}
        parts.append(_tagged(answer | {"data": kept | part}, item, form))
        start += count
    return parts


def _unflattened(values: list[Any], shape: list[int]) -> list[Any]:
    width = math.prod(shape[1:])
    return [values[row * width : (row + 1) * width] for row in range(shape[0])]


def _flattened(rows: list[Any], shape: list[int]) -> dict[str, Any]:
    return {"shape": [len(rows), *shape[1:]], "values": [value for row in rows for value in row]}


def _tagged(answer: Answer, item: Item, form: Form) -> Answer:
    meta = answer.get("meta") or {}
    return answer | {"meta": meta | {"tags": {**(meta.get("tags") or {}), **tags_of(form, item.index)}}}


def failure_of(code: int, info: str, item: Item, form: Form) -> Answer:
    """What is written for an item that got no answer: Seldon's status object."""
    status = {"code": code, "info": info, "status": "FAILURE"}
    return {"status": status, "meta": {"tags": tags_of(form, item.index)}}
