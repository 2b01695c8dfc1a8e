"""What a write does to an object's metadata: pure functions over JSON, used by the store alone.

The rules are those of Kubernetes' API server: uid and creation are given once, generation counts changes outside of
metadata and status, an object under deletion lives until its finalizers are gone, dependents follow their owners.
"""

from datetime import UTC, datetime
from typing import Any

from sluicegate.serving.api.metadata import JSON

_KEPT = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "generation", "resourceVersion")
_NOT_SPEC = ("apiVersion", "kind", "metadata", "status")


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, whole seconds, as Kubernetes writes times."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def born(obj: JSON, *, uid: str, now: str) -> JSON:
    """The object as it begins: fresh identity, generation 1."""
    given = {key: value for key, value in obj["metadata"].items() if key not in _KEPT and value is not None}
    identity = {key: obj["metadata"][key] for key in ("name", "namespace") if obj["metadata"].get(key)}
    metadata = identity | {"uid": uid, "creationTimestamp": now, "generation": 1} | given
    return obj | {"metadata": metadata}


def changed(old: JSON, new: JSON) -> JSON:
    """``new`` under ``old``'s identity; generation goes up when more than metadata and status differs."""
    given = {key: value for key, value in new["metadata"].items() if key not in _KEPT and value is not None}
    metadata = {key: old["metadata"][key] for key in _KEPT if key in old["metadata"]} | given
    if _spec(old) != _spec(new):
        metadata["generation"] = old["metadata"].get("generation", 0) + 1
    return new | {"metadata": metadata}


def with_status(old: JSON, new: JSON) -> JSON:
    """``old`` with the status of ``new``, nothing else of it."""
    without = {key: value for key, value in old.items() if key != "status"}
    return without | {"status": new["status"]} if new.get("status") is not None else without


def stamped(obj: JSON, version: int) -> JSON:
    """The object at this resource version."""
    return obj | {"metadata": obj["metadata"] | {"resourceVersion": str(version)}}


def ending(obj: JSON, now: str) -> JSON:
    """The object under deletion, waiting for its finalizers."""
    return obj | {"metadata": {"deletionTimestamp": now} | obj["metadata"]}


def disowned(obj: JSON, uid: str) -> JSON:
    """The object without its reference to the owner ``uid``."""
    left = [reference for reference in owners(obj) if reference.get("uid") != uid]
    metadata = {key: value for key, value in obj["metadata"].items() if key != "ownerReferences"}
    return obj | {"metadata": metadata | ({"ownerReferences": left} if left else {})}


def owners(obj: JSON) -> list[dict[str, Any]]:
    """Its owner references."""
    return obj["metadata"].get("ownerReferences") or []


def is_held(obj: JSON) -> bool:
    """Whether a finalizer keeps it from going."""
    return bool(obj["metadata"].get("finalizers"))


def is_ending(obj: JSON) -> bool:
    """Whether its deletion was asked for."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def _spec(obj: JSON) -> JSON:
    return {key: value for key, value in obj.items() if key not in _NOT_SPEC}
