"""The store's statements: objects, their changes and the counter, within a transaction that the store opened."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import msgspec

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local import lifecycle

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One write: what happened, to which object, and which labels it wore before (None: it did not exist)."""

    version: int
    type: ChangeType
    object: JSON
    labels_before: dict[str, str] | None


class Rows:
    """Reads and writes rows; knows nothing of rules but one: each write gets the next version and leaves a change."""

    def __init__(self, connection: sqlite3.Connection, *, history: int = 0) -> None:
        self._connection, self._history = connection, history

    def version(self) -> int:
        """The newest version given out."""
        (version,) = self._connection.execute("SELECT version FROM counter").fetchone()
        return int(version)

    def forgotten(self) -> int:
        """The newest version whose change is no longer kept."""
        (version,) = self._connection.execute("SELECT forgotten FROM counter").fetchone()
        return int(version)

    def read(self, kind: str, namespace: str, name: str) -> JSON | None:
        """One object."""
        statement = "SELECT body FROM objects WHERE kind=? AND namespace=? AND name=?"
        return next(self._objects(statement, kind, namespace, name), None)

    def read_all(self, kind: str, namespace: str | None) -> list[JSON]:
        """All objects of a kind, by namespace and name."""
        statement = "SELECT body FROM objects WHERE kind=? AND (? IS NULL OR namespace=?) ORDER BY namespace, name"
        return list(self._objects(statement, kind, namespace, namespace))

    def in_namespace(self, namespace: str) -> list[JSON]:
        """All objects of a namespace, of any kind."""
        return list(self._objects("SELECT body FROM objects WHERE namespace=?", namespace))

    def dependents(self, uid: str) -> list[JSON]:
        """Objects that name ``uid`` as an owner."""
        found = self._objects("SELECT body FROM objects WHERE instr(body, ?) > 0", f'"uid":"{uid}"'.encode())
        return [obj for obj in found if any(owner.get("uid") == uid for owner in lifecycle.owners(obj))]

    def lives(self, uid: str) -> bool:
        """Whether an object with this uid exists."""
        return self._connection.execute("SELECT 1 FROM objects WHERE uid=?", (uid,)).fetchone() is not None

    def surplus(self, kind: str, kept: int) -> list[JSON]:
        """All but the ``kept`` most recently written objects of a kind."""
        statement = "SELECT body FROM objects WHERE kind=? ORDER BY version DESC LIMIT -1 OFFSET ?"
        return list(self._objects(statement, kind, kept))

    def changes(self, kind: str, since: int, limit: int) -> list[Change]:
        """The first ``limit`` changes of a kind after ``since``, in order."""
        statement = "SELECT version, type, body, labels_before FROM changes WHERE kind=? AND version>?"
        found = self._connection.execute(f"{statement} ORDER BY version LIMIT ?", (kind, since, limit))
        return [
            Change(
                version=version,
                type=type_,
                object=msgspec.json.decode(body),
                labels_before=None if labels is None else msgspec.json.decode(labels),
            )
            for version, type_, body, labels in found
        ]

    def put(self, obj: JSON, before: JSON | None) -> JSON:
        """Write an object at the next version; returns it so stamped."""
        stamped = lifecycle.stamped(obj, self._advance())
        metadata, body = stamped["metadata"], msgspec.json.encode(stamped)
        self._connection.execute(
            "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)",
            (*_key(stamped), metadata["uid"], int(metadata["resourceVersion"]), body),
        )
        self._record("ADDED" if before is None else "MODIFIED", stamped, before)
        return stamped

    def remove(self, obj: JSON) -> JSON:
        """Remove an object; returns it as it was last, at the version of its removal."""
        stamped = lifecycle.stamped(obj, self._advance())
        self._connection.execute("DELETE FROM objects WHERE kind=? AND namespace=? AND name=?", _key(obj))
        self._record("DELETED", stamped, obj)
        return stamped

    def _advance(self) -> int:
        self._connection.execute("UPDATE counter SET version=version+1")
        return self.version()

    def _record(self, type_: ChangeType, obj: JSON, before: JSON | None) -> None:
        version = int(obj["metadata"]["resourceVersion"])
        labels = None if before is None else msgspec.json.encode(before["metadata"].get("labels") or {})
        self._connection.execute(
            "INSERT INTO changes VALUES (?, ?, ?, ?, ?)",
            (version, type_, obj["kind"], msgspec.json.encode(obj), labels),
        )
        if version - self._history > self.forgotten():
            self._connection.execute("DELETE FROM changes WHERE version<=?", (version - self._history,))
            self._connection.execute("UPDATE counter SET forgotten=?", (version - self._history,))

    def _objects(self, statement: str, *values: object) -> Iterator[JSON]:
        for (body,) in self._connection.execute(statement, values):
            yield msgspec.json.decode(body)


def _key(obj: JSON) -> tuple[str, str, str]:
    return obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"]
