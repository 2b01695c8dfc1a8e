"""Fields of objects that Seldon Core's operator made, put under our name: else server-side apply removes none.

What another manager wrote stays when we leave it out: its engine's container would live on in every pod. Before an
object is applied for the first time, its former manager's fields become ours; what we then do not state goes.
"""

from collections.abc import Collection
from typing import Any

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.manifest import APPLIED_ANNOTATION

FIELD_MANAGER = "sluicegate-operator"
FORMER_MANAGERS = frozenset({"manager"})
"""As what Seldon Core's operator writes: the name of its program."""
ROUTES_ANNOTATION = "getambassador.io/config"
"""On Services, Ambassador's routes: nobody's from then on, so that they stay until their user takes them away."""


def takeover_patch(live: JSON | None, former: Collection[str] = FORMER_MANAGERS) -> list[JSON]:
    """JSON patch to send before the first apply; empty when there is nothing to take over.

    ``live`` is to be read from the API server itself: caches leave ``managedFields`` out. The patch fails when somebody
    writes the object meanwhile, and is then to be made anew.
    """
    metadata = (live or {}).get("metadata") or {}
    entries: list[JSON] = metadata.get("managedFields") or []
    theirs = [each for each in entries if _is_of(each, former)]
    if not theirs or APPLIED_ANNOTATION in (metadata.get("annotations") or {}):
        return []
    ours = {
        "manager": FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": theirs[0]["apiVersion"],
        "time": theirs[-1].get("time"),
        "fieldsType": "FieldsV1",
        "fieldsV1": _without_routes(_united([each.get("fieldsV1") or {} for each in theirs])),
    }
    kept = [each for each in entries if each not in theirs]
    return [
        {"op": "replace", "path": "/metadata/managedFields", "value": [*kept, ours]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": metadata.get("resourceVersion")},
    ]


def _is_of(entry: JSON, managers: Collection[str]) -> bool:
    return entry.get("manager") in managers and entry.get("operation") == "Update" and not entry.get("subresource")


def _united(sets: list[Any]) -> JSON:
    """All fields of several sets. Keys are fields, values the sets below them."""
    found: JSON = {}
    for each in sets:
        for key, below in each.items():
            found[key] = _united([found.get(key, {}), below])
    return found


def _without_routes(fields: JSON) -> JSON:
    notes = fields.get("f:metadata", {}).get("f:annotations", {})
    notes.pop(f"f:{ROUTES_ANNOTATION}", None)
    return fields
