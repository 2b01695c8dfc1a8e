"""Behind Istio, what is written counts as in force, and that is said. Held to Istio's schema; no Istio runs here."""

import json
from pathlib import Path
from typing import Any

from tests.fakes.routed_world import IstioWorld
from tests.fakes.world import deployment, predictor, rollout
from tests.unit.serving.gateway.structural import faults

SCHEMAS = json.loads((Path(__file__).parents[1] / "gateway" / "istio_schemas.json").read_text())


def served(**metadata: Any) -> IstioWorld:
    """Version 1 is in service."""
    world = IstioWorld()
    assert world.submit(deployment(predictor("1"), **metadata)) == ()
    world.settle()
    return world


def weights(world: IstioWorld) -> dict[str, int]:
    """In the live VirtualService."""
    rules = world.store.get("VirtualService", "flights-http")["spec"]["http"]
    return {one["destination"]["subset"]: one["weight"] for one in rules[0]["route"]}


def test_what_is_written_counts_and_the_status_says_that_nobody_acknowledged_it() -> None:
    world = served()

    status = world.deployment()["status"]
    said = next(each for each in status["conditions"] if each["type"] == "TrafficAcknowledged")
    assert (status["traffic"], weights(world)) == ({"v1": 100}, {"v1": 100})
    assert (said["status"], said["reason"]) == ("True", "Written")
    assert "acknowledges nothing" in said["message"]


def test_every_object_fits_istios_schema() -> None:
    world = served()

    for kind in ("VirtualService", "DestinationRule"):
        for live in world.store.list(kind):
            assert list(faults(live["spec"], SCHEMAS[kind])) == []


def test_a_rollout_moves_weights_and_leaves_no_rule_of_what_went() -> None:
    world = served()
    world.submit(rollout("2", name="second"))
    world.settle()
    world.desire("second", weight=50, leaseSeconds=60.0)
    world.settle()
    candidate = world.rollout("second").status.candidate
    assert weights(world) == {"v1": 50, candidate: 50}

    world.desire("second", intent="Abort", reason="Tried")
    world.settle()
    assert weights(world) == {"v1": 100}
    assert [each["metadata"]["name"] for each in world.store.list("DestinationRule")] == ["flights-v1"]


def test_seldons_annotations_choose_gateway_and_host() -> None:
    notes = {"seldon.io/istio-gateway": "edge/public", "seldon.io/istio-host": "models.example"}

    spec = served(annotations=notes).store.get("VirtualService", "flights-http")["spec"]

    assert (spec["gateways"], spec["hosts"]) == (["edge/public"], ["models.example"])
