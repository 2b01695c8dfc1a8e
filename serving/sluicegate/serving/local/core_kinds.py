"""Kubernetes' own kinds, as far as steps and workflows need them: Namespace, Secret, ConfigMap, Event."""

import base64
import binascii
import re

from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.metadata import JSON, ObjectMeta, View
from sluicegate.serving.local.columns import age_column, count_column, field_column
from sluicegate.serving.local.kinds import Admit, Admitted, Kind, Operation

_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


class ConfigMap(View, frozen=True, kw_only=True):
    """Settings by name."""

    api_version: str = "v1"
    kind: str = "ConfigMap"
    metadata: ObjectMeta = ObjectMeta()
    data: dict[str, str] | None = None
    binary_data: dict[str, str] | None = None
    immutable: bool | None = None


class Secret(View, frozen=True, kw_only=True):
    """Settings by name that are not to be shown; ``data`` is base64, ``stringData`` is written as it reads."""

    api_version: str = "v1"
    kind: str = "Secret"
    metadata: ObjectMeta = ObjectMeta()
    type: str = "Opaque"
    data: dict[str, str | None] | None = None
    string_data: dict[str, str] | None = None
    immutable: bool | None = None


class Event(View, frozen=True, kw_only=True):
    """Something that happened to an object."""

    api_version: str = "v1"
    kind: str = "Event"
    metadata: ObjectMeta = ObjectMeta()
    involved_object: JSON = {}
    reason: str | None = None
    message: str | None = None
    type: str | None = None
    source: JSON | None = None
    count: int | None = None
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    series: JSON | None = None
    action: str | None = None
    related: JSON | None = None
    reporting_component: str | None = None
    reporting_instance: str | None = None


class Namespace(View, frozen=True, kw_only=True):
    """A room for objects."""

    api_version: str = "v1"
    kind: str = "Namespace"
    metadata: ObjectMeta = ObjectMeta()
    spec: JSON = {}
    status: JSON = {}


def core_kinds() -> tuple[Kind, ...]:
    """The four of them."""
    return (
        _core("Namespace", "namespaces", ("ns",), Namespace, _admit_namespace, namespaced=False),
        _core("Secret", "secrets", (), Secret, _admit_data),
        _core("ConfigMap", "configmaps", ("cm",), ConfigMap, _admit_data),
        _core("Event", "events", ("ev",), Event, _admit_any),
    )


def _core(
    kind: str, plural: str, short_names: tuple[str, ...], view: type[View], admit: Admit, *, namespaced: bool = True
) -> Kind:
    columns = {
        "Namespace": (field_column("Status", "status.phase"),),
        "Secret": (field_column("Type", "type"), count_column("Data", "data")),
        "ConfigMap": (count_column("Data", "data"),),
        "Event": (
            field_column("Type", "type"),
            field_column("Reason", "reason"),
            field_column("Kind", "involvedObject.kind"),
            field_column("Object", "involvedObject.name"),
            field_column("Message", "message"),
        ),
    }
    involved = tuple(
        f"involvedObject.{name}" for name in ("kind", "namespace", "name", "uid", "apiVersion", "fieldPath")
    )
    selectable = {"Event": (*involved, "reason", "type"), "Secret": ("type",), "Namespace": ("status.phase",)}
    last_seen = (age_column("Last Seen", "lastTimestamp"),) if kind == "Event" else ()
    return Kind(
        group="",
        versions=("v1",),
        storage_version="v1",
        kind=kind,
        plural=plural,
        singular=kind.lower(),
        short_names=short_names,
        namespaced=namespaced,
        subresources=frozenset({"status"} if kind == "Namespace" else ()),
        printer_columns=(*last_seen, *columns[kind], *(() if last_seen else (age_column(),))),
        admit=admit,
        view=view,
        selectable_fields=selectable.get(kind, ()),
        prepare=_encoded if kind == "Secret" else _active if kind == "Namespace" else _unchanged,
    )


def _unchanged(obj: JSON) -> JSON:
    return obj


def _active(obj: JSON) -> JSON:
    return obj | {"status": {"phase": "Active"}}


def _encoded(obj: JSON) -> JSON:
    """A Secret with its ``stringData`` written into ``data``, and a type."""
    given = obj.get("stringData")
    without = {"type": "Opaque"} | {key: value for key, value in obj.items() if key != "stringData"}
    if not isinstance(given, dict):
        return without
    written = {key: base64.b64encode(str(value).encode()).decode() for key, value in given.items()}
    data = without.get("data")
    return without | {"data": (data if isinstance(data, dict) else {}) | written}


def _admit_any(_operation: Operation, _old: JSON | None, _new: JSON | None) -> Admitted:
    return Admitted()


def _admit_namespace(operation: Operation, old: JSON | None, _new: JSON | None) -> Admitted:
    if operation == "DELETE" and old is not None and old["metadata"]["name"] == "default":
        return Admitted(errors=(FieldError(path="metadata.name", found="default", expected="another namespace"),))
    return Admitted()


def _admit_data(operation: Operation, old: JSON | None, new: JSON | None) -> Admitted:
    if new is None:
        return Admitted()
    errors = [*_key_errors(new), *(_base64_errors(new) if new["kind"] == "Secret" else ())]
    if operation == "UPDATE" and old is not None and old.get("immutable") and old.get("data") != new.get("data"):
        errors.append(FieldError(path="data", found="a change", expected="none: the object is immutable"))
    return Admitted(errors=tuple(errors))


def _key_errors(obj: JSON) -> list[FieldError]:
    return [
        FieldError(path=f"data[{key}]", found=repr(key), expected="letters, digits, '-', '_' or '.', at most 253")
        for key in obj.get("data") or {}
        if not _KEY.fullmatch(key)
    ]


def _base64_errors(obj: JSON) -> list[FieldError]:
    return [
        FieldError(path=f"data[{key}]", found="other text", expected="base64")
        for key, value in (obj.get("data") or {}).items()
        if not _is_base64(value)
    ]


def _is_base64(value: object) -> bool:
    try:
        base64.b64decode(str(value or ""), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
