"""One thread that owns the database: everything that is read or written passes through it, in order of arrival.

What waits is done in one transaction and committed together; a caller hears of success only after the commit. So what
the collector acknowledged survives its ``kill -9``, and whoever asks for a series sees all that was written before: no
second changes after it was told. A piece of work that fails is undone alone.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sluicegate.monitoring.collector.errors import OverloadedError, StorageError
from sluicegate.monitoring.collector.schema import PRAGMAS, SCHEMA, SCHEMA_VERSION

T = TypeVar("T")
MOST_TOGETHER = 64


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[sqlite3.Connection], Any]
    result: Future[Any]


def open_database(path: Path) -> sqlite3.Connection:
    """The database at ``path``, made if missing.

    Raises:
        StorageError: it cannot be opened, or was written by a newer version.

    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
        for pragma in PRAGMAS:
            connection.execute(pragma)
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA_VERSION:
            raise StorageError(f"{path}: schema version {version}; this collector knows {SCHEMA_VERSION}: upgrade it")
        connection.executescript(SCHEMA)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    except (sqlite3.Error, OSError) as error:
        raise StorageError(
            f"{path}: {error}; give --data a directory that can be written and that no other collector uses"
        ) from error
    return connection


class Database:
    """The thread. ``call`` from the event loop; ``close`` finishes what waits."""

    def __init__(self, connection: sqlite3.Connection, most_waiting: int) -> None:
        self._connection = connection
        self._waiting: queue.Queue[_Job | None] = queue.Queue()
        self._most_waiting = most_waiting
        self._thread = threading.Thread(target=self._run, name="database", daemon=True)
        self._thread.start()

    async def call(self, work: Callable[[sqlite3.Connection], T], *, refuse_when_busy: bool = False) -> T:
        """Do ``work`` on the database thread and wait for its commit.

        Raises:
            OverloadedError: ``refuse_when_busy`` and too much waits already.
            StorageError: the database refuses (a full disk, say); nothing of the work was kept.

        """
        if refuse_when_busy and self._waiting.qsize() >= self._most_waiting:
            raise OverloadedError(f"{self._most_waiting} posts wait for the disk; send this one again later")
        job = _Job(work, Future())
        self._waiting.put(job)
        done: T = await asyncio.wrap_future(job.result)
        return done

    def close(self) -> None:
        """Finish what waits, then close the file."""
        self._waiting.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while (first := self._waiting.get()) is not None:
            jobs, last = self._gather(first)
            self._transact(jobs)
            if last:
                return

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        jobs = [first]
        while len(jobs) < MOST_TOGETHER:
            try:
                job = self._waiting.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return jobs, True
            jobs.append(job)
        return jobs, False

    def _transact(self, jobs: list[_Job]) -> None:
        outcomes: list[tuple[_Job, Any, BaseException | None]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._attempt(job) for job in jobs]
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._abandon()
            outcomes = [(job, None, _refusal(error)) for job in jobs]
        for job, value, failure in outcomes:
            _settle(job.result, value, failure)

    def _attempt(self, job: _Job) -> tuple[_Job, Any, BaseException | None]:
        self._connection.execute("SAVEPOINT job")
        try:
            value = job.work(self._connection)
        except Exception as failure:
            # The failure is the caller's and goes to the caller.
            if not self._connection.in_transaction:
                # SQLite gave the whole transaction up (a full disk): none of these jobs is kept.
                raise
            self._connection.execute("ROLLBACK TO job")
            self._connection.execute("RELEASE job")
            return job, None, _refusal(failure) if isinstance(failure, sqlite3.Error) else failure
        self._connection.execute("RELEASE job")
        return job, value, None

    def _abandon(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _refusal(error: sqlite3.Error) -> StorageError:
    return StorageError(f"the database refuses: {error}; see that its disk has room and can be written")


def _settle(result: Future[Any], value: Any, failure: BaseException | None) -> None:
    if not result.set_running_or_notify_cancel():
        return
    if failure is None:
        result.set_result(value)
    else:
        result.set_exception(failure)
