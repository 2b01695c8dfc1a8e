"""Requests meet the model together where they may, in bounded number and time."""

from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from tests.waiting import wait_until

from sluicegate.serving.api.seldon_deployment import PredictiveUnit
from sluicegate.serving.graph.execution import FusedGraph
from sluicegate.serving.graph.planning import plan_of
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.runtime.errors import ModelFailedError
from sluicegate.serving.server.dispatching import Bounds, Dispatcher, measure_inline_rows
from sluicegate.serving.server.errors import OverloadedError, TimedOutError
from sluicegate.serving.server.unit_thread import UnitThread


class Counting:
    """A unit that doubles and remembers how many requests each call had."""

    name = "m"
    per_row = True

    def __init__(self) -> None:
        self.calls: list[int] = []

    def predict(self, message: Message) -> Message:
        """Twice."""
        return replace(message, content=np.asarray(message.content) * 2)

    def predict_many(self, messages: list[Message]) -> list[Message | Exception]:
        """All of them at once."""
        self.calls.append(len(messages))
        if any(np.asarray(message.content).max() > 1e6 for message in messages):
            raise SystemExit(3)
        return [self.predict(message) for message in messages]

    transform_input = transform_output = predict

    def send_feedback(self, feedback: Feedback) -> None:
        """Nothing."""


class Loop:
    """A loop whose turns the test runs."""

    def __init__(self) -> None:
        self.due: list[Callable[[], None]] = []

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Queue."""
        self.due.append(callback)

    def call_soon_threadsafe(self, callback: Callable[..., None], *args: Any) -> None:
        """Queue."""
        self.due.append(lambda: callback(*args))

    def turn(self) -> bool:
        """Run what is due now."""
        due, self.due = self.due, []
        for callback in due:
            callback()
        return bool(due)


@pytest.fixture
def unit() -> Counting:
    """The model."""
    return Counting()


def _dispatcher(unit: Counting, loop: Loop, **bounds: Any) -> Dispatcher:
    graph = FusedGraph(plan_of(PredictiveUnit(name="m", type="MODEL", implementation="a.B")), {"m": unit})
    return Dispatcher(graph, loop, UnitThread(), Bounds(**bounds))


def _ask(dispatcher: Dispatcher, value: float, results: list[Any], wanted: bool = True) -> None:
    dispatcher.submit(Message(content=np.array([[value]])), results.append, lambda: wanted)


def test_what_arrives_in_one_turn_shares_a_call(unit: Counting) -> None:
    """Up to the limit of rows, answers in order; who went away is not asked for."""
    loop, results = Loop(), list[Any]()
    dispatcher = _dispatcher(unit, loop, inline_rows=256, batch_rows=3)
    for value in range(4):
        _ask(dispatcher, value, results, wanted=value != 1)

    while loop.turn():
        pass

    assert unit.calls == [3]
    assert [result.content[0, 0] for result in results] == [0, 4, 6]


def test_a_slow_model_runs_on_the_worker(unit: Counting) -> None:
    """The loop only hands over and takes back; what came meanwhile goes together."""
    loop, results = Loop(), list[Any]()
    dispatcher = _dispatcher(unit, loop, inline_rows=0)
    _ask(dispatcher, 1, results)
    loop.turn()
    for value in (2, 3):
        _ask(dispatcher, value, results)

    wait_until(lambda: loop.turn() or len(results) == 3)
    wait_until(lambda: loop.turn() or len(results) == 3)

    wait_until(lambda: (loop.turn(), len(results) == 3)[1])
    assert unit.calls == [1, 2]
    assert dispatcher.in_flight == 0


def test_the_queue_is_bounded(unit: Counting) -> None:
    """One more than fits is told so at once."""
    loop, results = Loop(), list[Any]()
    dispatcher = _dispatcher(unit, loop, queue=2)
    for value in range(3):
        _ask(dispatcher, value, results)

    assert [type(result) for result in results] == [OverloadedError]


def test_who_waits_too_long_is_told_once(unit: Counting) -> None:
    """The late answer is dropped."""
    loop, results = Loop(), list[Any]()
    dispatcher = _dispatcher(unit, loop, inline_rows=9, timeout_seconds=1)
    _ask(dispatcher, 1, results)

    dispatcher.sweep(perf_counter() + 2)
    while loop.turn():
        pass

    assert [type(result) for result in results] == [TimedOutError]
    assert unit.calls == []


def test_even_an_exit_of_the_model_is_an_answer(unit: Counting) -> None:
    """sys.exit inside a model ends no server."""
    loop, results = Loop(), list[Any]()
    dispatcher = _dispatcher(unit, loop, inline_rows=9)
    _ask(dispatcher, 1e9, results)

    loop.turn()

    assert [type(result) for result in results] == [ModelFailedError]


def test_a_quick_model_may_stay_on_the_loop(unit: Counting) -> None:
    """Rows are tried in fours until the limit of time or rows."""
    graph = FusedGraph(plan_of(PredictiveUnit(name="m", type="MODEL", implementation="a.B")), {"m": unit})
    example = Message(content=np.array([[1.0], [2.0]]))

    assert measure_inline_rows(graph, example, limit_seconds=10, most=256) == 256
    assert measure_inline_rows(graph, example, limit_seconds=0, most=256) == 0


def test_what_waits_is_bounded_in_bytes_and_says_when_to_come_again(unit: Counting) -> None:
    loop = Loop()
    dispatcher = _dispatcher(unit, loop, queue_bytes=100, batch_rows=1)
    results: list[Any] = []
    big = Message(content=np.zeros((1, 8)))
    for _ in range(3):
        dispatcher.submit(big, results.append, lambda: True)
    assert [type(each) for each in results] == [OverloadedError, OverloadedError]
    assert all(each.retry_seconds == 1 for each in results)
    wait_until(lambda: not loop.turn() and not dispatcher.in_flight)
    dispatcher.submit(Message(content=np.zeros((1, 80))), results.append, lambda: True)
    wait_until(lambda: not loop.turn() and not dispatcher.in_flight)
    assert [type(each) for each in results[2:]] == [Message, Message], "one request alone is never too much"


def test_requests_share_a_call_up_to_its_bytes(unit: Counting) -> None:
    loop = Loop()
    dispatcher = _dispatcher(unit, loop, batch_bytes=40)
    results: list[Any] = []
    for _ in range(5):
        dispatcher.submit(Message(content=np.zeros((1, 2))), results.append, lambda: True)
    wait_until(lambda: not loop.turn() and not dispatcher.in_flight)
    assert unit.calls == [2, 2, 1]
    assert len(results) == 5


def test_the_longer_the_queue_takes_the_later_is_the_retry() -> None:
    assert OverloadedError("full", 0.0).retry_seconds == 1
    assert OverloadedError("full", 2.1).retry_seconds == 3
    assert OverloadedError("full", 1e9).retry_seconds == 60
