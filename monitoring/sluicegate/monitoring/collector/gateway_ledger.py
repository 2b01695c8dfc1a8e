"""The gateway's side of the evidence: increments by second, and a sentence for each time they could not be had.

All functions run on the database thread.
"""

import sqlite3
from datetime import UTC, datetime

import msgspec

from sluicegate.monitoring.collector.ledger import add_totals, deployment_id
from sluicegate.monitoring.collector.sampling import increments, read_cluster_name
from sluicegate.monitoring.sources.gateway import ClusterCounts, GatewaySample

# A pause shorter than this between two lives of the collector, or two looks, is within one look's turn.
NO_GAP_SECONDS = 2.5


def record_sample(connection: sqlite3.Connection, at: float, sample: GatewaySample) -> None:
    """Count what is new since the last look under the second of ``at``."""
    row = connection.execute("SELECT body, at FROM gateway_sample").fetchone()
    previous = None if row is None else msgspec.msgpack.decode(row[0], type=GatewaySample)
    new = increments(previous, sample, at - row[1] if row else 0.0)
    for name, counts in new.clusters.items():
        _count(connection, name, int(at), counts)
    if new.restarted or new.resets:
        what = "the gateway restarted" if new.restarted else f"counters of {', '.join(new.resets)} began anew"
        _add_gap(connection, "reset", row[1], at, what)
    connection.execute("INSERT OR REPLACE INTO gateway_sample VALUES (1, ?, ?)", (at, msgspec.msgpack.encode(sample)))


def record_failure(connection: sqlite3.Connection, at: float, reason: str) -> None:
    """Remember that the gateway could not be read at ``at``; looks that fail one after the other are one gap."""
    row = connection.execute("SELECT id, until FROM gaps WHERE kind = 'gateway' ORDER BY id DESC LIMIT 1").fetchone()
    last = connection.execute("SELECT at FROM gateway_sample").fetchone()
    last_good = 0.0 if last is None else float(last[0])
    if row is not None and row[1] >= last_good and at - row[1] <= NO_GAP_SECONDS * 2:
        connection.execute("UPDATE gaps SET until = ?, reason = ? WHERE id = ?", (at, reason[:300], row[0]))
    else:
        _add_gap(connection, "gateway", last_good or at, at, reason)


def record_start(connection: sqlite3.Connection, at: float) -> None:
    """Remember how long nobody was here to record."""
    row = connection.execute("SELECT MAX(at) FROM alive").fetchone()
    last = float(row[0] or 0.0)
    if at - last > NO_GAP_SECONDS:
        _add_gap(connection, "collector", last, at, "")
    record_alive(connection, at)


def record_alive(connection: sqlite3.Connection, at: float) -> None:
    """Remember that the collector is here."""
    connection.execute("INSERT OR REPLACE INTO alive VALUES (1, ?)", (at,))


def last_alive(connection: sqlite3.Connection) -> float:
    """When the collector was last seen here; 0 if never."""
    return float(connection.execute("SELECT MAX(at) FROM alive").fetchone()[0] or 0.0)


def gaps(connection: sqlite3.Connection, start: float) -> tuple[str, ...]:
    """A sentence for each gap that reaches past ``start``, oldest first."""
    rows = connection.execute(
        "SELECT kind, since, until, reason FROM gaps WHERE until >= ? ORDER BY since LIMIT 100", (start,)
    )
    return tuple(_sentence(*row) for row in rows)


def _count(connection: sqlite3.Connection, name: str, at: int, counts: ClusterCounts) -> None:
    cluster = read_cluster_name(name)
    slower = [(bound, count) for bound, count in counts.slower if count]
    if cluster is None or not (counts.requests or counts.errors or slower):
        return
    deployment = deployment_id(connection, cluster.namespace, cluster.deployment)
    key = (deployment, cluster.predictor, int(cluster.mirror), at)
    row = connection.execute(
        "SELECT requests, errors, slower FROM gateway_seconds"
        " WHERE deployment = ? AND predictor = ? AND mirror = ? AND at = ?",
        key,
    ).fetchone()
    requests, errors = counts.requests + (row[0] if row else 0), counts.errors + (row[1] if row else 0)
    merged = _merge(msgspec.msgpack.decode(row[2]) if row else [], slower)
    connection.execute(
        "INSERT OR REPLACE INTO gateway_seconds VALUES (?, ?, ?, ?, ?, ?, ?)",
        (*key, requests, errors, msgspec.msgpack.encode(merged)),
    )
    kind = "gateway_mirrored" if cluster.mirror else "gateway_requests"
    failures = "gateway_mirrored_errors" if cluster.mirror else "gateway_errors"
    add_totals(
        connection,
        [
            (deployment, cluster.predictor, kind, counts.requests),
            (deployment, cluster.predictor, failures, counts.errors),
        ],
    )


def _merge(one: list[tuple[float, int]], other: list[tuple[float, int]]) -> list[tuple[float, int]]:
    sums = {float(bound): int(count) for bound, count in one}
    for bound, count in other:
        sums[bound] = sums.get(bound, 0) + count
    return sorted(sums.items())


def _add_gap(connection: sqlite3.Connection, kind: str, since: float, until: float, reason: str) -> None:
    connection.execute(
        "INSERT INTO gaps (kind, since, until, reason) VALUES (?, ?, ?, ?)", (kind, since, until, reason[:300])
    )


def _sentence(kind: str, since: float, until: float, reason: str) -> str:
    if kind == "collector":
        if since == 0:
            return f"Nothing is known from before {_moment(until)}: the collector started then for the first time."
        return f"The collector was not running from {_moment(since)} to {_moment(until)}."
    if kind == "reset":
        return f"Between {_moment(since)} and {_moment(until)} {reason}; requests just before that are not counted."
    return (
        f"The gateway's statistics could not be read from {_moment(since)} to {_moment(until)} ({reason});"
        " its requests of that time are counted at the next look that succeeded."
    )


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
