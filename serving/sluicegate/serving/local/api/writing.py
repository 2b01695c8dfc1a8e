"""The one way to the store for every write that comes through the API: identify, check, admit, write.

Writes go one after another, so that what ``admit`` saw of other objects is still so when the store writes.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local import lifecycle
from sluicegate.serving.local.api import objects
from sluicegate.serving.local.api.errors import RequestError, bad_request, invalid, not_found
from sluicegate.serving.local.api.fields import unknown_fields
from sluicegate.serving.local.api.requests import Options, Target
from sluicegate.serving.local.errors import AlreadyExistsError, ConflictError
from sluicegate.serving.local.kinds import Kind, Operation
from sluicegate.serving.local.store import Store

_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_ATTEMPTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a write answers: the object as it now is, in the stored version, and warnings."""

    object: JSON
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What a deletion asks beside the name."""

    uid: str = ""
    resource_version: str = ""
    orphan: bool = False


class Writer:
    """Writes for the API; every method blocks, raises RequestError, or the store's errors."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()

    def create(self, target: Target, value: Any, options: Options) -> Written:
        """A new object; ``generateName`` gets five letters."""
        obj = objects.identified(value, target)
        if obj["metadata"].get("resourceVersion"):
            raise bad_request("resourceVersion should not be set on objects to be created")
        if target.namespace is not None and (broken := objects.namespace_errors(target.namespace)):
            raise invalid(target.kind, str(obj["metadata"].get("name", "")), broken)
        prepared = target.kind.prepare(_without_status(target.kind, obj))
        prefix = prepared["metadata"].get("generateName")
        if prepared["metadata"].get("name") or not isinstance(prefix, str):
            return self._create(target, prepared, options)
        for _ in range(_ATTEMPTS):
            named = prepared["metadata"] | {"name": prefix[:248] + _suffix()}
            try:
                return self._create(target, prepared | {"metadata": named}, options)
            except AlreadyExistsError:
                continue
        raise RequestError("Conflict", f"no free name found for {prefix}; try again")

    def replace(self, target: Target, value: Any, options: Options) -> Written:
        """The whole object, or its status when that is the subresource."""
        obj = objects.identified(value, target)
        if not target.kind.is_core and not obj["metadata"].get("resourceVersion"):
            must = FieldError(path="metadata.resourceVersion", found="nothing", expected="the version that was read")
            raise invalid(target.kind, target.name, (must,))
        with self._lock:
            return self._update(target, self._current(target), obj, options)

    def patch(self, target: Target, change: Callable[[JSON], Any], options: Options) -> Written:
        """The object after ``change``; tried again when a controller wrote in between, unless it names a version."""
        with self._lock:
            for _ in range(_ATTEMPTS):
                current = self._current(target)
                version = current["metadata"]["resourceVersion"]
                changed = change(target.kind.served(current, target.version))
                obj = objects.identified(changed, target)
                try:
                    return self._update(target, current, obj, options)
                except ConflictError:
                    if obj["metadata"].get("resourceVersion") != version:
                        raise
        raise RequestError("Conflict", f"{target.kind.resource} {target.name!r} is being written all the time; retry")

    def delete(self, target: Target, deletion: Deletion, options: Options) -> Written:
        """The object as it was last; with finalizers it is still there."""
        with self._lock:
            current = self._current(target)
            warnings = self._admit(target.kind, "DELETE", current, None)
            gone = self._store.delete(
                target.kind.kind,
                target.namespace or "",
                target.name,
                uid=deletion.uid,
                resource_version=deletion.resource_version,
                orphan=deletion.orphan,
                dry_run=options.dry_run,
            )
        return Written(object=gone, warnings=warnings)

    def _create(self, target: Target, obj: JSON, options: Options) -> Written:
        objects.check(target.kind, obj)
        warnings = _unknown(target, obj, options)
        with self._lock:
            admitted = self._admit(target.kind, "CREATE", None, obj)
            return Written(object=self._store.create(obj, dry_run=options.dry_run), warnings=warnings + admitted)

    def _update(self, target: Target, current: JSON, obj: JSON, options: Options) -> Written:
        kind, on_status = target.kind, target.subresource == "status"
        claims, actual = _claims(obj), current["metadata"]
        if any(claims[key] != actual[key] for key in claims):
            raise ConflictError(kind.kind, target.namespace or "", target.name, f"read as {claims}, it is not now")
        if on_status:
            new = lifecycle.with_status(current, obj) | {"metadata": actual | claims}
        else:
            new = kind.prepare(_with_status_of(kind, current, obj))
        objects.check(kind, new)
        warnings = _unknown(target, new, options)
        if on_status:
            return Written(object=self._store.replace_status(new, dry_run=options.dry_run), warnings=warnings)
        admitted = self._admit(kind, "UPDATE", current, lifecycle.changed(current, new))
        return Written(object=self._store.replace(new, dry_run=options.dry_run), warnings=warnings + admitted)

    def _current(self, target: Target) -> JSON:
        current = self._store.get(target.kind.kind, target.namespace or "", target.name)
        if current is None:
            raise not_found(target.kind, target.name)
        return current

    def _admit(self, kind: Kind, operation: Operation, old: JSON | None, new: JSON | None) -> tuple[str, ...]:
        admitted = kind.admit(operation, old, new)
        if admitted.errors:
            named = (new or old or {"metadata": {}})["metadata"].get("name", "")
            raise invalid(kind, named, admitted.errors)
        return admitted.warnings


def _unknown(target: Target, obj: JSON, options: Options) -> tuple[str, ...]:
    if target.kind.view is None or options.field_validation == "Ignore":
        return ()
    unknown = unknown_fields(obj, target.kind.view)
    words = tuple(f'unknown field "{path}"' for path in unknown)
    if words and options.field_validation == "Strict":
        kind = target.kind.kind
        raise bad_request(
            f'{kind} in version "{target.version}" cannot be handled as a {kind}: strict decoding error: '
            + ", ".join(words)
        )
    return words


def _claims(obj: JSON) -> JSON:
    """What a writer claims of the object it read: the store compares."""
    return {key: obj["metadata"][key] for key in ("uid", "resourceVersion") if obj["metadata"].get(key)}


def _without_status(kind: Kind, obj: JSON) -> JSON:
    return {key: value for key, value in obj.items() if key != "status" or "status" not in kind.subresources}


def _with_status_of(kind: Kind, current: JSON, obj: JSON) -> JSON:
    if "status" not in kind.subresources:
        return obj
    return lifecycle.with_status(obj, current)


def _suffix() -> str:
    return "".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(5))
