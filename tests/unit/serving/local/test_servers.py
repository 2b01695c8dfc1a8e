"""Workloads become processes, and processes replicas."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from sluicegate.serving.api.seldon_deployment import Endpoint, PredictiveUnit, PredictorSpec
from sluicegate.serving.local.process_records import Record, Records
from sluicegate.serving.local.servers import (
    ServerSettings,
    SupervisedServers,
    process_environment,
    server_command,
    server_name,
)
from sluicegate.serving.local.supervisor import Supervisor
from sluicegate.serving.reconcile.workloads import Workload

PREDICTOR = msgspec.convert(
    {
        "name": "v1",
        "graph": {
            "name": "late",
            "implementation": "SKLEARN_SERVER",
            "modelUri": "file:///bundles/late/1",
            "envSecretRefName": "storage",
            "parameters": [{"name": "method", "value": "predict_proba", "type": "STRING"}],
        },
        "annotations": {"sluicegate.dev/model": "late", "sluicegate.dev/version": "1"},
        "componentSpecs": [{"spec": {"containers": [{"name": "late", "env": [{"name": "A", "value": "b"}]}]}}],
    },
    PredictorSpec,
)
WORKLOAD = Workload(
    namespace="default", deployment="flights", predictor=PREDICTOR, name="flights.v1", revision="abc", replicas=2
)


def servers(home: Path) -> tuple[Supervisor, SupervisedServers]:
    """Servers whose supervisor does not run."""
    supervisor = Supervisor(home)
    given = SupervisedServers(supervisor, settings=ServerSettings(), secrets=lambda _n, _s: {"KEY": "k"})
    return supervisor, given


def test_the_command_follows_the_predictor() -> None:
    """Implementation, place, port, digest and log are told as options."""
    command = " ".join(server_command(WORKLOAD, 20001, ServerSettings(log_url="http://127.0.0.1:7081/events")))

    assert "-m sluicegate.serving.server --host" in command
    assert "--implementation SKLEARN_SERVER" in command
    assert "--http-port 20001 --name late" in command
    assert "--model-uri file:///bundles/late/1 --log-url http://127.0.0.1:7081/events" in command
    assert "--bundle-digest" not in command
    assert "--graph" not in command


def test_a_graph_is_told_whole_and_without_the_addresses_of_containers() -> None:
    """One process runs all of its units."""
    child = PredictiveUnit(name="a", implementation="SKLEARN_SERVER", endpoint=Endpoint(service_port=9000))
    graph = PredictiveUnit(name="r", implementation="RANDOM_ABTEST", children=(child,))
    routed = replace(WORKLOAD, predictor=PredictorSpec(name="p", graph=graph))

    command = server_command(routed, 20001, ServerSettings())

    told = json.loads(command[command.index("--graph") + 1])["graph"]
    assert told["implementation"] == "RANDOM_ABTEST"
    assert [(each["name"], "endpoint" in each) for each in told["children"]] == [("a", False)]
    assert "--implementation" not in command


@pytest.mark.parametrize(
    ("implementation", "log", "home"),
    [
        ("THOMPSON_SAMPLING", "http://c:7081/events", "http://c:7081"),
        ("RANDOM_ABTEST", "http://c:7081/events", ""),
        ("THOMPSON_SAMPLING", "http://default-broker", ""),
    ],
)
def test_routers_that_learn_are_told_their_home(implementation: str, log: str, home: str) -> None:
    """Our collector is one; a broker of events is none, and who does not learn needs none."""
    child = PredictiveUnit(name="a", implementation="SIMPLE_MODEL")
    graph = PredictiveUnit(name="r", implementation=implementation, children=(child,))
    routed = replace(WORKLOAD, predictor=PredictorSpec(name="p", graph=graph))

    command = server_command(routed, 20001, ServerSettings(log_url=log))

    assert command[command.index("--router-home") + 1 :][:1] == (home,) if home else "--router-home" not in command


def test_the_environment_is_seldons() -> None:
    """Ids, parameters, model, the Secret's values and the container's."""
    environment = process_environment(WORKLOAD, 1, {"KEY": "k"})

    assert environment["SELDON_DEPLOYMENT_ID"] == "flights"
    assert environment["PREDICTOR_ID"] == "v1"
    assert environment["SLUICEGATE_MODEL_VERSION"] == "1"
    assert '"method"' in environment["PREDICTIVE_UNIT_PARAMETERS"]
    assert (environment["A"], environment["KEY"], environment["OMP_NUM_THREADS"]) == ("b", "k", "1")


def test_each_replica_has_its_own_port_and_keeps_it(tmp_path: Path) -> None:
    """Two passes: the same two addresses."""

    async def story() -> None:
        _, given = servers(tmp_path)
        given.apply((WORKLOAD,), frozenset())
        first = {(replica.index, replica.address.port) for replica in given.observe()}
        given.apply((WORKLOAD,), frozenset())
        assert {(replica.index, replica.address.port) for replica in given.observe()} == first
        assert len({port for _, port in first}) == 2
        assert {(replica.key, replica.state) for replica in given.observe()} == {(WORKLOAD.key, "Starting")}

    asyncio.run(story())


def test_ports_are_kept_over_a_restart(tmp_path: Path) -> None:
    """What the killed plane wrote down is used again."""
    name = server_name(WORKLOAD.key, 0)
    Records(tmp_path / "run").write(Record(name=name, group="servers", mark="m", port=20123))

    async def story() -> None:
        _, given = servers(tmp_path)
        given.apply((WORKLOAD,), frozenset())
        assert 20123 in {replica.address.port for replica in given.observe()}

    asyncio.run(story())
