"""The store: objects as Kubernetes keeps them (versions, identities, finalizers, owners, watches), in one SQLite file.

The API writes through it after validation, the controllers of the same process read, watch and write it directly. Its
methods are quick and blocking, safe from any thread; ``watch`` belongs to an event loop. A call that returned is on the
disk; a call that raised changed nothing.
"""

import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local import lifecycle
from sluicegate.serving.local.database import Database
from sluicegate.serving.local.errors import AlreadyExistsError, ConflictError, ExpiredError, NotFoundError
from sluicegate.serving.local.rows import Change, ChangeType, Rows
from sluicegate.serving.local.watching import Bell

JSONObjects = list[JSON]
CLUSTER_SCOPED = frozenset({"Namespace"})
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Objects as they all were at one version."""

    items: JSONObjects
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Changes in order, and the version up to which they are complete."""

    items: list[Change]
    version: int


def utc_now() -> datetime:
    """The store's clock, unless given another."""
    return datetime.now(UTC)


class Store:
    """All objects of the plane.

    ``history`` is the number of changes kept for watchers, ``caps`` the number of objects kept of a kind (the least
    recently written go first: events are news, not state), ``max_bytes`` the size that the file may reach.
    Objects that name no namespace are in ``default``; a namespace comes into being with its first object.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        history: int = 2000,
        caps: Mapping[str, int] | None = None,
        max_bytes: int = 4 << 30,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = Database(Path(path), max_bytes=max_bytes)
        self._history, self._clock = history, clock
        self._caps = {"Event": 1000} if caps is None else dict(caps)
        self.bell = Bell()
        if self.get("Namespace", "", "default") is None:
            self.create(_namespace("default"))

    def close(self) -> None:
        """End all watches and close the file."""
        self.bell.silence()
        self._database.close()

    def version(self) -> int:
        """The newest resource version."""
        with self._database.reading() as connection:
            return Rows(connection).version()

    def get(self, kind: str, namespace: str, name: str) -> JSON | None:
        """One object, or None."""
        with self._database.reading() as connection:
            return Rows(connection).read(kind, namespace, name)

    def list(self, kind: str, namespace: str | None = None) -> JSONObjects:
        """All objects of a kind, of one namespace or of all, by namespace and name."""
        return self.snapshot(kind, namespace).items

    def snapshot(self, kind: str, namespace: str | None = None) -> Snapshot:
        """The list with the version to watch from."""
        with self._database.reading() as connection:
            rows = Rows(connection)
            return Snapshot(items=rows.read_all(kind, namespace), version=rows.version())

    def create(self, obj: JSON, *, dry_run: bool = False) -> JSON:
        """Write a new object and return it with its identity. Raises AlreadyExistsError."""
        placed = _placed(obj)
        kind, namespace, name = _key(placed)
        with self._database.writing(keep=not dry_run) as connection:
            rows = Rows(connection, history=self._history)
            if rows.read(kind, namespace, name) is not None:
                raise AlreadyExistsError(kind, namespace, name)
            if namespace and rows.read("Namespace", "", namespace) is None:
                rows.put(self._born(_namespace(namespace)), None)
            created = rows.put(self._born(placed), None)
            for old in rows.surplus(kind, self._caps[kind]) if kind in self._caps else ():
                rows.remove(old)
        self.bell.ring()
        return created

    def replace(self, obj: JSON, *, dry_run: bool = False) -> JSON:
        """Write all of an object, status too. Nothing is written when nothing differs.

        An object without ``resourceVersion`` overwrites whatever is there. When it is under deletion and its last
        finalizer was taken away, it goes. Raises NotFoundError, ConflictError (stale version, or another uid).
        """
        return self._rewrite(obj, lifecycle.changed, dry_run=dry_run)

    def replace_status(self, obj: JSON, *, dry_run: bool = False) -> JSON:
        """Write an object's status and nothing else of it. Raises as ``replace`` does."""
        return self._rewrite(obj, lifecycle.with_status, dry_run=dry_run)

    def delete(
        self,
        kind: str,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        resource_version: str = "",
        orphan: bool = False,
        dry_run: bool = False,
    ) -> JSON:
        """Delete an object and, in the same breath, what it owns (unless ``orphan``); returns its last state.

        With finalizers it only gets its ``deletionTimestamp``. ``uid`` and ``resource_version`` are preconditions.
        Raises NotFoundError, ConflictError.
        """
        with self._database.writing(keep=not dry_run) as connection:
            rows = Rows(connection, history=self._history)
            old = _present(rows, kind, namespace, name)
            _check(old, uid, resource_version)
            ended = self._end(rows, old, orphan=orphan)
        self.bell.ring()
        return ended

    def changes(self, kind: str, since: int, limit: int = _BATCH) -> Changes:
        """Changes of a kind after version ``since``. Raises ExpiredError: list again."""
        with self._database.reading() as connection:
            rows = Rows(connection)
            newest, forgotten = rows.version(), rows.forgotten()
            if not forgotten <= since <= newest:
                raise ExpiredError(since, forgotten, newest)
            found = rows.changes(kind, since, limit)
        return Changes(items=found, version=found[-1].version if len(found) == limit else newest)

    async def watch(self, kind: str, since: int) -> AsyncIterator[tuple[ChangeType, JSON]]:
        """Every change of a kind after version ``since``, as it happens, until the store closes.

        Raises ExpiredError when ``since`` is older than the history.
        """
        with self.bell.listening() as listener:
            while not self.bell.silenced:
                changes = self.changes(kind, since)
                for change in changes.items:
                    yield change.type, change.object
                if since == changes.version:
                    await listener.rung()
                since = changes.version

    def _rewrite(self, obj: JSON, rule: Callable[[JSON, JSON], JSON], *, dry_run: bool) -> JSON:
        placed = _placed(obj)
        metadata = placed["metadata"]
        with self._database.writing(keep=not dry_run) as connection:
            rows = Rows(connection, history=self._history)
            old = _present(rows, *_key(placed))
            _check(old, metadata.get("uid") or "", metadata.get("resourceVersion") or "")
            new = rule(old, placed)
            if lifecycle.is_ending(new) and not lifecycle.is_held(new):
                written = self._remove(rows, new)
            else:
                written = old if new == old else rows.put(new, old)
        self.bell.ring()
        return written

    def _end(self, rows: Rows, obj: JSON, *, orphan: bool = False) -> JSON:
        if not lifecycle.is_held(obj):
            return self._remove(rows, obj, orphan=orphan)
        if lifecycle.is_ending(obj):
            return obj
        return rows.put(lifecycle.ending(obj, self._now()), obj)

    def _remove(self, rows: Rows, obj: JSON, *, orphan: bool = False) -> JSON:
        removed = rows.remove(obj)
        uid = obj["metadata"]["uid"]
        for dependent in rows.dependents(uid):
            self._follow(rows, dependent, uid, orphan=orphan)
        if obj["kind"] == "Namespace":
            for inhabitant in rows.in_namespace(obj["metadata"]["name"]):
                # An earlier one may have taken it along.
                if rows.lives(inhabitant["metadata"]["uid"]):
                    self._end(rows, inhabitant)
        return removed

    def _follow(self, rows: Rows, seen: JSON, uid: str, *, orphan: bool) -> None:
        dependent = rows.read(*_key(seen))
        if dependent is None:
            return
        others = (owner.get("uid", "") for owner in lifecycle.owners(dependent))
        if orphan or any(rows.lives(other) for other in others):
            rows.put(lifecycle.disowned(dependent, uid), dependent)
        else:
            self._end(rows, dependent)

    def _born(self, obj: JSON) -> JSON:
        return lifecycle.born(obj, uid=str(uuid.uuid4()), now=self._now())

    def _now(self) -> str:
        return lifecycle.timestamp(self._clock())


def _placed(obj: JSON) -> JSON:
    if obj["kind"] in CLUSTER_SCOPED:
        return obj
    return obj | {"metadata": obj["metadata"] | {"namespace": obj["metadata"].get("namespace") or "default"}}


def _key(obj: JSON) -> tuple[str, str, str]:
    return obj["kind"], obj["metadata"].get("namespace") or "", obj["metadata"]["name"]


def _namespace(name: str) -> JSON:
    labels = {"kubernetes.io/metadata.name": name}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": name, "labels": labels},
        "status": {"phase": "Active"},
    }


def _present(rows: Rows, kind: str, namespace: str, name: str) -> JSON:
    found = rows.read(kind, namespace, name)
    if found is None:
        raise NotFoundError(kind, namespace, name)
    return found


def _check(old: JSON, uid: str, resource_version: str) -> None:
    metadata = old["metadata"]
    if uid and uid != metadata["uid"]:
        raise ConflictError(*_key(old), f"uid is {metadata['uid']}, not {uid}: another object of that name")
    if resource_version and resource_version != metadata["resourceVersion"]:
        raise ConflictError(*_key(old), f"resourceVersion is {metadata['resourceVersion']}, not {resource_version}")
