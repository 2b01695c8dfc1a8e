"""A unit that does not answer in its time is named, wherever it runs; what it answers later is nobody's."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

import pytest
from tests.unit.serving.graph.random_graphs import Speaking
from tests.waiting import wait_until

from sluicegate.serving.api.seldon_deployment import Parameter, PredictiveUnit
from sluicegate.serving.graph.errors import GraphRefused, LateError
from sluicegate.serving.graph.execution import FusedGraph
from sluicegate.serving.graph.hopping import HoppingGraph
from sluicegate.serving.graph.planning import plan_of
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.server.dispatching import Bounds, Dispatcher
from sluicegate.serving.server.errors import verdict_of
from sluicegate.serving.server.hop_dispatching import HopDispatcher
from sluicegate.serving.server.unit_thread import UnitThread

MESSAGE = Message(content="x", form="strData")


def chain(milliseconds: str) -> PredictiveUnit:
    """A model behind a transformer; the model has a limit."""
    limit = (Parameter(name="sluicegate.dev/timeout-ms", value=milliseconds, type="FLOAT"),) if milliseconds else ()
    model = PredictiveUnit(name="m", type="MODEL", implementation="a.B", parameters=limit)
    return PredictiveUnit(name="t", type="TRANSFORMER", implementation="a.B", children=(model,))


class Stuck(Speaking):
    """A model that waits until it is let go."""

    def __init__(self) -> None:
        super().__init__("m")
        self.go = threading.Event()

    def predict(self, message: Message) -> Message:
        """Late."""
        assert self.go.wait(20)
        return message


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    """The model, and its end."""
    unit = Stuck()
    yield unit
    unit.go.set()


def test_a_limit_is_read_of_the_unit() -> None:
    assert [node.seconds for node in plan_of(chain("1500")).nodes] == [None, 1.5]


@pytest.mark.parametrize("text", ["soon", "0", "-5", "nan", "inf"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(
        GraphRefused, match=r"graph unit 'm': found sluicegate.dev/timeout-ms .*; expected milliseconds"
    ):
        plan_of(chain(text))


@pytest.mark.parametrize(("milliseconds", "word"), [("50", "0.05 s"), ("", "0.2 s")])
def test_a_unit_of_this_process_is_named_while_it_is_still_at_it(stuck: Stuck, milliseconds: str, word: str) -> None:
    """By its own limit, or by that of the whole graph."""

    async def asked() -> Any:
        loop = asyncio.get_running_loop()
        graph = FusedGraph(plan_of(chain(milliseconds)), {"t": Speaking("t"), "m": stuck})
        dispatcher = Dispatcher(graph, loop, UnitThread(), Bounds(timeout_seconds=0.2))
        answers: list[Any] = []
        dispatcher.submit(MESSAGE, answers.append, lambda: True)
        while not answers:
            await asyncio.sleep(0)
            dispatcher.sweep(perf_counter())
        return answers[0]

    found = asyncio.run(asked())

    assert str(found) == f"unit 'm' gave no answer within {word}"
    assert verdict_of(found).status == 504


def test_an_answer_that_comes_late_is_none(stuck: Stuck) -> None:
    graph = FusedGraph(plan_of(chain("1")), {"t": Speaking("t"), "m": stuck})
    answers = ThreadPoolExecutor(1).submit(graph.answer_many, [MESSAGE])
    wait_until(lambda: graph.late(perf_counter()))
    stuck.go.set()

    (found,) = answers.result(10)

    assert isinstance(found, LateError)
    assert graph.late(perf_counter() + 100) is None


def test_a_unit_on_the_worker_of_a_graph_with_hops_is_named(stuck: Stuck) -> None:
    graph = HoppingGraph(
        plan_of(chain("20")), local={"t": Speaking("t"), "m": stuck}, remote={}, worker=ThreadPoolExecutor(1)
    )

    with pytest.raises(LateError, match=r"unit 'm' gave no answer within 0.02 s"):
        asyncio.run(graph.answer(MESSAGE, {}))


def test_the_limit_of_the_whole_names_who_is_awaited(stuck: Stuck) -> None:
    plan = plan_of(with_another(chain("")))
    graph = HoppingGraph(
        plan, local={"t": Speaking("t"), "m": stuck, "n": Speaking("n")}, remote={}, worker=ThreadPoolExecutor(2)
    )

    async def asked() -> Any:
        answers: asyncio.Queue[Any] = asyncio.Queue()
        dispatcher = HopDispatcher(graph, asyncio.get_running_loop(), Bounds(timeout_seconds=0.05))
        dispatcher.submit(MESSAGE, answers.put_nowait, lambda: True)
        return await answers.get()

    assert str(asyncio.run(asked())) == "the graph gave no answer within 0.05 s; unit 'm' is awaited"


def with_another(graph: PredictiveUnit) -> PredictiveUnit:
    """Beside the model another one that answers at once."""
    other = PredictiveUnit(name="n", type="MODEL", implementation="a.B")
    return PredictiveUnit(
        name=graph.name, type=graph.type, implementation=graph.implementation, children=(*graph.children, other)
    )
