"""No unit is called twice at a time, whoever calls; and who waits for one is bounded in one place."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.serving.api.seldon_deployment import PredictiveUnit
from sluicegate.serving.graph.execution import FusedGraph
from sluicegate.serving.graph.planning import plan_of
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.server.dispatching import Bounds, Dispatcher
from sluicegate.serving.server.errors import OverloadedError
from sluicegate.serving.server.unit_thread import UnitCall, UnitThread

MESSAGE = Message(content=np.ones((1, 1)))


class Alone:
    """A unit that notices when it is called while it is at it; feedback may be made to last."""

    name = "m"

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.threads: list[str] = []
        self.twice = False
        self._inside = threading.Lock()

    @contextmanager
    def _called(self) -> Iterator[None]:
        if not self._inside.acquire(blocking=False):
            self.twice = True
            raise AssertionError("called twice at a time")
        self.threads.append(threading.current_thread().name)
        try:
            yield
        finally:
            self._inside.release()

    def predict(self, message: Message) -> Message:
        """The same."""
        with self._called():
            return message

    def send_feedback(self, feedback: Feedback) -> None:  # noqa: ARG002  (the port's signature)
        """Lasts until it is let go."""
        with self._called():
            assert self.go.wait(20)


def dispatcher(unit: Alone, worker: UnitThread) -> Dispatcher:
    """Of a graph of this unit, which is quick enough for the event loop."""
    plan = plan_of(PredictiveUnit(name="m", type="MODEL", implementation="a.B"))
    graph = FusedGraph(plan, {"m": unit})  # type: ignore[dict-item]  # not all verbs
    return Dispatcher(graph, asyncio.get_running_loop(), worker, Bounds(inline_rows=10))


def test_a_quick_prediction_waits_while_the_units_thread_is_in_the_unit() -> None:
    unit = Alone()

    async def play() -> list[str]:
        worker = UnitThread()
        way, answers = dispatcher(unit, worker), asyncio.Queue[Any]()
        unit.go.clear()
        way.tell(Feedback(puid="p"), answers.put_nowait)
        way.submit(MESSAGE, answers.put_nowait, lambda: True)
        await asyncio.sleep(0)
        assert not unit.threads[1:]
        unit.go.set()
        for _ in range(2):
            await answers.get()
        while not worker.free:
            await asyncio.sleep(0)
        way.submit(MESSAGE, answers.put_nowait, lambda: True)
        await answers.get()
        return unit.threads

    *before, last = asyncio.run(play())

    assert not unit.twice
    assert all(name.startswith("model") for name in before)
    assert last == threading.current_thread().name


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["predict", "tell", "own verb", "turn"]), max_size=40))
def test_whatever_is_mixed_nothing_meets_in_the_unit(steps: list[str]) -> None:
    unit = Alone()

    async def play() -> None:
        worker = UnitThread()
        way, answers, asked = dispatcher(unit, worker), asyncio.Queue[Any](), 0
        for step in steps:
            asked += step != "turn"
            if step == "predict":
                way.submit(MESSAGE, answers.put_nowait, lambda: True)
            elif step == "tell":
                way.tell(Feedback(puid="p"), answers.put_nowait)
            elif step == "own verb":
                call = UnitCall(unit="m", method=lambda: unit.predict(MESSAGE), seconds=20)
                worker.ask(call, answers.put_nowait, most=100)
            else:
                await asyncio.sleep(0)
        for _ in range(asked):
            answer = await answers.get()
            assert not isinstance(answer, Exception), answer
        worker.shutdown()

    asyncio.run(play())
    assert not unit.twice


def test_doors_of_all_protocols_share_one_bound() -> None:
    async def play() -> None:
        worker, go = UnitThread(), threading.Event()
        call = UnitCall(unit="m", method=lambda: go.wait(20), seconds=20)
        answers = asyncio.Queue[Any]()
        for _ in range(2):
            worker.ask(call, answers.put_nowait, most=2)
        with pytest.raises(OverloadedError, match="2 requests wait already"):
            worker.ask(call, answers.put_nowait, most=2)
        go.set()
        assert [await answers.get() for _ in range(2)] == [True, True]
        assert worker.waiting == 0

    asyncio.run(play())


def test_who_is_late_is_named_and_answers_once() -> None:
    async def play() -> None:
        worker, go = UnitThread(), threading.Event()
        answers = asyncio.Queue[Any]()
        worker.ask(UnitCall(unit="m", method=lambda: go.wait(20), seconds=0.01), answers.put_nowait, most=2)
        assert str(await answers.get()) == "unit 'm' gave no answer within 0.01 s"
        assert worker.waiting == 1
        go.set()
        while worker.waiting:
            await asyncio.sleep(0)
        assert answers.empty()

    asyncio.run(play())
