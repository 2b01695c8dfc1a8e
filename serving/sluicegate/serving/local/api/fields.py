"""Which fields of an object its kind does not know, by path: what ``fieldValidation`` warns of or refuses."""

from collections.abc import Iterator
from typing import Any

from msgspec import inspect

from sluicegate.serving.api.metadata import JSON, ObjectMeta, View

_METADATA = frozenset({"deletionGracePeriodSeconds", "generateName", "managedFields", "selfLink"})
"""Kubernetes has them beside those that our view reads."""


def unknown_fields(obj: JSON, view: type[View]) -> tuple[str, ...]:
    """Paths of the fields that neither the view nor Kubernetes' metadata has; what the view leaves free is free."""
    return tuple(_unknown(obj, inspect.type_info(view), ""))


def _unknown(value: Any, type_: inspect.Type, path: str) -> Iterator[str]:
    if isinstance(type_, inspect.UnionType):
        for option in type_.types:
            yield from _unknown(value, option, path)
    elif isinstance(type_, inspect.VarTupleType | inspect.ListType) and isinstance(value, list):
        for index, element in enumerate(value):
            yield from _unknown(element, type_.item_type, f"{path}[{index}]")
    elif isinstance(type_, inspect.DictType) and isinstance(value, dict):
        for key, element in value.items():
            yield from _unknown(element, type_.value_type, f"{path}.{key}" if path else key)
    elif isinstance(type_, inspect.StructType) and isinstance(value, dict):
        yield from _unknown_of_struct(value, type_, path)


def _unknown_of_struct(value: JSON, type_: inspect.StructType, path: str) -> Iterator[str]:
    known = {field.encode_name: field.type for field in type_.fields}
    for key, element in value.items():
        below = f"{path}.{key}" if path else key
        if key in known:
            yield from _unknown(element, known[key], below)
        elif not (type_.cls is ObjectMeta and key in _METADATA):
            yield below
