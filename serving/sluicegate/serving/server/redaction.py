"""What must not leave the server in the request log: fields dropped (null) or replaced by a keyed hash. Pure.

A field is a column (by ``data.names``, else by the model's own order), a key anywhere in ``jsonData``, or an Open
Inference tensor by name. A payload whose fields cannot be told apart is dropped whole.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sluicegate.serving.protocol.messages import JSONValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """The rules. Hashes are HMAC-SHA256 with ``key``, 16 hex digits: equal values stay equal."""

    drop: frozenset[str] = frozenset()
    hash: frozenset[str] = frozenset()
    key: bytes = field(default=b"", repr=False)

    @property
    def active(self) -> bool:
        """Whether any field is to be hidden."""
        return bool(self.drop or self.hash)


def redacted(payload: JSONValue, rules: Redaction, columns: Sequence[str] = ()) -> JSONValue:
    """The payload as it may be logged. ``columns`` are the names of a table that brings none."""
    if not rules.active:
        return payload
    if not isinstance(payload, dict):
        return None
    return {name: _part(name, value, rules, columns) for name, value in payload.items()}


def _part(name: str, value: JSONValue, rules: Redaction, columns: Sequence[str]) -> JSONValue:
    if name in ("meta", "status", "id", "reward", "model_name", "model_version"):
        return value
    if name in ("request", "response", "truth"):
        return redacted(value, rules, columns) if name != "truth" else value
    if name == "data":
        return _data(value, rules, columns)
    if name in ("inputs", "outputs"):
        return _tensors(value, rules)
    return _keys(value, rules) if name == "jsonData" else None


def _data(data: JSONValue, rules: Redaction, columns: Sequence[str]) -> JSONValue:
    if not isinstance(data, dict):
        return None
    names = data.get("names") or list(columns)
    table = data.get("ndarray")
    if isinstance(table, list) and all(isinstance(row, list) and len(row) == len(names) for row in table):
        return {**data, "ndarray": [_row(row, names, rules) for row in table]}
    tensor = data.get("tensor")
    if isinstance(tensor, dict) and _is_table(tensor, len(names)):
        values = tensor["values"]
        return {**data, "tensor": {**tensor, "values": _row(values, names * (len(values) // len(names)), rules)}}
    # An answer's labels (one number a row) have no columns, so nothing in them has a name.
    plain = isinstance(table, list) and not any(isinstance(row, list) for row in table) and not names
    return data if plain else {"names": data.get("names")}


def _is_table(tensor: dict[str, Any], width: int) -> bool:
    shape, values = tensor.get("shape"), tensor.get("values")
    if not isinstance(shape, list) or not isinstance(values, list) or len(shape) != 2 or not width:
        return False
    return bool(shape[1] == width) and len(values) % width == 0


def _row(row: list[Any], names: Sequence[str], rules: Redaction) -> list[Any]:
    return [_hidden(value, name, rules) for value, name in zip(row, names, strict=True)]


def _tensors(tensors: JSONValue, rules: Redaction) -> JSONValue:
    if not isinstance(tensors, list) or not all(isinstance(tensor, dict) for tensor in tensors):
        return None
    if len(tensors) == 1 and len(tensors[0].get("shape") or ()) > 1 and tensors[0].get("shape", [1])[1:] != [1]:
        known = tensors[0].get("parameters") and "classes" in tensors[0]["parameters"]
        return tensors if known else [{**tensors[0], "data": None}]
    return [
        {**tensor, "data": [_hidden(value, str(tensor.get("name")), rules) for value in _flat(tensor.get("data"))]}
        for tensor in tensors
    ]


def _flat(value: JSONValue) -> list[Any]:
    if not isinstance(value, list):
        return []
    return [item for element in value for item in (_flat(element) if isinstance(element, list) else [element])]


def _keys(value: JSONValue, rules: Redaction) -> JSONValue:
    if isinstance(value, dict):
        return {
            name: _hidden(inner, name, rules) if name in rules.drop | rules.hash else _keys(inner, rules)
            for name, inner in value.items()
        }
    return [_keys(item, rules) for item in value] if isinstance(value, list) else value


def _hidden(value: JSONValue, name: str, rules: Redaction) -> JSONValue:
    if name in rules.drop:
        return None
    if name in rules.hash and value is not None:
        return hmac.new(rules.key, msgspec.json.encode(value), hashlib.sha256).hexdigest()[:16]
    return value
