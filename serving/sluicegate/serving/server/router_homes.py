"""Where counts of routers that learn lie for all servers of a predictor: with a collector, or in a file.

``router_sharing`` asks them, on a thread of the pool. Both keep a report durably before they answer it, and answer with
what all other lives counted.
"""

import http.client
import sqlite3
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.router_counts import (
    KEEP,
    OTHERS,
    PATH,
    TABLE,
    Count,
    Report,
    counts_from,
    counts_of,
    rows_of,
)
from sluicegate.serving.server.errors import SettingsRefusedError

ANSWER_SECONDS = 2.0
_JSON = {"Content-Type": "application/json"}


class HomeError(Exception):
    """The home did not take a report; the message says why."""


class Home(Protocol):
    """A home of counts."""

    def exchange(self, report: Report) -> dict[str, dict[str, Count]]:
        """Keep a report; what all others counted, by unit. Raises HomeError."""


def home_of(place: str, deployment: str) -> Home | None:
    """The home that the setting ``router_home`` names; None for none. Raises SettingsRefusedError."""
    if not place:
        return None
    parts = urlsplit(place)
    if parts.scheme in ("http", "https"):
        if not parts.hostname:
            raise SettingsRefusedError(f"--router-home: found {place!r}; expected a URL with a host")
        if not deployment:
            raise SettingsRefusedError("--deployment: found none; expected a name, as the router's home keeps many")
        return CollectorHome(place)
    if parts.scheme not in ("", "file"):
        raise SettingsRefusedError(f"--router-home: found {place!r}; expected a collector's http URL, or a file")
    return FileHome(Path(parts.path if parts.scheme else place))


class CollectorHome:
    """A collector at ``url``."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._host, self._port = parts.hostname or "", parts.port
        self._path = parts.path.rstrip("/") + PATH
        self._connection: http.client.HTTPConnection | None = None

    def exchange(self, report: Report) -> dict[str, dict[str, Count]]:
        """As the port says."""
        body = msgspec.json.encode(report)
        # A connection that was closed while it was idle is no answer; what is sent twice counts once.
        for last in (self._connection is None, True):
            try:
                status, answer = self._posted(body)
                break
            except (OSError, ValueError, http.client.HTTPException) as error:
                self._connection = None
                if last:
                    raise HomeError(f"{self._host}:{self._port}: {type(error).__name__}: {error}") from error
        if status != 200:
            raise HomeError(f"{self._host}:{self._port}{self._path} answered {status}: {answer[:200]!r}")
        try:
            return counts_from(answer)
        except BadPayloadError as error:
            raise HomeError(f"{self._host}:{self._port}{self._path} answered no counts: {error}") from error

    def _posted(self, body: bytes) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = self._kind(self._host, self._port, timeout=ANSWER_SECONDS)
        self._connection.request("POST", self._path, body, _JSON)
        response = self._connection.getresponse()
        return response.status, response.read()


class FileHome:
    """A file on this machine, for one process or several."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def exchange(self, report: Report) -> dict[str, dict[str, Count]]:
        """As the port says."""
        try:
            connection = self._connection = self._connection or self._opened()
            with connection:
                connection.executemany(KEEP, rows_of(report))
            place = (report.namespace, report.deployment, report.predictor, report.incarnation)
            return counts_of(connection.execute(OTHERS, place))
        except (sqlite3.Error, OSError) as error:
            raise HomeError(f"{self._path}: {error}") from error

    def _opened(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=ANSWER_SECONDS, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(TABLE)
        return connection
