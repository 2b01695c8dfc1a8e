"""The clock, the database thread, the outbox, retention and the settings, each by itself."""

import asyncio
import sqlite3

import httpx
import pytest

from sluicegate.monitoring.collector import alerts
from sluicegate.monitoring.collector.__main__ import read_settings
from sluicegate.monitoring.collector.clock import Clock
from sluicegate.monitoring.collector.database import Database, open_database
from sluicegate.monitoring.collector.errors import OverloadedError, SettingsError, StorageError
from sluicegate.monitoring.collector.gateway_ledger import (
    gaps,
    record_alive,
    record_failure,
    record_sample,
    record_start,
)
from sluicegate.monitoring.collector.retention import forget
from sluicegate.monitoring.collector.schema import SCHEMA
from sluicegate.monitoring.collector.settings import Settings
from sluicegate.monitoring.sources.gateway import GatewaySample


@pytest.fixture
def connection():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.executescript(SCHEMA)
    yield connection
    connection.close()


def test_a_clock_that_is_set_back_goes_on():
    """Told time never falls, and does not stand still either."""
    wall, steady = iter([100.0, 101.0, 50.0, 51.0, 200.0]), iter([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    clock = Clock(lambda: next(wall), lambda: next(steady))

    assert [clock.now() for _ in range(5)] == [100.0, 101.0, 102.0, 103.0, 200.0]


def test_a_piece_of_work_that_fails_is_undone_alone(tmp_path):
    """What is committed together stays apart; the database's own refusal is a StorageError."""

    def broken(connection):
        connection.execute("INSERT INTO profiles VALUES ('b', 'x')")
        raise ValueError("mine")

    async def play():
        database = Database(open_database(tmp_path / "x.sqlite"), 10)
        outcomes = await asyncio.gather(
            database.call(lambda c: c.execute("INSERT INTO profiles VALUES ('a', 'x')").rowcount),
            database.call(broken),
            database.call(lambda c: c.execute("INSERT INTO nothing VALUES (1)")),
            return_exceptions=True,
        )
        kept = await database.call(lambda c: c.execute("SELECT digest FROM profiles").fetchall())
        database.close()
        return outcomes, kept

    (one, mine, refused), kept = asyncio.run(play())

    assert (one, str(mine), kept) == (1, "mine", [("a",)])
    assert isinstance(refused, StorageError)


def test_too_many_waiting_posts_are_refused(tmp_path):
    """Memory stays bounded; the sender is told to come again."""

    async def play():
        database = Database(open_database(tmp_path / "x.sqlite"), 0)
        try:
            await database.call(lambda _: None, refuse_when_busy=True)
        finally:
            database.close()

    with pytest.raises(OverloadedError, match="later"):
        asyncio.run(play())


def test_looks_that_fail_in_a_row_are_one_gap(connection):
    """From the last look that succeeded to the last that failed."""
    record_start(connection, 1000.0)
    record_sample(connection, 1001.0, GatewaySample())
    for at in (1002.0, 1003.0, 1004.0):
        record_failure(connection, at, "nobody answers")
    record_sample(connection, 1005.0, GatewaySample())
    record_failure(connection, 1006.0, "again")
    record_alive(connection, 1006.0)
    record_start(connection, 1100.0)

    first, one, two, life = gaps(connection, 1000.0)

    assert "first time" in first
    assert "from 1970-01-01T00:16:41Z to 1970-01-01T00:16:44Z (nobody answers)" in one
    assert "(again)" in two
    assert "not running" in life


@pytest.mark.parametrize(
    ("status", "finished"),
    [(200, True), (202, True), (400, True), (404, True), (429, False), (500, False), (None, False)],
)
def test_an_alert_is_tried_until_it_is_taken_or_refused(status, finished):
    """4xx is a receiver that understood; everything else is tried again."""

    def receive(request: httpx.Request) -> httpx.Response:
        if status is None:
            raise httpx.ConnectError("nobody", request=request)
        return httpx.Response(status)

    async def play() -> bool:
        async with httpx.AsyncClient(transport=httpx.MockTransport(receive)) as client:
            return await alerts.send(client, alerts.Alert(id=1, url="http://x/y", body=b"{}", attempts=0))

    assert asyncio.run(play()) is finished


def test_an_alert_that_failed_is_due_later(connection):
    """After 1, 2, 4 … seconds; a finished one is gone."""
    alerts.put(connection, ("http://x",), b"{}", 100.0)
    (alert,) = alerts.due(connection, 100.0)
    alerts.settle(connection, alert, 100.0, finished=False)
    assert alerts.due(connection, 100.9) == ()
    (again,) = alerts.due(connection, 101.0)
    alerts.settle(connection, again, 101.0, finished=False)
    assert alerts.due(connection, 102.9) == ()
    (last,) = alerts.due(connection, 103.0)

    alerts.settle(connection, last, 103.0, finished=True)

    assert alerts.due(connection, 1e9) == ()


def test_retention_keeps_the_newest(connection):
    """By number for the log, by number and age for facts, by age for seconds."""
    for index in range(10):
        connection.execute("INSERT INTO log VALUES (NULL, ?, 1, 'p', 't', 0, 'x')", (str(index),))
        connection.execute("INSERT INTO facts VALUES (NULL, 1, ?, ?, 'x')", (str(index), index * 3600.0))
        connection.execute("INSERT INTO pair_seconds VALUES (1, 'a', 'b', ?, 1, 0, 0, 0, 0)", (index * 3600,))

    forget(connection, Settings(log_rows=4, facts_rows=8, label_hours=5.0, retention_hours=3.0), 9 * 3600.0)

    def left(query: str) -> list[str]:
        return [row[0] for row in connection.execute(query)]

    assert left("SELECT event FROM log") == ["6", "7", "8", "9"]
    assert left("SELECT request FROM facts") == ["4", "5", "6", "7", "8", "9"]
    assert left("SELECT at / 3600 FROM pair_seconds") == [6, 7, 8, 9]


def test_settings_come_from_options_then_from_the_environment():
    """An option wins; lists may be repeated or separated by commas."""
    environment = {"SLUICEGATE_COLLECTOR_PORT": "1", "SLUICEGATE_COLLECTOR_ALERT_URL": "http://a, http://b"}

    settings = read_settings(["--port", "2", "--data", "/x"], environment)

    assert (settings.port, str(settings.data), settings.alert_url) == (2, "/x", ("http://a", "http://b"))
    assert read_settings(["--alert-url", "c", "--alert-url", "d"], {}).alert_url == ("c", "d")
    with pytest.raises(SettingsError, match="--log-rows: found 'x'; expected int"):
        read_settings(["--log-rows", "x"], {})
    with pytest.raises(SettingsError, match="expected more than 0"):
        read_settings(["--label-hours", "-1"], {})


def test_requests_are_counted_by_envoys_or_by_servers_and_never_twice() -> None:
    """An empty name in the environment takes a default of the manifests away."""
    servers = {"SLUICEGATE_COLLECTOR_SERVERS": "http://operator/servers"}

    assert read_settings([], servers | {"SLUICEGATE_COLLECTOR_ENVOY_ADMIN": ""}).samples
    with pytest.raises(SettingsError, match="count twice"):
        read_settings([], servers | {"SLUICEGATE_COLLECTOR_ENVOY_ADMIN": "http://envoy"})
