"""Lists and single objects in the form that the client asked for."""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.api.errors import RequestError, not_found
from sluicegate.serving.local.api.requests import Form, Options, Target
from sluicegate.serving.local.api.tables import table
from sluicegate.serving.local.store import Store


def one(store: Store, target: Target) -> JSON:
    """The object that the target names, in the target's version. Raises RequestError when there is none."""
    found = store.get(target.kind.kind, target.namespace or "", target.name)
    if found is None:
        raise not_found(target.kind, target.name)
    return target.kind.served(found, target.version)


def many(store: Store, target: Target, options: Options) -> tuple[list[JSON], JSON]:
    """The selected objects, and the list's metadata. Raises RequestError for a version that is gone.

    A page goes on after the last key of the one before; it shows the present, not the past of the first page.
    """
    snapshot = store.snapshot(target.kind.kind, target.namespace)
    if options.version_match == "Exact" and options.version != snapshot.version:
        raise RequestError("Expired", f"only the present version {snapshot.version} can be listed")
    after = _position(options.continuation)
    served = [target.kind.served(obj, target.version) for obj in snapshot.items if options.selects(obj)]
    rest = [obj for obj in served if after is None or _key(obj) > after]
    metadata: JSON = {"resourceVersion": str(snapshot.version)}
    if options.limit and len(rest) > options.limit:
        metadata["continue"] = _token(rest[options.limit - 1])
        metadata["remainingItemCount"] = len(rest) - options.limit
        rest = rest[: options.limit]
    return rest, metadata


def listed(target: Target, items: list[JSON], metadata: JSON) -> JSON:
    """A ``…List``."""
    kind = {"kind": f"{target.kind.kind}List", "apiVersion": target.kind.api_version(target.version)}
    return kind | {"metadata": metadata, "items": items}


def renderer(target: Target, form: Form, include: str, clock: Callable[[], datetime]) -> Callable[[JSON], JSON]:
    """How one object of the target is shown."""

    def render(obj: JSON) -> JSON:
        served = target.kind.served(obj, target.version)
        if form == "table":
            metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            return table(target.kind, [served], metadata, now=clock(), include=include)
        return partial(served) if form == "metadata" else served

    return render


def partial(obj: JSON) -> JSON:
    """An object's metadata alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _key(obj: JSON) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _token(obj: JSON) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(_key(obj))).decode()


def _position(token: str) -> tuple[str, str] | None:
    if not token:
        return None
    try:
        read: Any = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        return msgspec.json.decode(read, type=tuple[str, str])
    except (ValueError, msgspec.MsgspecError) as error:
        raise RequestError("Expired", "the continue token is not one of ours; list again without it") from error
