"""What events change, through the intake's own door; the database is in memory."""

import sqlite3

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.request_log import READY, RESPONSE, answer, event, feedback

from sluicegate.monitoring.collector.clock import Clock
from sluicegate.monitoring.collector.drift_watch import DriftWatch
from sluicegate.monitoring.collector.events import read_batch
from sluicegate.monitoring.collector.history import SeriesQuestion, read_series
from sluicegate.monitoring.collector.intake import Intake
from sluicegate.monitoring.collector.ledger import pair_totals, totals
from sluicegate.monitoring.collector.schema import SCHEMA
from sluicegate.monitoring.quality.joining import PairCounts

QUESTION = SeriesQuestion(
    namespace="default", deployment="flights", stable="old", candidate="new", start=100.0, step_start=102.0
)


class Time:
    """A clock's hands."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        """Where they point."""
        return self.at


class World:
    """An intake over an empty database."""

    def __init__(self) -> None:
        self.time = Time(100.0)
        self.connection = sqlite3.connect(":memory:")
        self.connection.executescript(SCHEMA)
        self.intake = Intake(Clock(self.time), DriftWatch(lambda _: None))

    def take(self, *events: dict[str, object]) -> None:
        """Let one batch in."""
        batch = read_batch(msgspec.json.encode(events))
        assert not batch.refusals
        self.intake.take(self.connection, batch.events)


def payloads(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    names = st.sampled_from(["data", "ndarray", "truth", "response", "meta", "puid", "classes", "profile", "digest"])
    return st.dictionaries(names, inner, max_size=3)


@pytest.fixture
def world() -> World:
    return World()


EVENTS = [
    made
    for index in range(4)
    for made in (
        answer("old", f"r{index}", 0.9),
        answer("new", f"r{index}", 0.9 if index < 3 else 0.1, shadow=True),
        feedback("old", f"r{index}", 1 if index < 2 else 0),
    )
]


@settings(max_examples=25)
@given(st.permutations(EVENTS * 2), st.integers(1, 24))
def test_any_order_of_any_batches_gives_the_same_totals(arrivals, size):
    """Retries are counted once, late labels find their pairs, whichever predictor received them."""
    world = World()

    for start in range(0, len(arrivals), size):
        world.take(*arrivals[start : start + size])

    assert pair_totals(world.connection, 1) == {("new", "old"): PairCounts(4, 1, 4, 0, 1)}
    counted = totals(world.connection, 1)
    assert (counted["old"]["answers"], counted["new"]["shadow_answers"]) == (4, 4)
    assert (counted["old"]["labelled"], counted["old"]["wrong"], counted["new"]["wrong"]) == (4, 2, 1)
    assert world.intake.duplicates == 12


def test_a_pair_belongs_to_the_second_in_which_it_became_complete(world):
    """A second that was told never changes; the label counts in its own second."""
    world.take(answer("old", "r", 0.9))
    world.time.at = 101.0
    world.take(answer("new", "r", 0.1, shadow=True))
    world.time.at = 103.0
    world.take(feedback("old", "r", 1))

    series = read_series(world.connection, QUESTION, now=104.5, kept_seconds=1e9, drift={})

    assert series.seconds == 4
    assert series.step_start == 2
    assert series.pairs.count.tolist() == [0, 1, 0, 0]
    assert series.pairs.flips.tolist() == [0, 1, 0, 0]
    assert series.pairs.labelled.tolist() == [0, 0, 0, 1]
    assert series.pairs.only_candidate_wrong.tolist() == [0, 0, 0, 1]
    assert series.pairs.only_stable_wrong.tolist() == [0, 0, 0, 0]


def test_a_failed_answer_makes_no_pair(world):
    """It is counted as a failure; the gateway's counts judge it."""
    world.take(answer("old", "r", 0.9), event(RESPONSE, "new", "r", None, statuscode="500", shadow="true"))

    assert pair_totals(world.connection, 1) == {}
    assert totals(world.connection, 1)["new"] == {"shadow_failures": 1}


def test_an_answer_that_cannot_be_read_is_a_flip(world):
    """A candidate that answers 200 with nonsense disagrees."""
    world.take(answer("old", "r", 0.9), event(RESPONSE, "new", "r", {"strData": "?"}, shadow="true"))

    assert pair_totals(world.connection, 1)[("new", "old")] == PairCounts(1, 1, 0, 0, 0)


def test_announced_classes_name_the_columns(world):
    """A truth in the model's own words meets the answer's columns."""
    world.take(event(READY, "old", "", {"model": "m", "version": "3", "digest": "d", "classes": ["on time", "late"]}))
    truth = {"response": {"meta": {"puid": "r"}}, "truth": {"data": {"ndarray": ["late"]}}}
    world.take(answer("old", "r", 0.9), feedback("old", "other", 1) | {"data": truth})

    counted = totals(world.connection, 1)["old"]

    assert (counted["labelled"], counted["wrong"]) == (1, 0)


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(max_size=3), lambda inner: st.lists(inner) | payloads(inner)
    )
)
def test_no_payload_breaks_the_intake(payload):
    """Whatever the data of an event is, it is counted or ignored."""
    world = World()

    world.take(*(event(kind, "old", "r", payload) for kind in (RESPONSE, READY, "io.seldon.serving.feedback")))

    assert totals(world.connection, 1)["old"]["answers"] == 1
