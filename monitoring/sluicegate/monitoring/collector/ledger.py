"""Reads and writes that more than one part of the collector makes: deployments, totals, counts by second.

Every function takes the connection, and runs on the database thread inside its transaction.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from sluicegate.monitoring.quality.joining import PairCounts

_ADD_COUNTS = """ ON CONFLICT DO UPDATE SET
  count = count + excluded.count, flips = flips + excluded.flips, labelled = labelled + excluded.labelled,
  only_first_wrong = only_first_wrong + excluded.only_first_wrong,
  only_second_wrong = only_second_wrong + excluded.only_second_wrong"""
_ADD_PAIR_SECOND = "INSERT INTO pair_seconds VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)" + _ADD_COUNTS  # noqa: S608 - literals
_ADD_PAIR_TOTAL = "INSERT INTO pair_totals VALUES (?, ?, ?, ?, ?, ?, ?, ?)" + _ADD_COUNTS  # noqa: S608 - literals


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment of which something was seen."""

    id: int
    namespace: str
    name: str


def deployment_id(connection: sqlite3.Connection, namespace: str, name: str) -> int:
    """The number under which the deployment is kept; made if it is new."""
    found = find_deployment(connection, namespace, name)
    if found is not None:
        return found
    cursor = connection.execute("INSERT INTO deployments (namespace, name) VALUES (?, ?)", (namespace, name))
    return int(cursor.lastrowid or 0)


def find_deployment(connection: sqlite3.Connection, namespace: str, name: str) -> int | None:
    """The number under which the deployment is kept, or None."""
    row = connection.execute(
        "SELECT id FROM deployments WHERE namespace = ? AND name = ?", (namespace, name)
    ).fetchone()
    return None if row is None else int(row[0])


def deployments(connection: sqlite3.Connection) -> tuple[Deployment, ...]:
    """All of them, by namespace and name."""
    rows = connection.execute("SELECT id, namespace, name FROM deployments ORDER BY namespace, name")
    return tuple(Deployment(id=row[0], namespace=row[1], name=row[2]) for row in rows)


def add_totals(connection: sqlite3.Connection, increments: Iterable[tuple[int, str, str, int]]) -> None:
    """Add (deployment, predictor, name, how many) to what was counted since ever."""
    connection.executemany(
        "INSERT INTO totals VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value", increments
    )


def totals(connection: sqlite3.Connection, deployment: int) -> dict[str, dict[str, int]]:
    """Counts since ever by predictor and name."""
    found: dict[str, dict[str, int]] = {}
    rows = connection.execute("SELECT predictor, name, value FROM totals WHERE deployment = ?", (deployment,))
    for predictor, name, value in rows:
        found.setdefault(predictor, {})[name] = value
    return found


def add_pairs(
    connection: sqlite3.Connection, deployment: int, predictors: tuple[str, str], at: int, counts: PairCounts
) -> None:
    """Add to the second ``at`` and to the total of two predictors."""
    connection.execute(_ADD_PAIR_SECOND, (deployment, *predictors, at, *counts))
    connection.execute(_ADD_PAIR_TOTAL, (deployment, *predictors, *counts))


def pair_totals(connection: sqlite3.Connection, deployment: int) -> dict[tuple[str, str], PairCounts]:
    """Counts since ever by two predictors."""
    rows = connection.execute("SELECT * FROM pair_totals WHERE deployment = ?", (deployment,))
    return {(row[1], row[2]): PairCounts(*row[3:]) for row in rows}
