"""Everything of one kind, complete and current: a list, then its changes, for ever.

``synced`` says that the first list is complete; nobody may decide before, or a rollout that was not seen yet would
count as none. A stream that breaks goes on where it was; history that is gone means a fresh list.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import Resource
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.errors import ClusterError, ExpiredError

OWNER_LABEL = "seldon-deployment-id"
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
Key = tuple[str, str]
"""Namespace and name."""
Changed = Callable[[JSON | None, JSON | None], None]
"""Told of each change: the object before and after; None for one that is not."""
Owner = Callable[[JSON], Key | None]
"""Namespace and name of the SeldonDeployment that an object belongs to."""

_LOG = logging.getLogger(__name__)


class Cache:
    """Objects of ``resource`` in ``namespace`` (None: everywhere) that ``labels`` selects, indexed by ``owner``.

    Objects are shared: whoever reads one must not change it. ``managedFields`` are left out.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource,
        *,
        kind: str,
        namespace: str | None,
        labels: str = "",
        changed: Changed | None = None,
        owner: Owner | None = None,
    ) -> None:
        self.kind, self.resource = kind, resource
        self.synced = asyncio.Event()
        self._cluster, self._namespace, self._labels = cluster, namespace, labels
        self._changed, self._owner = changed or (lambda _before, _after: None), owner or owner_of
        self._objects: dict[Key, JSON] = {}
        self._owned: dict[Key, set[Key]] = {}

    def __len__(self) -> int:
        return len(self._objects)

    def get(self, namespace: str, name: str) -> JSON | None:
        """One object."""
        return self._objects.get((namespace, name))

    def all(self, namespace: str | None = None) -> list[JSON]:
        """Objects of a namespace, or of all, by name."""
        chosen = (key for key in self._objects if namespace is None or key[0] == namespace)
        return [self._objects[key] for key in sorted(chosen)]

    def of(self, namespace: str, deployment: str) -> list[JSON]:
        """Objects that belong to this SeldonDeployment, by name."""
        return [self._objects[key] for key in sorted(self._owned.get((namespace, deployment), ()))]

    def learn(self, obj: JSON) -> None:
        """Take in what a write answered, unless something newer was seen meanwhile.

        Of a new object the stream tells: one that is not here may have been deleted since the write.
        """
        before = self._objects.get(_key(obj))
        if before is not None and _version(before) < _version(obj):
            self._put(self._whole(obj))

    def take(self, kind: str, obj: JSON) -> None:
        """Take in a change as the stream tells it."""
        if kind == "DELETED":
            self._remove(_key(obj))
        elif kind in ("ADDED", "MODIFIED"):
            before = self._objects.get(_key(obj))
            if before is None or _version(before) < _version(obj):
                self._put(self._whole(obj))

    async def run(self) -> None:
        """Until cancelled."""
        pause, version = FIRST_PAUSE, ""
        while True:
            try:
                if not version:
                    items, version = await self._cluster.list(self.resource, self._namespace, labels=self._labels)
                    self._replace(items)
                    self.synced.set()
                async for kind, obj in self._cluster.watch(
                    self.resource, self._namespace, version, labels=self._labels
                ):
                    version = str(obj["metadata"]["resourceVersion"])
                    self.take(kind, obj)
                    pause = FIRST_PAUSE
            except ExpiredError:
                version = ""
            except ClusterError as error:
                _LOG.warning("%s; again in %.1f s", error, pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _replace(self, items: Iterable[JSON]) -> None:
        found = {_key(item): self._whole(item) for item in items}
        for key in [key for key in self._objects if key not in found]:
            self._remove(key)
        for obj in found.values():
            before = self._objects.get(_key(obj))
            if before is None or _version(before) != _version(obj):
                self._put(obj)

    def _whole(self, item: JSON) -> JSON:
        # Items of a list bear neither; everywhere else objects say what they are.
        return {"apiVersion": self.resource.api_version, "kind": self.kind, **item}

    def _put(self, obj: JSON) -> None:
        obj["metadata"].pop("managedFields", None)
        key = _key(obj)
        before, self._objects[key] = self._objects.get(key), obj
        self._index(key, before, obj)
        self._changed(before, obj)

    def _remove(self, key: Key) -> None:
        before = self._objects.pop(key, None)
        if before is not None:
            self._index(key, before, None)
            self._changed(before, None)

    def _index(self, key: Key, before: JSON | None, after: JSON | None) -> None:
        if before is not None and (owner := self._owner(before)):
            self._owned.get(owner, set()).discard(key)
        if after is not None and (owner := self._owner(after)):
            self._owned.setdefault(owner, set()).add(key)


def owner_of(obj: JSON) -> Key | None:
    """The SeldonDeployment that an object's label names."""
    meta = obj["metadata"]
    name = (meta.get("labels") or {}).get(OWNER_LABEL)
    return (meta.get("namespace", ""), name) if name else None


def _key(obj: JSON) -> Key:
    return (obj["metadata"].get("namespace", ""), obj["metadata"]["name"])


def _version(obj: JSON) -> int:
    """Kubernetes promises since 1.35 that versions of a kind can be compared so, and etcd's always could."""
    text = str(obj["metadata"].get("resourceVersion", ""))
    return int(text) if text.isdigit() else 0
