"""Whatever the graph: in one process, over hops, and by the rules as they stand, the answer is the same."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from tests.unit.serving.graph.random_graphs import Speaking, graphs, reference

from sluicegate.serving.api.seldon_deployment import PredictiveUnit, UnitType
from sluicegate.serving.graph.errors import BadRouteError
from sluicegate.serving.graph.execution import FusedGraph
from sluicegate.serving.graph.hopping import HoppingGraph
from sluicegate.serving.graph.planning import Plan, Verb, plan_of
from sluicegate.serving.graph.units import Headers
from sluicegate.serving.protocol.messages import Feedback, Message, Meta

MESSAGE = Message(content="x", form="strData")
Units = dict[str, Speaking]


class Elsewhere:
    """A unit behind a hop that costs a turn of the loop."""

    def __init__(self, unit: Speaking) -> None:
        self.name, self._unit = unit.name, unit

    async def call(self, verb: Verb, messages: Sequence[Message], headers: Headers) -> Any:  # noqa: ARG002
        """As the port says."""
        await asyncio.sleep(0)
        return getattr(self._unit, verb)(messages if verb == "aggregate" else messages[0])

    async def send_feedback(self, feedback: Feedback, headers: Headers) -> None:  # noqa: ARG002
        """As the port says."""
        self._unit.send_feedback(feedback)

    async def reachable(self) -> bool:
        """As the port says."""
        return True

    async def close(self) -> None:
        """As the port says."""


def hopping(plan: Plan, units: Units, remote: set[str]) -> HoppingGraph:
    """The graph with these units elsewhere."""
    far = {name: Elsewhere(unit) for name, unit in units.items() if name in remote}
    near = {name: unit for name, unit in units.items() if name not in remote}
    return HoppingGraph(plan, local=near, remote=far, worker=THREADS)


THREADS = ThreadPoolExecutor(2)


def outcome(call: Any) -> tuple[Any, ...]:
    """What a graph answered, and by which way; or what was wrong."""
    try:
        answer = call()
    except (BadRouteError, IndexError):
        return ("no such child",)
    except ValueError as error:
        return ("failed", str(error))
    return answer.content, answer.meta.tags, answer.meta.routing


@given(graphs())
def test_every_way_of_running_a_graph_gives_the_same(case: tuple[PredictiveUnit, Units]) -> None:
    graph, units = case
    plan = plan_of(graph)

    def judged() -> Message:
        routing: dict[str, int] = {}
        answer = reference(graph, units, MESSAGE, routing)
        return Message(content=answer.content, meta=Meta(tags=answer.meta.tags, routing=routing))

    expected = outcome(judged)
    assert outcome(lambda: FusedGraph(plan, units).answer(MESSAGE)) == expected
    for remote in (set(units), set(list(units)[::2])):
        graph_over_hops = hopping(plan, units, remote)
        assert outcome(lambda over=graph_over_hops: asyncio.run(over.answer(MESSAGE, {}))) == expected


def unit(name: str, kind: UnitType, *children: PredictiveUnit) -> PredictiveUnit:
    """A unit of this process."""
    return PredictiveUnit(name=name, type=kind, children=children, implementation="module.Class")


ROUTED = unit("r", "ROUTER", unit("a", "MODEL"), unit("t", "TRANSFORMER", unit("b", "MODEL")))


@pytest.mark.parametrize(
    ("routing", "told"),
    [
        ({"r": 0}, "ar"),
        ({"r": 1}, "br"),
        ({"r": -1}, "abr"),
        ({}, "abr"),
        ({"r": -2}, "r"),
        ({"r": 7}, "r"),
        ({"other": 0}, "abr"),
    ],
)
@pytest.mark.parametrize("remote", [set(), {"a", "r", "b", "t"}])
def test_feedback_goes_the_way_of_its_answer(routing: dict[str, int], told: str, remote: set[str]) -> None:
    units = {name: Speaking(name) for name in "rabt"}
    feedback = Feedback(puid="p", reward=1.0, routing=routing)
    plan = plan_of(ROUTED)
    if remote:
        asyncio.run(hopping(plan, units, remote).send_feedback(feedback, {}))
    else:
        FusedGraph(plan, units).send_feedback(feedback)

    assert sorted(name for name, each in units.items() if each.told) == sorted(told)


@pytest.mark.parametrize("branch", [2, -3, 1.0, True, "0", None])
def test_a_router_that_answers_no_childs_number_is_blamed(branch: Any) -> None:
    units = {name: Speaking(name) for name in "rabt"}
    units["r"].branch = branch

    with pytest.raises(BadRouteError, match=r"router 'r' answered .*; expected a child's number from 0 to 1"):
        FusedGraph(plan_of(ROUTED), units).answer(MESSAGE)


def test_the_path_names_the_images_of_the_units_that_were_asked() -> None:
    units = {name: Speaking(name, branch=1) for name in "rabt"}
    images = {name: f"image/{name}:1" for name in "rab"}

    answer = FusedGraph(plan_of(ROUTED), units, images=images).answer(MESSAGE)

    assert answer.meta.request_path == {"r": "image/r:1", "b": "image/b:1"}
