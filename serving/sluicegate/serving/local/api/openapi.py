"""OpenAPI of the served kinds: enough for kubectl to validate on the server, and to explain.

kubectl looks for the PATCH operation of a kind and its ``fieldValidation`` and ``dryRun`` parameters; finding them it
leaves validation to us. ``kubectl explain`` reads the schemas, which come from the typed views. Pure.
"""

from typing import Any

import msgspec

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.api.targets import Targets
from sluicegate.serving.local.kinds import Kind

_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
_KEEP = "x-kubernetes-preserve-unknown-fields"
_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")


def index(targets: Targets) -> JSON:
    """``/openapi/v3``: where each group's document is."""
    paths = [_path(group, version) for group, versions in targets.groups().items() for version in versions]
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}"} for path in paths}}


def document(targets: Targets, group: str, version: str) -> JSON:
    """``/openapi/v3/apis/<group>/<version>`` or ``/openapi/v3/api/v1``."""
    kinds = targets.of_version(group, version)
    schemas: JSON = {_META: _metadata_schema()}
    paths: JSON = {}
    for kind in kinds:
        schemas |= _schemas(kind, version)
        paths |= _paths(kind, version)
    return {"openapi": "3.0.0", "info": _info(), "paths": paths, "components": {"schemas": schemas}}


def swagger(targets: Targets) -> JSON:
    """``/openapi/v2``: the kinds' names, all fields free."""
    definitions = {
        _name(kind, version): _root(kind, version) | {"type": "object", _KEEP: True}
        for kind in targets.kinds
        for version in kind.versions
    }
    return {"swagger": "2.0", "info": _info(), "paths": {}, "definitions": definitions}


def _paths(kind: Kind, version: str) -> JSON:
    base = f"/{_path(kind.group, version)}" + ("/namespaces/{namespace}" if kind.namespaced else "")
    collection, one = f"{base}/{kind.plural}", f"{base}/{kind.plural}/{{name}}"
    return {
        collection: {"get": _operation(kind, version, "list", ()), "post": _operation(kind, version, "post")},
        one: {
            "get": _operation(kind, version, "get", ()),
            "put": _operation(kind, version, "put"),
            "patch": _operation(kind, version, "patch"),
            "delete": _operation(kind, version, "delete", ("dryRun",)),
        },
    }


def _operation(kind: Kind, version: str, action: str, parameters: tuple[str, ...] = _PARAMETERS) -> JSON:
    text = {"type": "string"}
    schema = {"$ref": f"#/components/schemas/{_name(kind, version)}"}
    answer = {"description": "OK", "content": {"application/json": {"schema": schema}}}
    return {
        "operationId": f"{action}{version.title()}{kind.kind}",
        "parameters": [{"name": name, "in": "query", "schema": text} for name in parameters],
        "responses": {"200": answer},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {"group": kind.group, "version": version, "kind": kind.kind},
    }


def _schemas(kind: Kind, version: str) -> JSON:
    root = _root(kind, version)
    if kind.schema is not None:
        metadata = {"metadata": {"$ref": f"#/components/schemas/{_META}"}}
        whole = kind.schema | {"properties": kind.schema["properties"] | metadata}
        return {_name(kind, version): whole | root}
    if kind.view is None:
        metadata = {"metadata": {"$ref": f"#/components/schemas/{_META}"}}
        free = {"spec": {"type": "object", _KEEP: True}, "status": {"type": "object", _KEEP: True}}
        texts = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
        return {_name(kind, version): root | {"type": "object", "properties": texts | metadata | free, _KEEP: True}}
    prefix = _name(kind, version).removesuffix(kind.kind)
    template = f"#/components/schemas/{prefix}{{name}}"
    (_, components) = msgspec.json.schema_components([kind.view], ref_template=template)
    written = {f"{prefix}{name}": _in_dialect(schema) for name, schema in components.items()}
    main = written[_name(kind, version)]
    main["properties"]["metadata"] = {"$ref": f"#/components/schemas/{_META}"}
    written.pop(f"{prefix}ObjectMeta", None)
    return written | {_name(kind, version): main | root}


def _in_dialect(schema: Any) -> Any:
    """JSON Schema 2020 as OpenAPI 3.0 in Kubernetes' manner: null is ``nullable``, a reference stands alone."""
    if isinstance(schema, list):
        return [_in_dialect(element) for element in schema]
    if not isinstance(schema, dict):
        return schema
    if "anyOf" in schema:
        options = [option for option in schema["anyOf"] if option != {"type": "null"}]
        return _in_dialect(options[0]) | {"nullable": True} if len(options) == 1 else {_KEEP: True}
    kept = {key: _in_dialect(value) for key, value in schema.items() if key not in ("title", "default")}
    if "$ref" in kept:
        return {"allOf": [{"$ref": kept["$ref"]}]}
    if kept.get("enum") and "type" not in kept:
        kept["type"] = "string"
    return kept


def _metadata_schema() -> JSON:
    texts = ("name", "namespace", "generateName", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp")
    named: JSON = {name: {"type": "string"} for name in texts}
    maps = {name: {"type": "object", "additionalProperties": {"type": "string"}} for name in ("labels", "annotations")}
    lists = {
        "finalizers": {"type": "array", "items": {"type": "string"}},
        "ownerReferences": {"type": "array", "items": {"type": "object", _KEEP: True}},
    }
    description = "Standard object's metadata."
    return {"type": "object", "description": description, "properties": named | maps | lists, _KEEP: True}


def _root(kind: Kind, version: str) -> JSON:
    named = {"group": kind.group, "version": version, "kind": kind.kind}
    return {"x-kubernetes-group-version-kind": [named]}


def _name(kind: Kind, version: str) -> str:
    group = ".".join(reversed(kind.group.split("."))) if kind.group else "io.k8s.api.core"
    return f"{group}.{version}.{kind.kind}"


def _path(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def _info() -> JSON:
    return {"title": "sluicegate", "version": "v1"}
