"""What live routes and policies say of themselves."""

from dataclasses import replace
from typing import Any

import pytest

from sluicegate.serving.gateway.gateway_api import Attachment, render
from sluicegate.serving.gateway.route_status import acknowledged_by, policy_complaint
from sluicegate.serving.gateway.routes import Backend, Route
from sluicegate.serving.gateway.services import Service

PARENT = {"name": "gateway", "namespace": "gateway"}
ROUTE = Route(
    namespace="shop",
    name="flights",
    backends=(Backend(predictor="old", weight=75), Backend(predictor="new", weight=25)),
)
SERVICES = {name: Service(name=f"flights-{name}") for name in ("old", "new")}


def condition(kind: str, status: str = "True", generation: int = 2, **more: str) -> dict[str, Any]:
    """One condition."""
    return {"type": kind, "status": status, "observedGeneration": generation, **more}


def live(*conditions: dict[str, Any], **parent: str) -> dict[str, Any]:
    """The route in its second generation, as one gateway answered it."""
    drawn = render(ROUTE, SERVICES, Attachment(parents=(PARENT,))).objects[0]
    # The API server fills defaults in.
    reference = {"group": "gateway.networking.k8s.io", "kind": "Gateway", **PARENT, **parent}
    metadata = {**drawn["metadata"], "generation": 2}
    answer = {"parentRef": reference, "controllerName": "example.com/c", "conditions": list(conditions)}
    return {**drawn, "metadata": metadata, "status": {"parents": [answer]}}


def test_both_conditions_of_the_newest_generation_acknowledge() -> None:
    """Then the weights of the spec are in force."""
    state = acknowledged_by(live(condition("Accepted"), condition("ResolvedRefs")), (PARENT,))

    assert state.acknowledged
    assert state.weights == {"old": 75, "new": 25}
    assert len(state.version) == 16


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (
            [condition("Accepted", generation=1), condition("ResolvedRefs")],
            "Accepted is of generation 1, the newest is 2",
        ),
        ([condition("Accepted")], "says nothing of ResolvedRefs yet"),
        (
            [condition("Accepted"), condition("ResolvedRefs", "False", reason="BackendNotFound", message="no x")],
            "gateway gateway/gateway: ResolvedRefs is False: BackendNotFound: no x",
        ),
        (
            [condition("Accepted"), condition("ResolvedRefs"), condition("PartiallyInvalid", reason="R", message="m")],
            "takes a part only: R: m",
        ),
    ],
)
def test_anything_else_is_a_complaint(conditions: list[dict[str, Any]], expected: str) -> None:
    """In a sentence that names the gateway."""
    state = acknowledged_by(live(*conditions), (PARENT,))

    assert not state.acknowledged
    assert expected in state.complaint


def test_the_answer_of_another_gateway_is_none() -> None:
    """Nor is that of another listener of the same one."""
    conditions = (condition("Accepted"), condition("ResolvedRefs"))

    for other in (live(*conditions, name="other"), live(*conditions, sectionName="https")):
        assert acknowledged_by(other, (PARENT,)).complaint == "gateway gateway/gateway: has not answered yet"


def test_a_route_without_traffic_has_no_weights() -> None:
    """It is acknowledged like any other."""
    drawn = render(replace(ROUTE, backends=()), {}, Attachment(parents=(PARENT,))).objects[0]

    assert acknowledged_by(drawn, (PARENT,)).weights == {}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, "policy p: no gateway has answered yet"),
        ({"ancestors": [{"conditions": [condition("Accepted")]}]}, ""),
        (
            {"ancestors": [{"conditions": [condition("Accepted", "False", reason="Conflicted", message="m")]}]},
            "policy p: Accepted is False: Conflicted: m",
        ),
    ],
)
def test_a_policy_says_whether_it_is_in_force(status: dict[str, Any], expected: str) -> None:
    """Like a route."""
    assert policy_complaint({"metadata": {"name": "p", "generation": 2}, "status": status}) == expected


def test_waiting_is_no_refusal() -> None:
    """Only a no to the newest generation is one."""
    waiting = acknowledged_by(live(condition("Accepted", "False", generation=1), condition("ResolvedRefs")), (PARENT,))
    refused = acknowledged_by(live(condition("Accepted", "False", reason="R", message="m")), (PARENT,))

    assert (waiting.acknowledged, waiting.refusal) == (False, "")
    assert refused.refusal == "gateway gateway/gateway: Accepted is False: R: m"
    assert "says nothing of ResolvedRefs yet" in refused.complaint
