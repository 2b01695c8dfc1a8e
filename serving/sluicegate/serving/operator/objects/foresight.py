"""What applying a manifest will change in a live object, field by field, without asking the API server. Pure.

As server-side apply does after the takeover: what the manifest states becomes so; of what only the former manager
wanted, what it does not state goes; everything else stays.
"""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.comparison import contains, item_key, item_keys
from sluicegate.serving.operator.objects.takeover import takeover_patch

Path = tuple[str, ...]
_LONGEST = 80
_DEFAULTS: JSON = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "successThreshold": 1,
    "failureThreshold": 3,
    "periodSeconds": 10,
    "timeoutSeconds": 1,
    "scheme": "HTTP",
    "defaultMode": 420,
    "sessionAffinity": "None",
    "internalTrafficPolicy": "Cluster",
    "externalTrafficPolicy": "Cluster",
    "ipFamilyPolicy": "SingleStack",
    "progressDeadlineSeconds": 600,
    "revisionHistoryLimit": 10,
}
"""What the API server puts in place of a field that goes; then nothing changes."""
_ALWAYS_SERVERS = frozenset({"managedFields", "resourceVersion", "uid", "creationTimestamp", "generation"})


@dataclass(frozen=True, slots=True)
class Change:
    """One field. ``before`` or ``after`` is empty where it is not there."""

    path: str
    before: str
    after: str


def changes_of(live: JSON, manifest: JSON) -> tuple[Change, ...]:
    """Everything that will be different, in metadata and spec."""
    given_up = _former(live)
    after = {part: deepcopy(live.get(part) or {}) for part in ("metadata", "spec")}
    stated = {part: manifest.get(part) or {} for part in after}
    if given_up:
        after = _without(after, given_up, stated, ())
    after = _laid_over(after, stated, ())
    return differences(live, after)


def differences(before: JSON, after: JSON) -> tuple[Change, ...]:
    """Everything that is different between two states of one object, in metadata and spec."""
    one, other = ({part: each.get(part) or {} for part in ("metadata", "spec")} for each in (before, after))
    return tuple(_differences(one, other, ()))


def _former(live: JSON) -> JSON:
    """Fields that change hands from Seldon Core's operator to ours."""
    patch = takeover_patch(live)
    if not patch:
        return {}
    fields: JSON = patch[0]["value"][-1]["fieldsV1"]
    return {key: below for key, below in fields.items() if key in {"f:metadata", "f:spec"}}


def _without(value: Any, fields: JSON, stated: Any, path: Path) -> Any:
    """``value`` without those of ``fields`` that are not stated."""
    if isinstance(value, dict):
        kept = dict(value)
        for key, below in fields.items():
            name = key.removeprefix("f:")
            if not key.startswith("f:") or name not in kept:
                continue
            there = stated.get(name) if isinstance(stated, dict) else None
            if there is None and name in _DEFAULTS and kept[name] == _DEFAULTS[name]:
                continue
            if there is None and not _has_items(below):
                del kept[name]
            elif there is not None or _has_items(below):
                kept[name] = _without(kept[name], below, there if there is not None else {}, (*path, name))
                if there is None and kept[name] in ({}, []):
                    del kept[name]
        return kept
    if isinstance(value, list) and any(key.startswith("k:") for key in fields):
        return [found for each in value if (found := _item(each, fields, stated, path)) is not None]
    return value


def _has_items(fields: JSON) -> bool:
    return any(key.startswith(("f:", "k:")) for key in fields)


def _item(item: Any, fields: JSON, stated: Any, path: Path) -> Any:
    """One item of a list whose items are told apart by keys; None where it goes."""
    for key, below in fields.items():
        if not key.startswith("k:") or not isinstance(item, dict):
            continue
        names: JSON = json.loads(key[2:])
        if all(item.get(name) == wanted for name, wanted in names.items()):
            there = next((each for each in stated or () if _agrees(each, names)), None)
            return None if there is None else _without(item, below, there, path)
    return item


def _agrees(item: Any, names: JSON) -> bool:
    filled = {"protocol": "TCP", **item} if isinstance(item, dict) else {}
    return all(filled.get(name) == wanted for name, wanted in names.items())


def _laid_over(value: Any, stated: Any, path: Path) -> Any:
    if isinstance(value, dict) and isinstance(stated, dict):
        return {**value, **{k: _laid_over(value.get(k), below, (*path, k)) for k, below in stated.items()}}
    keys = item_keys(stated, path) if isinstance(stated, list) and isinstance(value, list) else ()
    if keys:
        found = {item_key(each, keys): each for each in value}
        mine = {item_key(each, keys): _laid_over(found.get(item_key(each, keys)), each, path) for each in stated}
        return list({**found, **mine}.values())
    # A quantity that is written otherwise is the same quantity.
    return value if contains(value, stated, path) else stated


def _differences(before: Any, after: Any, path: Path) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted({*before, *after}):
            if path == ("metadata",) and name in _ALWAYS_SERVERS:
                continue
            yield from _differences(before.get(name), after.get(name), (*path, name))
    elif isinstance(before, list) and isinstance(after, list) and (keys := _keys(before, after, path)):
        ones, others = ({item_key(each, keys): each for each in side} for side in (before, after))
        for key in (*ones, *(key for key in others if key not in ones)):
            name = "/".join(str(part) for part in key if part not in (None, "TCP"))
            yield from _differences(ones.get(key), others.get(key), (*path[:-1], f"{path[-1]}[{name}]"))
    elif before != after and not (before in _NOTHING and after in _NOTHING):
        yield Change(path=".".join(path), before=_short(before), after=_short(after))


_NOTHING: tuple[Any, ...] = (None, "", {}, [])


def _keys(before: list[Any], after: list[Any], path: Path) -> tuple[str, ...]:
    field = (path[-1].partition("[")[0],)
    return item_keys(after or before, field) if item_keys(before or after, field) else ()


def _short(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
