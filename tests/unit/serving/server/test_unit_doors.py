"""What waits for a unit is bounded in number and in time."""

import asyncio
import json
import threading
from typing import Any

from sluicegate.serving.api.seldon_deployment import PredictiveUnit
from sluicegate.serving.graph.execution import FusedGraph
from sluicegate.serving.graph.planning import plan_of
from sluicegate.serving.runtime.python_unit import PythonUnit
from sluicegate.serving.runtime.sources import Loaded
from sluicegate.serving.server.exchanges import Request, Response
from sluicegate.serving.server.metrics import Metrics
from sluicegate.serving.server.predictions import Behind
from sluicegate.serving.server.request_log import Sender
from sluicegate.serving.server.routing import Call
from sluicegate.serving.server.serving_state import Served, State
from sluicegate.serving.server.unit_doors import UnitDoors
from sluicegate.serving.server.unit_thread import UnitThread

BODY = b'{"data":{"ndarray":[[1]]}}'


class Waiting:
    """A unit that answers when it is let."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def transform_input(self, X: Any, names: list[str]) -> Any:  # noqa: ARG002, N803
        """The same, later."""
        assert self.go.wait(20)
        return X


def _served(instance: Any, *children: PredictiveUnit) -> Served:
    unit = PythonUnit("u", instance)
    plan = plan_of(PredictiveUnit(name="u", type="TRANSFORMER", implementation="m.C", children=children))
    graph = FusedGraph(plan, {node.name: unit for node in plan.nodes})
    return Served(graph=graph, plan=plan, model=Loaded(unit=unit), name="u", version="")


class Asking:
    """Doors on a real loop and a real thread."""

    def __init__(self, served: Served, **bounds: Any) -> None:
        state, metrics = State(served=served), Metrics(identity=(), unit=())
        behind = Behind(state=state, metrics=metrics, log=None, sender=lambda: Sender(source="", attributes={}))
        self.worker = UnitThread()
        self.doors = UnitDoors(behind=behind, worker=self.worker, **bounds)
        self.loop = asyncio.get_running_loop()

    async def ask(self) -> Response:
        """One request."""
        answer: asyncio.Future[Response] = self.loop.create_future()
        request = Request(method="POST", path="/transform-input", headers={}, body=BODY, received=0.0)
        self.doors.transform_input(Call(request=request, reply=answer.set_result, wanted=lambda: True))
        return await answer


def test_more_than_the_queue_holds_is_refused() -> None:
    """At once; those that wait are answered."""

    async def play() -> list[int]:
        unit = Waiting()
        asking = Asking(_served(unit), queue=1)
        first = asyncio.create_task(asking.ask())
        await asyncio.sleep(0)
        refused = await asking.ask()
        unit.go.set()
        return [refused.status, (await first).status, (await asking.ask()).status]

    assert asyncio.run(play()) == [429, 200, 200]


def test_who_waits_too_long_is_answered_so() -> None:
    """The late answer is dropped; the unit counts as busy until it comes. Its own limit holds here, too."""

    async def play() -> tuple[int, int, int]:
        unit = Waiting()
        asking = Asking(_served(unit), timeout_seconds=0.02)
        late = await asking.ask()
        waiting = asking.worker.waiting
        unit.go.set()
        asking.worker.shutdown()
        await asyncio.sleep(0)
        return late.status, waiting, asking.worker.waiting

    assert asyncio.run(play()) == (504, 1, 0)


def test_a_graph_of_several_units_has_no_unit_to_ask() -> None:
    """The answer says who is there, in the wrapper's form."""

    async def play() -> Response:
        return await Asking(_served(object(), PredictiveUnit(name="below", type="MODEL", implementation="m.C"))).ask()

    answer = asyncio.run(play())

    assert answer.status == 404
    assert json.loads(answer.body)["status"]["code"] == -1
    assert "runs a graph (u, below)" in json.loads(answer.body)["status"]["info"]
