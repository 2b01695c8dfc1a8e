"""Follows every predictor that announced a profile: rows and scores in, newest drift scores and alarms out.

A predictor's detector sees all that it answered, copies included: a candidate is judged before users see it. An alarm
goes out only for the predictor that answers most users, because its remedy is retraining; a candidate's drift is the
rollout's matter. One episode of drift is one alarm, also across a restart: open episodes are in the database, windows
are not and fill anew. All of it lives on the database thread.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sluicegate.monitoring.collector.models import ModelReady, PredictorKey, known_models
from sluicegate.monitoring.collector.rows import Rows

CALM_SECONDS = 60.0
"""An episode has ended when no feature was in alarm for this long."""
USERS_FADE = 0.98
"""Answers to users count for about a minute: this share of them is left after a second."""


class DriftDetector(Protocol):
    """Compares what it sees with one reference profile. ``drift.detector.Detector`` is one."""

    @property
    def scores(self) -> dict[str, float]:
        """Newest score by feature in units of its own threshold; empty before a window is full."""

    @property
    def alarms(self) -> dict[str, float]:
        """Features that were above their threshold for so long that it is no chance."""

    def add(self, columns: Mapping[str, Any], scores: Any = None) -> object:
        """See rows by column, and their scores."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A predictor that answers users and has drifted, told once."""

    key: PredictorKey
    model: str
    version: str
    features: dict[str, float]
    since: float


@dataclass(slots=True)
class _Watch:
    model: ModelReady
    detector: DriftDetector
    rows: Rows = field(default_factory=Rows)


class DriftWatch:
    """The detectors of all predictors."""

    def __init__(self, make_detector: Callable[[bytes], DriftDetector | None]) -> None:
        self._make_detector = make_detector
        self._watches: dict[PredictorKey, _Watch] = {}
        self._users: defaultdict[PredictorKey, float] = defaultdict(float)

    def restore(self, connection: sqlite3.Connection) -> None:
        """Follow again what was announced before a restart."""
        for key, model in known_models(connection).items():
            self.model_ready(key, model)

    def model_ready(self, key: PredictorKey, model: ModelReady) -> None:
        """Follow the predictor; a further replica of the same bundle changes nothing."""
        watch = self._watches.get(key)
        if watch is not None and watch.model.digest == model.digest:
            return
        self._watches.pop(key, None)
        detector = self._make_detector(model.profile) if model.profile else None
        if detector is not None:
            self._watches[key] = _Watch(model, detector)

    def see_request(self, key: PredictorKey, request: str, columns: dict[str, list[Any]]) -> None:
        """Rows of a request, by column."""
        if key in self._watches:
            self._watches[key].rows.request(request, columns)

    def see_answer(self, key: PredictorKey, request: str, scores: list[float], *, shadow: bool) -> None:
        """Scores of an answer, one a row; none of a failed one."""
        if not shadow:
            self._users[key] += 1
        if key in self._watches:
            self._watches[key].rows.answer(request, scores)

    def scores(self, deployment: int) -> dict[str, dict[str, float]]:
        """Newest scores of each predictor that announced a profile; empty before a window is full."""
        return {key.predictor: watch.detector.scores for key, watch in self._of(deployment)}

    def alarms(self, deployment: int) -> dict[str, dict[str, float]]:
        """Features in alarm, with their scores, of the same predictors."""
        return {key.predictor: watch.detector.alarms for key, watch in self._of(deployment)}

    def turn(self, connection: sqlite3.Connection, at: float) -> tuple[Alarm, ...]:
        """Let every detector see what waits; once a second. Alarms are returned once, whatever happens to them."""
        alarms = [
            alarm for key, watch in self._watches.items() if (alarm := self._turn_one(connection, key, watch, at))
        ]
        for key in self._users:
            self._users[key] *= USERS_FADE
        return tuple(alarms)

    def _turn_one(self, connection: sqlite3.Connection, key: PredictorKey, watch: _Watch, at: float) -> Alarm | None:
        columns, scores = watch.rows.take()
        if scores:
            watch.detector.add(columns, scores)
        drifted = watch.detector.alarms
        row = connection.execute(
            "SELECT id, since, last, alerted FROM episodes"
            " WHERE deployment = ? AND predictor = ? AND digest = ? AND ended IS NULL",
            (*key, watch.model.digest),
        ).fetchone()
        if not drifted:
            if row is not None and watch.detector.scores and at - row[2] > CALM_SECONDS:
                connection.execute("UPDATE episodes SET ended = ? WHERE id = ?", (at, row[0]))
            return None
        episode, since, alerted = (row[0], row[1], row[3]) if row else (_begin(connection, key, watch, at), at, 0)
        alarm = not alerted and self._answers_most_users(key)
        connection.execute(
            "UPDATE episodes SET last = ?, alerted = ? WHERE id = ?", (at, int(alerted or alarm), episode)
        )
        model = watch.model
        return (
            Alarm(key=key, model=model.model, version=model.version, features=drifted, since=since) if alarm else None
        )

    def _of(self, deployment: int) -> list[tuple[PredictorKey, _Watch]]:
        return [(key, watch) for key, watch in self._watches.items() if key.deployment == deployment]

    def _answers_most_users(self, key: PredictorKey) -> bool:
        mine = self._users[key]
        return mine > 0.5 and all(
            count <= mine for other, count in self._users.items() if other.deployment == key.deployment
        )


def episode_counts(connection: sqlite3.Connection) -> dict[PredictorKey, int]:
    """How many episodes each predictor has had."""
    rows = connection.execute("SELECT deployment, predictor, COUNT(*) FROM episodes GROUP BY deployment, predictor")
    return {PredictorKey(row[0], row[1]): row[2] for row in rows}


def _begin(connection: sqlite3.Connection, key: PredictorKey, watch: _Watch, at: float) -> int:
    cursor = connection.execute(
        "INSERT INTO episodes (deployment, predictor, digest, since, last) VALUES (?, ?, ?, ?, ?)",
        (*key, watch.model.digest, at, at),
    )
    return int(cursor.lastrowid or 0)
