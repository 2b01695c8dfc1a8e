"""What is forgotten, and when. Runs on the database thread every few seconds, a little at a time."""

import sqlite3

from sluicegate.monitoring.collector.settings import Settings

# So that no single turn keeps posts waiting.
MOST_AT_ONCE = 20_000


def forget(connection: sqlite3.Connection, settings: Settings, now: float) -> None:
    """Delete what is beyond the settings' bounds."""
    for table, rows in (("log", settings.log_rows), ("facts", settings.facts_rows)):
        newest = connection.execute(f"SELECT MAX(sequence) FROM {table}").fetchone()[0] or 0  # noqa: S608 - two literals
        _forget(connection, table, newest - rows)
    connection.execute(
        "DELETE FROM facts WHERE sequence <= (SELECT MAX(sequence) FROM"
        " (SELECT sequence, at FROM facts ORDER BY sequence LIMIT ?) WHERE at < ?)",
        (MOST_AT_ONCE, now - settings.label_hours * 3600),
    )
    oldest = now - settings.retention_hours * 3600
    for table in ("pair_seconds", "gateway_seconds"):
        connection.execute(f"DELETE FROM {table} WHERE at < ?", (int(oldest),))  # noqa: S608 - two literals
    connection.execute("DELETE FROM gaps WHERE until < ?", (oldest,))


def _forget(connection: sqlite3.Connection, table: str, up_to: int) -> None:
    oldest = connection.execute(f"SELECT MIN(sequence) FROM {table}").fetchone()[0] or 0  # noqa: S608 - a literal
    connection.execute(f"DELETE FROM {table} WHERE sequence <= ?", (min(up_to, oldest + MOST_AT_ONCE),))  # noqa: S608
