"""Evidence of rollouts, kept for whoever drives them: one document a rollout, as it was written last.

Retention does not touch it: it is what is asked for a year later. All functions run on the database thread.
"""

import sqlite3

from sluicegate.monitoring.collector.errors import UnknownEvidenceError


def keep(connection: sqlite3.Connection, namespace: str, rollout: str, at: float, body: bytes) -> None:
    """Keep ``body`` in place of what was kept before."""
    connection.execute("INSERT OR REPLACE INTO evidence VALUES (?, ?, ?, ?)", (namespace, rollout, at, body))


def find(connection: sqlite3.Connection, namespace: str, rollout: str) -> bytes:
    """What was kept last. Raises UnknownEvidenceError."""
    row = connection.execute(
        "SELECT body FROM evidence WHERE namespace = ? AND rollout = ?", (namespace, rollout)
    ).fetchone()
    if row is None:
        raise UnknownEvidenceError(f"no evidence is kept of rollout {rollout!r} in namespace {namespace!r}")
    return bytes(row[0])
