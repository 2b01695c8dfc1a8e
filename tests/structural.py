"""What a kube-apiserver does with a structural schema, as far as ours use it: check, prune; and documents by a schema.

``tests/cluster/test_crds.py`` asks a real one about the same documents.
"""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

JSON = dict[str, Any]
OPEN = "x-kubernetes-preserve-unknown-fields"
STRANGER = "unknownField"
EITHER = "x-kubernetes-int-or-string"
RANGES = {"int32": 2**31, "int64": 2**63}
_FREE: JSON = {}
NOISE = st.sampled_from([None, 0, -1, 2**40, 1.5, True, "", "1", "MODEL", [], [None], {}, {"name": None}])
"""What people write by mistake."""


def faults(schema: JSON, value: Any, path: str = "") -> Iterator[str]:
    """Paths at which a value does not fit."""
    if not _fits(schema, value):
        yield path
    elif isinstance(value, dict):
        yield from (f"{path}.{name}" for name in schema.get("required", ()) if value.get(name) is None)
        for name, item in value.items():
            # A null in a map is dropped or allowed; in a list it stays.
            yield from faults(_inner(schema, name), item, f"{path}.{name}") if item is not None else ()
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from faults(schema.get("items", _FREE), item, f"{path}[{index}]")


def pruned(schema: JSON, value: Any) -> Any:
    """The value without the fields that the schema drops."""
    if isinstance(value, dict) and "type" in schema:
        kept = schema.get("properties", {}).keys()
        everything = OPEN in schema or "additionalProperties" in schema
        return {name: pruned(_inner(schema, name), item) for name, item in value.items() if everything or name in kept}
    return [pruned(schema["items"], item) for item in value] if isinstance(value, list) and "items" in schema else value


def without_strangers(value: Any) -> Any:
    """The value without the fields that no schema knows."""
    if isinstance(value, dict):
        return {name: without_strangers(item) for name, item in value.items() if name != STRANGER}
    return [without_strangers(item) for item in value] if isinstance(value, list) else value


def documents(schema: JSON) -> st.SearchStrategy[Any]:
    """Values that mostly fit, with nulls, unknown fields and slips among them."""
    return st.one_of(*[_fitting(schema)] * 12, NOISE)


def _inner(schema: JSON, name: str) -> JSON:
    return schema.get("properties", {}).get(name) or schema.get("additionalProperties", _FREE)


def _fits(schema: JSON, value: Any) -> bool:
    if EITHER in schema:
        return isinstance(value, int | str) and not isinstance(value, bool)
    match schema.get("type"):
        case "integer":
            edge = RANGES[schema["format"]]
            return isinstance(value, int) and not isinstance(value, bool) and -edge <= value < edge
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str) and value in schema.get("enum", (value,))
        case None:
            return True
        case kind:
            return isinstance(value, {"boolean": bool, "array": list, "object": dict}[str(kind)])


def _fitting(schema: JSON) -> st.SearchStrategy[Any]:
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if EITHER in schema:
        return st.one_of(st.integers(0, 9), st.just("25%"))
    simple: dict[str, st.SearchStrategy[Any]] = {
        "integer": st.integers(-1, 101),
        "number": st.floats(-1, 101),
        "boolean": st.booleans(),
        "object": st.deferred(lambda: _object(schema)),
        "array": st.lists(st.deferred(lambda: documents(schema["items"])), max_size=2),
    }
    return simple.get(schema.get("type", ""), st.sampled_from(["", "a", "main", "SKLEARN_SERVER", "gs://m", "v2"]))


def _object(schema: JSON) -> st.SearchStrategy[Any]:
    properties, required = schema.get("properties", {}), schema.get("required", ())
    known = {name: documents(inner) for name, inner in properties.items()}
    if "additionalProperties" in schema:
        return st.dictionaries(st.sampled_from(["a", "b"]), documents(schema["additionalProperties"]), max_size=2)
    extra = {STRANGER: NOISE}
    always = {name: known.pop(name) for name in required}
    # A few fields at a time: with all of them, no document is small and hardly one fits.
    chosen = st.lists(st.sampled_from(sorted(known)), max_size=4, unique=True) if known else st.just([])
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries(always | {name: known[name] for name in names}, optional=extra)
    )
