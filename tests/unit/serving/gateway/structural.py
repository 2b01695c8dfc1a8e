"""A value against a structural schema, as the API server would read it: unknown fields are faults here."""

from collections.abc import Iterator
from typing import Any

_TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}


def faults(value: Any, schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """One sentence for each place where ``value`` does not fit."""
    kind = schema.get("type")
    if kind and (not isinstance(value, _TYPES[kind]) or (kind != "boolean" and isinstance(value, bool))):
        yield f"{path}: {value!r} is no {kind}"
    elif isinstance(value, list):
        for index, each in enumerate(value):
            yield from faults(each, schema["items"], f"{path}[{index}]")
    elif isinstance(value, dict):
        yield from _object_faults(value, schema, path)
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {schema['enum']}"


def _object_faults(value: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[str]:
    for name in schema.get("required", []):
        if name not in value:
            yield f"{path}: lacks {name}"
    for name, each in value.items():
        found = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
        if found is None:
            yield f"{path}.{name}: unknown"
        else:
            yield from faults(each, found, f"{path}.{name}")
