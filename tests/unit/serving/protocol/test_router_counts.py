"""What routers learnt is counted once, however its reports travel."""

import sqlite3
from itertools import accumulate

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.router_counts import (
    KEEP,
    OTHERS,
    TABLE,
    Count,
    Report,
    counts_of,
    later,
    report_from,
    rows_of,
    total,
)

ARMS = st.sampled_from(["a", "b", "c"])
COUNTS = st.dictionaries(ARMS, st.builds(Count, st.integers(0, 1000), st.floats(0, 1000)))
LESSONS = st.lists(st.tuples(ARMS, st.integers(0, 5), st.floats(0, 1)), max_size=20)


def report(incarnation: str, counts: dict[str, Count], predictor: str = "p") -> Report:
    """Of one router."""
    return Report(
        namespace="n", deployment="d", predictor=predictor, incarnation=incarnation, units={"r": dict(counts)}
    )


def grown(lessons: list[tuple[str, int, float]]) -> list[dict[str, Count]]:
    """What a life has counted after each of its lessons."""

    def learn(counts: dict[str, Count], lesson: tuple[str, int, float]) -> dict[str, Count]:
        arm, trials, reward = lesson
        before = counts.get(arm, Count())
        return counts | {arm: Count(before.trials + trials, before.reward + reward * trials)}

    return list(accumulate(lessons, learn, initial={}))


@given(COUNTS, COUNTS, COUNTS)
def test_it_does_not_matter_in_which_order_reports_meet(
    one: dict[str, Count], two: dict[str, Count], three: dict[str, Count]
) -> None:
    assert later(one, two) == later(two, one)
    assert later(later(one, two), three) == later(one, later(two, three))
    assert later(one, one) == one


@given(st.lists(LESSONS, min_size=1, max_size=3), st.data())
def test_a_home_counts_each_lesson_once_whatever_is_lost_late_or_sent_twice(
    lives: list[list[tuple[str, int, float]]], data: st.DataObject
) -> None:
    """What it has in the end is what each life counted up to the newest report that arrived."""
    told = [(str(life), counts) for life, lessons in enumerate(lives) for counts in grown(lessons)]
    arrived = data.draw(st.lists(st.sampled_from(told), max_size=30))
    connection = sqlite3.connect(":memory:")
    connection.executescript(TABLE)
    for life, counts in arrived:
        connection.executemany(KEEP, rows_of(report(life, counts)))

    newest: dict[str, dict[str, Count]] = {}
    for life, counts in arrived:
        newest[life] = later(newest.get(life, {}), counts)
    for asking in (*map(str, range(len(lives))), "new"):
        found = counts_of(connection.execute(OTHERS, ("n", "d", "p", asking))).get("r", {})
        expected = total(counts for life, counts in newest.items() if life != asking)
        assert {arm: count.trials for arm, count in found.items()} == {
            arm: count.trials for arm, count in expected.items()
        }
        for arm, count in found.items():
            assert count.reward == pytest.approx(expected[arm].reward)


def test_predictors_do_not_learn_from_each_other() -> None:
    connection = sqlite3.connect(":memory:")
    connection.executescript(TABLE)
    connection.executemany(KEEP, rows_of(report("1", {"a": Count(3, 2.0)}, predictor="other")))

    assert counts_of(connection.execute(OTHERS, ("n", "d", "p", "2"))) == {}


@given(COUNTS)
def test_a_report_is_read_as_it_was_written(counts: dict[str, Count]) -> None:
    sent = report("1", counts)

    assert report_from(msgspec.json.encode(sent)) == sent


@pytest.mark.parametrize(
    "counts", ['{"trials": -1}', '{"trials": 1, "reward": -0.1}', '{"trials": 1.5}', '{"trials": 1, "reward": 1e400}']
)
def test_what_is_no_count_is_refused(counts: str) -> None:
    told = '{"namespace": "n", "deployment": "d", "predictor": "p", "incarnation": "1", "units": {"r": {"a": %s}}}'

    with pytest.raises(BadPayloadError):
        report_from((told % counts).encode())
