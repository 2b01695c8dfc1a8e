"""A container of ours with what the user wrote about it laid over: he wins, field by field and item by item."""

from collections.abc import Iterable
from typing import Any

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.security import relaxed

ITEM_KEYS = {
    "env": ("name",),
    "ports": ("containerPort", "protocol"),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "volumes": ("name",),
    "containers": ("name",),
    "initContainers": ("name",),
    "imagePullSecrets": ("name",),
}
"""By what the items of a list are told apart. Server-side apply refuses two that are the same."""


def merged_container(ours: JSON, users: JSON) -> JSON:
    """Ours, overruled. What the user left empty, as Go's clients write it, is not stated."""
    users = {key: value for key, value in users.items() if value not in ("", [], {})}
    merged = {**ours, **users}
    for field in ITEM_KEYS:
        if field in merged:
            merged[field] = merged_items(field, ours.get(field) or (), users.get(field) or ())
    if "securityContext" in ours and "securityContext" in users:
        merged["securityContext"] = relaxed(ours["securityContext"], users["securityContext"])
    if "lifecycle" in ours and "lifecycle" in users:
        merged["lifecycle"] = {**ours["lifecycle"], **users["lifecycle"]}
    if "envFrom" in ours and "envFrom" in users:
        merged["envFrom"] = [*ours["envFrom"], *(each for each in users["envFrom"] if each not in ours["envFrom"])]
    return merged


def merged_items(field: str, ours: Iterable[JSON], users: Iterable[JSON]) -> list[JSON]:
    """Items of both lists, the last of each key: ours first, so that the user's variables may refer to them."""
    found: dict[tuple[Any, ...], JSON] = {}
    for item in (*ours, *users):
        key = item_key(field, item)
        found.pop(key, None)
        found[key] = item
    return list(found.values())


def item_key(field: str, item: JSON) -> tuple[Any, ...]:
    """What tells an item of this list apart. A port without a protocol is TCP."""
    return tuple(item.get(name) or ("TCP" if name == "protocol" else "") for name in ITEM_KEYS[field])
