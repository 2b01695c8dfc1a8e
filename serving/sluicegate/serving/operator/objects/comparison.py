"""Whether an object is already as we want it, and which objects nobody wants any more. For the operator's writes.

Nothing is written when the live object carries the manifest's hash and contains all that the manifest says: fields of
others and the API server's defaults are no difference, a field of ours that somebody changed is one.
"""

from collections.abc import Iterable
from typing import Any

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.manifest import APPLIED_ANNOTATION, ObjectKey, key_of
from sluicegate.serving.operator.objects.merging import ITEM_KEYS
from sluicegate.serving.operator.objects.quantities import duration, quantity

_KEYS = {
    **ITEM_KEYS,
    "ownerReferences": ("uid",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "resourceClaims": ("name",),
    "claims": ("name",),
    "schedulingGates": ("name",),
}
_SERVICE_PORT = ("port", "protocol")
_QUANTITY_MAPS = frozenset({"limits", "requests", "overhead", "capacity"})
_QUANTITIES = frozenset({"sizeLimit", "divisor", "averageValue", "value"})
_DURATIONS = frozenset({"timeout", "request", "backendRequest", "absoluteTimeout", "idleTimeout", "interval"})
_EMPTY: tuple[Any, ...] = ("", [], {}, 0, False, None)
MADE_KINDS = ("ScaledObject", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Deployment", "Service")
"""Kinds that a predictor becomes, in the order in which they go: what scales a Deployment goes before it."""


def is_applied(manifest: JSON, live: JSON | None) -> bool:
    """Whether applying the manifest would change nothing."""
    if live is None:
        return False
    said = manifest["metadata"]["annotations"][APPLIED_ANNOTATION]
    found = (live["metadata"].get("annotations") or {}).get(APPLIED_ANNOTATION)
    return found == said and contains(live, manifest)


def contains(live: Any, wanted: Any, path: tuple[str, ...] = ()) -> bool:
    """Whether the live value has everything of the wanted one. ``path`` are the fields on the way here."""
    return _contains(live, wanted, path[-1] if path else "", path[-2] if len(path) > 1 else "")


def must_be_replaced(manifest: JSON, live: JSON) -> bool:
    """Whether the live object cannot become the manifest: a Service's address, or the lack of one, is for life."""
    if manifest["kind"] != "Service":
        return False
    headless = (each["spec"].get("clusterIP") == "None" for each in (manifest, live))
    return len(set(headless)) == 2


def is_owned(live: JSON, owner: JSON) -> bool:
    """Whether the object is controlled by the owner, said by its metadata."""
    references = live["metadata"].get("ownerReferences") or ()
    return any(each.get("controller") and each.get("uid") == owner["uid"] for each in references)


def is_others(live: JSON, owner: JSON) -> bool:
    """Whether somebody else controls the object: then it is not ours to write, whatever its name."""
    references = live["metadata"].get("ownerReferences") or ()
    return any(each.get("controller") for each in references) and not is_owned(live, owner)


def orphans(live: Iterable[JSON], wanted: Iterable[JSON], owner: JSON) -> tuple[JSON, ...]:
    """Objects of a deployment, of kinds that we make, that are in ``wanted`` no more; in the order in which they go.

    Who asks says by ``wanted`` what may still be reached: a renamed Deployment's successor has to be ready first.
    """
    keys: set[ObjectKey] = {key_of(each) for each in wanted}
    gone = [
        each
        for each in live
        if each["kind"] in MADE_KINDS
        and key_of(each) not in keys
        and is_owned(each, owner)
        and not each["metadata"].get("deletionTimestamp")
    ]
    return tuple(sorted(gone, key=lambda each: (MADE_KINDS.index(each["kind"]), each["metadata"]["name"])))


def _contains(live: Any, wanted: Any, field: str, above: str) -> bool:
    """Plain loops: each look of the operator compares each of its objects, and generators would take twice as long."""
    if isinstance(wanted, dict):
        if not isinstance(live, dict):
            return False
        for key, value in wanted.items():
            found = live.get(key)
            if found is None:
                # The API server leaves out what is empty.
                if value not in _EMPTY:
                    return False
            elif not (type(value) is str and found == value) and not _contains(found, value, key, field):
                return False
        return True
    if isinstance(wanted, list):
        return isinstance(live, list) and _contains_items(live, wanted, field, above)
    return (type(live) is type(wanted) and live == wanted) or _same_amount(live, wanted, field, above)


def _contains_items(live: list[Any], wanted: list[Any], field: str, above: str) -> bool:
    keys = item_keys(wanted, (field,))
    if not keys:
        pairs = zip(live, wanted, strict=False)
        return len(live) == len(wanted) and all(_contains(one, other, field, above) for one, other in pairs)
    found = {item_key(each, keys): each for each in live if isinstance(each, dict)}
    return all(_contains(found.get(item_key(each, keys)), each, field, above) for each in wanted)


def item_keys(wanted: list[Any], path: tuple[str, ...]) -> tuple[str, ...]:
    """By what items of this list are told apart; nothing where their order counts."""
    field = path[-1] if path else ""
    keys = _KEYS.get(field, ())
    if not keys or not all(isinstance(each, dict) for each in wanted):
        return ()
    return _SERVICE_PORT if field == "ports" and all("port" in each for each in wanted) else keys


def item_key(item: JSON, keys: tuple[str, ...]) -> tuple[Any, ...]:
    """What tells this item from others of its list."""
    return tuple(item.get(name) or ("TCP" if name == "protocol" else None) for name in keys)


def _same_amount(live: Any, wanted: Any, field: str, above: str) -> bool:
    if above in _QUANTITY_MAPS or (field in _QUANTITIES and above != "env"):
        one, other = quantity(live), quantity(wanted)
        return one is not None and one == other
    if field in _DURATIONS:
        one, other = duration(live), duration(wanted)
        return one is not None and one == other
    return False
