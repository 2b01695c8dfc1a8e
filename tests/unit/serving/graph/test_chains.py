"""Chains run in Seldon's order; what cannot be run is refused by name."""

from typing import Any

import pytest
from tests.unit.serving.graph.random_graphs import Speaking

from sluicegate.serving.api.seldon_deployment import PredictiveUnit
from sluicegate.serving.graph.errors import GraphRefused
from sluicegate.serving.graph.execution import FusedGraph
from sluicegate.serving.graph.planning import plan_of
from sluicegate.serving.protocol.messages import Feedback, Message


def _unit(name: str, kind: Any, *children: PredictiveUnit, **more: Any) -> PredictiveUnit:
    return PredictiveUnit(name=name, type=kind, children=children, implementation="module.Class", **more)


def test_a_chain_runs_in_seldons_order() -> None:
    """Input stages downwards, output stages upwards."""
    plan = plan_of(_unit("o", "OUTPUT_TRANSFORMER", _unit("t", "TRANSFORMER", _unit("m", "MODEL"))))
    units = {name: Speaking(name) for name in "otm"}

    answer = FusedGraph(plan, units).answer(Message(content="x", form="strData"))

    assert answer.content == "x t.in m.predict o.out"


def test_a_model_with_a_child_feeds_it() -> None:
    """A MODEL above another is a chain of predictions."""
    plan = plan_of(_unit("a", "MODEL", _unit("b", "MODEL")))

    answer = FusedGraph(plan, {name: Speaking(name) for name in "ab"}).answer(Message(content="x"))

    assert answer.content == "x a.predict b.predict"


def test_feedback_reaches_models_only() -> None:
    """Transformers get feedback only when they ask for it."""
    plan = plan_of(_unit("t", "TRANSFORMER", _unit("m", "MODEL")))
    units = {name: Speaking(name) for name in "tm"}

    FusedGraph(plan, units).send_feedback(Feedback(puid="p"))

    assert (len(units["t"].told), len(units["m"].told)) == (0, 1)


@pytest.mark.parametrize(
    "graph",
    [
        _unit("m", "MODEL", _unit("m", "MODEL")),
        _unit("", "MODEL"),
        _unit("u", "UNKNOWN_TYPE"),
        PredictiveUnit(name="m", type="MODEL"),
    ],
)
def test_what_cannot_be_run_is_refused_by_its_name(graph: PredictiveUnit) -> None:
    with pytest.raises(GraphRefused, match=f"graph unit '{graph.name}'"):
        plan_of(graph)
