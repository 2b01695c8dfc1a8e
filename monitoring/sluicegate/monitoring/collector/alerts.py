"""Alarms on their way out: an outbox in the database, POSTed as CloudEvents until taken or refused.

A CloudEvent's id is its episode's, so a receiver that got it twice (its answer was lost) can tell. What is not taken is
tried again after 1, 2, 4 … 300 seconds for a day; a receiver that answers 4xx has understood and does not want it.
"""

import asyncio
import logging
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import msgspec

from sluicegate.monitoring.collector.drift_watch import Alarm

TYPE = "dev.sluicegate.drift.detected"
LONGEST_PAUSE_SECONDS = 300.0
MOST_ATTEMPTS = 300
TIMEOUT_SECONDS = 5.0
LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One CloudEvent for one receiver."""

    id: int
    url: str
    body: bytes
    attempts: int


def write_event(alarm: Alarm, namespace: str, deployment: str, at: float) -> bytes:
    """The alarm as a structured CloudEvent."""
    predictor = alarm.key.predictor
    return msgspec.json.encode(
        {
            "specversion": "1.0",
            "type": TYPE,
            "source": f"sluicegate/collector/{namespace}/{deployment}/{predictor}",
            "id": f"{namespace}/{deployment}/{predictor}/{alarm.since:.3f}",
            "time": _moment(at),
            "datacontenttype": "application/json",
            "data": {
                "namespace": namespace,
                "deployment": deployment,
                "predictor": predictor,
                "model": alarm.model,
                "version": alarm.version,
                "features": alarm.features,
                "since": _moment(alarm.since),
            },
        }
    )


def put(connection: sqlite3.Connection, urls: tuple[str, ...], body: bytes, at: float) -> None:
    """Lay the event out for each receiver."""
    connection.executemany(
        "INSERT INTO alerts (url, body, due, attempts) VALUES (?, ?, ?, 0)", [(url, body, at) for url in urls]
    )


def due(connection: sqlite3.Connection, at: float) -> tuple[Alert, ...]:
    """What is to be sent now."""
    rows = connection.execute("SELECT id, url, body, attempts FROM alerts WHERE due <= ? ORDER BY due LIMIT 20", (at,))
    return tuple(Alert(id=row[0], url=row[1], body=row[2], attempts=row[3]) for row in rows)


def settle(connection: sqlite3.Connection, alert: Alert, at: float, *, finished: bool) -> None:
    """Take a finished alert out of the box; put another attempt off."""
    if finished or alert.attempts + 1 >= MOST_ATTEMPTS:
        connection.execute("DELETE FROM alerts WHERE id = ?", (alert.id,))
        return
    pause = min(2.0**alert.attempts, LONGEST_PAUSE_SECONDS)
    connection.execute("UPDATE alerts SET attempts = attempts + 1, due = ? WHERE id = ?", (at + pause, alert.id))


async def send(client: httpx.AsyncClient, alert: Alert) -> bool:
    """POST it; whether that was the end of it."""
    headers = {"content-type": "application/cloudevents+json"}
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            answer = await client.post(alert.url, content=alert.body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        LOG.warning("alert to %s failed: %s; it is tried again", alert.url, error or type(error).__name__)
        return False
    if 400 <= answer.status_code < 500 and answer.status_code not in (408, 425, 429):
        LOG.warning("alert to %s was refused with status %d; it is dropped", alert.url, answer.status_code)
        return True
    return answer.is_success


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
