"""The SQLite file under the store: one connection, one lock, migrations, transactions, and SQLite's errors translated.

``synchronous=FULL``: the log is synced before a commit returns, so what was acknowledged outlives not only ``kill -9``
(for which ``NORMAL`` would do) but the machine's own crash. It costs a fraction of a millisecond on an SSD, and the
plane writes a few times a second.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sluicegate.serving.local.errors import StorageError

MIGRATIONS = (
    """
    CREATE TABLE objects (
        kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, uid TEXT NOT NULL, version INTEGER NOT NULL,
        body BLOB NOT NULL, PRIMARY KEY (kind, namespace, name));
    CREATE INDEX objects_by_uid ON objects (uid);
    CREATE TABLE changes (
        version INTEGER PRIMARY KEY, type TEXT NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL, labels_before BLOB);
    CREATE INDEX changes_by_kind ON changes (kind, version);
    CREATE TABLE counter (version INTEGER NOT NULL, forgotten INTEGER NOT NULL);
    INSERT INTO counter VALUES (1, 0);
    """,
)
"""Script n brings a file from schema version n to n + 1. Never edit one that was released: append."""


class Database:
    """One SQLite file, opened, migrated and guarded by a lock, so that any thread may use it.

    ``max_bytes`` bounds the file. Raises StorageError, naming the file and the remedy.
    """

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        self.path = path
        self._lock = threading.RLock()
        with self._translated():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10.0)
            try:
                self._set_up(max_bytes)
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        """Close the file. Twice is fine."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, nobody else writing meanwhile."""
        with self._lock, self._translated():
            yield self._connection

    @contextmanager
    def writing(self, *, keep: bool = True) -> Iterator[sqlite3.Connection]:
        """A transaction: committed at the end; rolled back on an error, or when ``keep`` is false."""
        with self._lock, self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT" if keep else "ROLLBACK")
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    def _set_up(self, max_bytes: int) -> None:
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        (page,) = self._connection.execute("PRAGMA page_size").fetchone()
        self._connection.execute(f"PRAGMA max_page_count={max(1, max_bytes // page)}")
        self._migrate()

    def _migrate(self) -> None:
        (found,) = self._connection.execute("PRAGMA user_version").fetchone()
        if found > len(MIGRATIONS):
            raise StorageError(
                self.path,
                f"written by a newer release (schema {found}, this one knows {len(MIGRATIONS)})",
                "upgrade sluicegate, or choose another --home",
            )
        for number, script in enumerate(MIGRATIONS[found:], start=found + 1):
            self._connection.executescript(f"BEGIN IMMEDIATE;{script};PRAGMA user_version={number};COMMIT;")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(self.path, str(error), _remedy(str(error))) from error
        except OSError as error:
            raise StorageError(self.path, error.strerror or str(error), "choose a --home that you may write") from error


def _remedy(message: str) -> str:
    if "full" in message:
        return "nothing was written; free some space on that disk and retry"
    if "not a database" in message or "malformed" in message:
        return "the file is not a store of sluicegate; move it away or choose another --home"
    if "locked" in message:
        return "another process holds it; stop the other plane, or choose another --home"
    return "nothing was written; check the disk and that the file is writable"
