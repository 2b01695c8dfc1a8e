"""Drift is told once an episode, of the predictor that answers users; rows reach the detector whole."""

import sqlite3
from math import isnan

import pytest

from sluicegate.monitoring.collector.drift_watch import DriftWatch
from sluicegate.monitoring.collector.models import ModelReady, PredictorKey, keep_model
from sluicegate.monitoring.collector.rows import Rows
from sluicegate.monitoring.collector.schema import SCHEMA

OLD, NEW = PredictorKey(1, "old"), PredictorKey(1, "new")
MODEL = ModelReady(model="flights", version="2", digest="sha256:1", profile=b"{}")


class FakeDetector:
    """Says what the test wrote into it."""

    def __init__(self) -> None:
        self.scores: dict[str, float] = {}
        self.alarms: dict[str, float] = {}
        self.seen = 0

    def add(self, columns, scores=None):
        """Count rows."""
        self.seen += max(len(scores), *map(len, columns.values()), 0)

    def drift(self, score: float) -> None:
        """Drift by as much."""
        self.scores = {"wind": score}
        self.alarms = self.scores if score > 1 else {}


@pytest.fixture
def connection():
    connection = sqlite3.connect(":memory:")
    connection.executescript(SCHEMA)
    yield connection
    connection.close()


def watching(connection, *keys) -> tuple[DriftWatch, list[FakeDetector]]:
    detectors: list[FakeDetector] = []

    def make(profile: bytes) -> FakeDetector:
        detectors.append(FakeDetector())
        return detectors[-1]

    watch = DriftWatch(make)
    for key in keys:
        keep_model(connection, key, MODEL)
        watch.model_ready(key, MODEL)
        watch.model_ready(key, MODEL)
    return watch, detectors


def test_one_episode_is_one_alarm(connection):
    """It lasts until no feature was in alarm for a minute; the next one is told again."""
    watch, (detector,) = watching(connection, OLD)
    told = []
    for at, score in [(0, 0.5), (1, 2.0), (2, 3.0), (10, 0.5), (20, 2.0), (81, 0.5), (90, 2.0)]:
        watch.see_answer(OLD, str(at), [0.1], shadow=False)
        watch.see_answer(OLD, f"{at}b", [0.1], shadow=False)
        detector.drift(score)
        told += [(at, alarm.features["wind"], alarm.since) for alarm in watch.turn(connection, at)]

    assert told == [(1, 2.0, 1), (90, 2.0, 90)]


def test_a_restart_does_not_tell_again(connection):
    """Open episodes are in the database."""
    watch, (detector,) = watching(connection, OLD)
    watch.see_answer(OLD, "r", [0.1], shadow=False)
    detector.drift(2.0)
    assert len(watch.turn(connection, 1.0)) == 1

    again = DriftWatch(lambda _: detector)
    again.restore(connection)
    again.see_answer(OLD, "s", [0.1], shadow=False)

    assert again.scores(1) == {"old": {"wind": 2.0}}
    assert again.turn(connection, 500.0) == ()


def test_a_candidate_that_drifts_raises_no_alarm(connection):
    """Its remedy is the rollout's; when users get its answers, it is told."""
    watch, (_, candidate) = watching(connection, OLD, NEW)
    for request in ("a", "b"):
        watch.see_answer(OLD, request, [0.1], shadow=False)
        watch.see_answer(NEW, request, [0.1], shadow=True)
    candidate.drift(2.0)
    assert watch.turn(connection, 1.0) == ()
    assert watch.alarms(1) == {"old": {}, "new": {"wind": 2.0}}

    for request in range(5):
        watch.see_answer(NEW, str(request), [0.1], shadow=False)

    assert [alarm.key for alarm in watch.turn(connection, 2.0)] == [NEW]


def test_halves_of_a_request_are_put_together_in_any_order():
    """A row has its columns and its score; what a request or an answer lacks is None or NaN."""
    rows = Rows()
    rows.request("1", {"a": [1, 2]})
    rows.answer("2", [0.2])
    rows.answer("1", [0.1, 0.3])
    rows.request("2", {"a": [3], "b": ["x"]})
    rows.request("3", {"a": [10**400]})
    rows.answer("3", [])
    rows.request("4", {"a": [4]})

    columns, scores = rows.take()

    assert columns == {"a": [1, 2, 3, None], "b": [None, None, "x", None]}
    assert scores[:3] == [0.1, 0.3, 0.2]
    assert isnan(scores[3])
    assert rows.take() == ({}, [])
