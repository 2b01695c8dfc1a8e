"""A typed view as a structural OpenAPI schema, as ``apiextensions.k8s.io/v1`` asks for it.

The schema takes what ``decoding.decode`` takes, and a field that it drops is one that no view reads. A null counts as
left out: a create drops it where the schema does not say ``nullable``, but a server-side apply refuses it there. So all
say it but enumerations and what the scale subresource reads, where the API server takes no null. The schema is stricter
than decoding in two places: whole numbers have a width, and blocks that a view passes on unread have a shape.
"""

import types
import typing
from typing import Any

import msgspec

from sluicegate.serving.api.crds.blocks import INSIDES, OPEN
from sluicegate.serving.api.crds.meanings import MEANINGS
from sluicegate.serving.api.metadata import JSON, Condition, View
from sluicegate.serving.api.seldon_deployment import PredictiveUnit, SeldonDeploymentSpec, SeldonDeploymentStatus

GRAPH_DEPTH = 6
"""Units below each other whose fields the schema knows. CRDs cannot recurse: what is deeper is kept unread by the API
server, and read and checked by admission like the rest."""
DESCRIBED_DEPTH = 2
"""Units below each other that carry descriptions: the deeper ones are the same again, and a CRD has to stay small."""
_WIDE = frozenset({"observed_generation", "renewal", "lease_renewal"})
_SCALED = (SeldonDeploymentSpec, SeldonDeploymentStatus)
_ANYTHING: JSON = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_SCALARS: dict[Any, JSON] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    int: {"type": "integer", "format": "int32"},
}


def object_schema(view: type[View], description: str) -> JSON:
    """The schema of a whole object; its metadata is Kubernetes' own."""
    fields = {field.name: field for field in msgspec.structs.fields(view)}
    parts = {name: _property(view, fields[name], 0) for name in ("spec", "status")}
    return {
        "type": "object",
        "description": description,
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            **parts,
        },
    }


def _struct(view: type[View], depth: int) -> JSON:
    if view is PredictiveUnit:
        depth += 1
        if depth > GRAPH_DEPTH:
            return dict(_ANYTHING)
    fields = msgspec.structs.fields(view)
    schema: JSON = {"type": "object"}
    required = [field.encode_name for field in fields if field.required]
    if required:
        schema["required"] = required
    schema["properties"] = {field.encode_name: _property(view, field, depth) for field in fields}
    if view in OPEN:
        schema["x-kubernetes-preserve-unknown-fields"] = True
    return schema


def _property(view: type[View], field: msgspec.structs.FieldInfo, depth: int) -> JSON:
    described = {} if depth > DESCRIBED_DEPTH else {"description": MEANINGS[view.__name__][field.name]}
    schema: JSON = described | _typed(field.type, INSIDES.get((view, field.name)), depth)
    if field.name in _WIDE:
        schema["format"] = "int64"
    scaled = view in _SCALED and field.name == "replicas"
    if not (field.required or scaled or "enum" in schema):
        schema["nullable"] = True
    return schema


def _typed(hint: Any, inside: type[View] | None, depth: int) -> JSON:
    """``inside`` types the plain objects within ``hint``."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union([part for part in arguments if part is not types.NoneType], inside, depth)
    if origin is typing.Literal:
        return {"type": "string", "enum": list(arguments)}
    if hint == JSON:
        return _struct(inside, depth) if inside is not None else dict(_ANYTHING)
    if origin is tuple:
        return _list(arguments[0], inside, depth)
    if origin is dict:
        return {"type": "object", "additionalProperties": _typed(arguments[1], inside, depth) | {"nullable": True}}
    return _struct(hint, depth) if issubclass(hint, View) else dict(_SCALARS[hint])


def _union(parts: list[Any], inside: type[View] | None, depth: int) -> JSON:
    if set(parts) == {int, str}:
        return {"x-kubernetes-int-or-string": True}
    (only,) = parts
    return _typed(only, inside, depth)


def _list(item: Any, inside: type[View] | None, depth: int) -> JSON:
    schema = {"type": "array", "items": _typed(item, inside, depth)}
    # Conditions have several writers; each owns the entries of its types.
    keyed = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]} if item is Condition else {}
    return schema | keyed
