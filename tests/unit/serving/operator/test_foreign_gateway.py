"""What a gateway that is not our Envoy changes in pods and Services, and which servers a rollout is then judged by."""

from dataclasses import replace
from typing import Any

import pytest
from tests.fakes.routed_world import RoutedWorld
from tests.fakes.world import deployment as flights
from tests.fakes.world import predictor as version
from tests.fakes.world import rollout
from tests.unit.serving.operator.rendered import INSTALLATION, MISSING, at, render
from tests.unit.serving.operator.samples import SAMPLES, component, container, deployment, graph, predictor

from sluicegate.serving.operator.targets import judged_servers

FOREIGN = replace(INSTALLATION, foreign_gateway=True)
CONTAINERS = "spec.template.spec.containers"


def found(name: str, key: str, path: str, **more: Any) -> Any:
    """A field of one sample's object."""
    return at(render(SAMPLES[name], **more)[key], path)


def test_our_server_gets_a_port_for_copies() -> None:
    pods, service = "Deployment/iris-default-0-classifier", "Service/iris-default"

    told = found(
        "prepackaged server", pods, f"{CONTAINERS}[classifier].env[SLUICEGATE_SHADOW_PORT].value", installation=FOREIGN
    )
    open_at = found(
        "prepackaged server", pods, f"{CONTAINERS}[classifier].ports[shadow].containerPort", installation=FOREIGN
    )
    led_by = found("prepackaged server", service, "spec.ports[shadow]", installation=FOREIGN)

    assert (told, open_at) == ("8001", 8001)
    assert (led_by["port"], led_by["targetPort"]) == (8001, "shadow")


def test_the_bundled_envoy_needs_none() -> None:
    text = str(render(SAMPLES["prepackaged server"]))

    assert "shadow" not in text.lower()


@pytest.mark.parametrize("name", SAMPLES)
def test_ports_of_a_pod_are_different_and_every_port_of_a_service_leads_somewhere(name: str) -> None:
    objects = render(SAMPLES[name], installation=FOREIGN)
    deployments = [each for key, each in objects.items() if key.startswith("Deployment/")]

    for each in deployments:
        ports = [port["containerPort"] for box in at(each, CONTAINERS) for port in box.get("ports", ())]
        assert len(ports) == len(set(ports)) or name == "quantities and a sidecar"
    shadows = [
        key for key, each in objects.items() if key.startswith("Service/") and "shadow" in str(each["spec"]["ports"])
    ]
    opened = [each for each in deployments if "'name': 'shadow'" in str(at(each, CONTAINERS))]
    assert len(shadows) == len(opened)


def test_a_server_of_somebody_else_has_no_such_port() -> None:
    objects = render(deployment(predictor(graph("own"), component(container("own")))), installation=FOREIGN)

    assert "shadow" not in str(objects).lower()


@pytest.mark.parametrize(("stated", "patience"), [({}, "2.7"), ({"seldon.io/rest-timeout": "10000"}, "9")])
def test_a_server_gives_up_before_the_gateway_does(stated: dict[str, str], patience: str) -> None:
    raw = deployment(predictor(), annotations=stated)
    path = f"{CONTAINERS}[classifier].env[SLUICEGATE_REQUEST_TIMEOUT_SECONDS].value"

    assert at(render(raw, installation=FOREIGN)["Deployment/iris-default-0-classifier"], path) == patience
    assert at(render(SAMPLES["prepackaged server"])["Deployment/iris-default-0-classifier"], path) == MISSING


def test_only_servers_of_rollouts_under_way_are_listed() -> None:
    world = RoutedWorld()
    world.submit(flights(version("1")))
    world.settle()
    assert judged_servers(world._caches) == []

    world.submit(rollout("2", name="second"))
    world.settle()
    listed = judged_servers(world._caches)
    candidate = world.rollout("second").status.candidate
    assert {each["labels"]["predictor"] for each in listed} == {"v1", candidate}
    assert all(each["targets"][0].endswith(":9000") for each in listed)

    world.desire("second", intent="Abort", reason="Tried")
    world.settle()
    assert judged_servers(world._caches) == []
