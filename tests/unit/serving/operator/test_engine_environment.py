"""What an engine is told beside its graph: the protocol of its units, the home of routers that learn, its time."""

from typing import Any

import pytest
from tests.unit.serving.operator.rendered import INSTALLATION, MISSING, at, only, render
from tests.unit.serving.operator.samples import SAMPLES, deployment, predictor

from sluicegate.serving.operator.settings import Installation, read_installation

OURS = read_installation({"REQUEST_LOGGER_DEFAULT_ENDPOINT": "http://sluicegate-collector.sluicegate:7081/events"})


def told(raw: Any, variable: str, installation: Installation = INSTALLATION) -> Any:
    """A variable of the engine."""
    field = f"spec.template.spec.containers[seldon-container-engine].env[{variable}].value"
    return at(only(render(raw, installation=installation), "Deployment"), field)


def with_spec(raw: Any, **spec: Any) -> Any:
    """The sample with more in its spec."""
    return {**raw, "spec": {**raw["spec"], **spec}}


@pytest.mark.parametrize(
    ("protocol", "expected"), [("", MISSING), ("seldon", MISSING), ("v2", "v2"), ("kfserving", "v2")]
)
def test_the_engine_calls_its_units_by_the_deployments_protocol(protocol: str, expected: str) -> None:
    """And is told nothing where Seldon's own is meant, so that its pods stay."""
    assert told(with_spec(SAMPLES["chain in one pod"], protocol=protocol), "SLUICEGATE_PROTOCOL") == expected


@pytest.mark.parametrize(
    ("implementation", "installation", "home"),
    [
        ("EPSILON_GREEDY", OURS, "http://sluicegate-collector.sluicegate:7081"),
        ("RANDOM_ABTEST", OURS, MISSING),
        ("THOMPSON_SAMPLING", INSTALLATION, MISSING),
    ],
)
def test_a_router_that_learns_is_told_its_home(implementation: str, installation: Installation, home: str) -> None:
    children = [{"name": name, "implementation": "SIMPLE_MODEL"} for name in "ab"]
    raw = deployment(predictor({"name": "r", "implementation": implementation, "children": children}))

    assert told(raw, "SLUICEGATE_ROUTER_HOME", installation) == home


@pytest.mark.parametrize(
    ("rest", "grpc", "seconds"),
    [("", "", MISSING), ("1500", "", "1.5"), ("1500", "60000", "60"), ("", "60000", "60"), ("9000", "1000", "9")],
)
def test_a_server_cuts_neither_protocol_short(rest: str, grpc: str, seconds: str) -> None:
    notes = {"seldon.io/rest-timeout": rest, "seldon.io/grpc-timeout": grpc}
    raw = with_spec(SAMPLES["chain in one pod"], annotations={name: text for name, text in notes.items() if text})

    assert told(raw, "SLUICEGATE_REQUEST_TIMEOUT_SECONDS") == seconds
