"""Whether a body is an object of its kind: identity against the path, names, labels, types. Pure."""

import re
from typing import Any

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.errors import FieldError, InvalidObjectError
from sluicegate.serving.api.metadata import JSON, ObjectMeta
from sluicegate.serving.local.api.errors import bad_request, invalid
from sluicegate.serving.local.api.requests import Target
from sluicegate.serving.local.kinds import Kind

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_KEY = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_DROPPED = frozenset({"managedFields", "selfLink"})
_SET_BY_SERVER = frozenset({"creationTimestamp", "deletionTimestamp", "generation"})


def identified(value: Any, target: Target) -> JSON:
    """The body as an object of the target, in the stored version, in the target's namespace.

    Raises RequestError when it is no object, or one of another kind, version, namespace or name.
    """
    wanted = {"kind": target.kind.kind, "apiVersion": target.kind.api_version(target.version)}
    # The official clients leave both out for core kinds, and real servers fill them in.
    obj = _shaped(wanted | value if target.kind.is_core and isinstance(value, dict) else value)
    for key, expected in wanted.items():
        if obj.get(key) != expected:
            raise bad_request(f"{key}: found {obj.get(key)!r}, expected {expected!r} as in the path")
    given = {key: value for key, value in obj["metadata"].items() if value is not None and key not in _DROPPED}
    if target.namespace is not None:
        if given.get("namespace", target.namespace) != target.namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        given["namespace"] = target.namespace
    elif "namespace" in given:
        raise bad_request(f"metadata.namespace: {target.kind.plural} have none")
    if target.name and given.get("name", target.name) != target.name:
        raise bad_request(f"metadata.name: found {given['name']!r}, expected {target.name!r} as in the path")
    return target.kind.stored(obj | {"metadata": given | ({"name": target.name} if target.name else {})})


def check(kind: Kind, obj: JSON) -> None:
    """Raises RequestError with every field whose type, name or label is wrong."""
    name = obj["metadata"].get("name")
    named = name if isinstance(name, str) else ""
    try:
        settable = {key: value for key, value in obj["metadata"].items() if key not in _SET_BY_SERVER}
        decode(settable, ObjectMeta)
        if kind.view is not None:
            decode(obj | {"metadata": settable}, kind.view)
    except InvalidObjectError as error:
        raise invalid(kind, named, error.errors) from error
    broken = [*name_errors(kind, named), *_label_errors(obj["metadata"].get("labels") or {})]
    if broken:
        raise invalid(kind, named, broken)


def name_errors(kind: Kind, name: str) -> list[FieldError]:
    """Whether an object of the kind may be called so."""
    pattern, length = (_LABEL, 63) if kind.kind == "Namespace" else (_SUBDOMAIN, 253)
    return _word(name, "metadata.name", pattern, length)


def namespace_errors(namespace: str) -> list[FieldError]:
    """Whether a namespace may be called so."""
    return _word(namespace, "metadata.namespace", _LABEL, 63)


def _shaped(value: Any) -> JSON:
    if not isinstance(value, dict):
        raise bad_request(f"the body: found {type(value).__name__}, expected an object")
    for key in ("apiVersion", "kind"):
        if not value.get(key):
            raise bad_request(f"{key}: not set, expected in every object")
    if not isinstance(value.get("metadata"), dict):
        raise bad_request("metadata: not set, expected at least a name")
    return value


def _word(word: str, path: str, pattern: re.Pattern[str], length: int) -> list[FieldError]:
    if pattern.fullmatch(word) and len(word) <= length:
        return []
    dots = ", '.'" if pattern is _SUBDOMAIN else ""
    expected = f"at most {length} of a-z, 0-9, '-'{dots}, beginning and ending with a letter or digit"
    return [FieldError(path=path, found=repr(word[:300]), expected=expected)]


def _label_errors(labels: dict[str, str]) -> list[FieldError]:
    keys = [
        FieldError(path="metadata.labels", found=repr(key[:300]), expected="a label's name, as example.com/name")
        for key in labels
        if not _LABEL_KEY.fullmatch(key)
    ]
    values = [
        FieldError(path=f"metadata.labels[{key}]", found=repr(value[:300]), expected="at most 63 of A-Z a-z 0-9 - _ .")
        for key, value in labels.items()
        if not _LABEL_VALUE.fullmatch(value)
    ]
    return keys + values
