"""A graph whose units are processes of their own, led by a server that has none of them inside."""

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.embedded.model_server.rig import GOOD, PREDICT, Running, serving
from tests.waiting import free_port, wait_until

pytestmark = pytest.mark.embedded

USER_CLASS = """
class Saying:
    def __init__(self, value=0.0):
        self.value, self.rewards = value, []
    def predict(self, X, names):
        if isinstance(X, str):
            raise type("Refused", (Exception,), {"status_code": 418, "reason": "TEAPOT"})(X)
        return [[self.value, len(X)] for _ in X]
    def class_names(self):
        return ["value", "rows"]
    def tags(self):
        return {"last": self.value, f"is-{self.value:g}": sum(self.rewards)}
    def send_feedback(self, features, names, reward, truth):
        self.rewards.append(reward)
"""


@dataclass
class Graph:
    """The engine, and the processes of its units."""

    engine: Running
    units: dict[str, Running]
    transport: str

    def ask(self, body: Any = GOOD) -> Any:
        """An answer, whatever its status."""
        return self.engine.client.post(PREDICT, json=body, headers={"x-mine": "1"}).json()


def unit(name: str, port: int, transport: str) -> dict[str, Any]:
    """A unit at a port of this machine."""
    endpoint = {"service_host": "127.0.0.1", "service_port": port, "type": transport}
    return {"name": name, "type": "MODEL", "endpoint": endpoint}


def predictor(root: str, ports: dict[str, int], transport: str = "REST") -> str:
    """As the operator tells it to an engine."""
    children = [unit(name, port, transport) for name, port in ports.items()]
    document = {"name": "p", "graph": {"name": "root", "implementation": root, "children": children}}
    return base64.b64encode(json.dumps(document).encode()).decode()


@pytest.fixture(scope="module", params=["REST", "GRPC"])
def graph(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    """The mean of two units' answers."""
    transport: str = request.param
    directory = tmp_path_factory.mktemp("graph")
    (directory / "sayings.py").write_text(USER_CLASS)
    grpc_ports = {name: free_port() for name in "ab"}
    with ExitStack() as stack:
        units = {
            name: stack.enter_context(
                serving(
                    directory,
                    *options_of(directory, name, value),
                    PREDICTIVE_UNIT_IMAGE=name,
                    PREDICTIVE_UNIT_GRPC_SERVICE_PORT=str(grpc_ports[name]),
                )
            )
            for name, value in (("a", 2.0), ("b", 4.0))
        }
        ports = grpc_ports if transport == "GRPC" else {name: each.port for name, each in units.items()}
        told = predictor("AVERAGE_COMBINER", ports, transport)
        engine = stack.enter_context(serving(directory, ENGINE_PREDICTOR=told))
        wait_until(engine.ready, deadline=60, message="the engine is ready")
        wait_until(lambda: all(each.ready() for each in units.values()), deadline=60)
        yield Graph(engine, units, transport)


def options_of(directory: Path, name: str, value: float) -> tuple[str, ...]:
    """Of a unit that says ``value``."""
    parameters = json.dumps([{"name": "value", "value": str(value), "type": "FLOAT"}])
    location = ("--implementation", "sayings.Saying", "--model-uri", str(directory))
    return (*location, "--parameters", parameters, "--name", name)


def test_units_of_other_processes_are_combined(graph: Graph) -> None:
    answer = graph.ask({"data": {"ndarray": [[1], [2]]}, "meta": {"puid": "p1", "tags": {"mine": 1}}})

    assert answer["data"] == {"names": ["value", "rows"], "ndarray": [[3.0, 2.0], [3.0, 2.0]]}
    assert answer["meta"]["puid"] == "p1"
    assert answer["meta"]["requestPath"] == {"a": "a", "b": "b"}
    assert answer["meta"]["tags"] == {"mine": 1, "last": 4.0, "is-2": 0, "is-4": 0}


def test_the_same_graph_in_one_process_answers_the_same(graph: Graph, tmp_path: Path) -> None:
    (tmp_path / "sayings.py").write_text(USER_CLASS)
    children = [inside(name, value) for name, value in (("a", 2.0), ("b", 4.0))]
    root = {"name": "root", "implementation": "AVERAGE_COMBINER", "children": children}
    options = ("--graph", json.dumps({"name": "p", "graph": root}), "--name", "root")
    with serving(tmp_path, *options, PYTHONPATH=str(tmp_path)) as fused:
        wait_until(fused.ready, deadline=30)
        answer = fused.client.post(PREDICT, json=GOOD).json()

    assert answer["data"]["names"] == graph.ask()["data"]["names"]
    assert answer["data"]["ndarray"] == graph.ask()["data"]["ndarray"]
    assert answer["meta"]["tags"] == {"last": 4.0, "is-2": 0, "is-4": 0}


def inside(name: str, value: float) -> dict[str, Any]:
    """A unit that is loaded where its graph is."""
    parameters = [
        {"name": "sluicegate.dev/python-class", "value": "sayings.Saying"},
        {"name": "value", "value": str(value), "type": "FLOAT"},
    ]
    return {"name": name, "type": "MODEL", "parameters": parameters}


def test_a_units_failure_is_passed_on_as_it_said_it(graph: Graph) -> None:
    answer = graph.engine.client.post(PREDICT, json={"strData": "no tea"})

    status = answer.json()["status"]
    if graph.transport == "REST":
        assert (answer.status_code, status["reason"], status["info"]) == (418, "TEAPOT", "no tea")
    else:
        # gRPC has no such status; the words arrive.
        assert (answer.status_code >= 400, "no tea" in status["info"]) == (True, True), status


def test_feedback_goes_where_the_answer_came_from(graph: Graph) -> None:
    """A combiner's answer came from all; one with a recorded branch from that one."""
    for routing in ({}, {"root": 0}):
        body = {"reward": 1.0, "response": {"meta": {"puid": "p2", "routing": routing}}}
        answered = graph.engine.client.post("/api/v1.0/feedback", json=body)
        assert answered.status_code == 200, answered.text

    assert {"is-2": 2.0, "is-4": 1.0}.items() <= graph.ask()["meta"]["tags"].items()


def test_an_engine_is_ready_while_its_units_take_connections(tmp_path: Path, graph: Graph) -> None:
    """The one that does not is named."""
    nowhere = free_port()
    ports = {"a": graph.units["a"].port, "gone": nowhere}
    with serving(tmp_path, ENGINE_PREDICTOR=predictor("AVERAGE_COMBINER", ports)) as engine:
        wait_until(lambda: told(engine) == "no connection to gone", deadline=20)
        answer = engine.client.post(PREDICT, json=GOOD)

    assert answer.status_code == 500
    assert f"unit 'gone' at http://127.0.0.1:{nowhere}/predict: " in answer.json()["status"]["info"]


def told(engine: Running) -> str:
    """Why it is not ready."""
    try:
        return str(engine.client.get("/ready").json().get("reason"))
    except httpx.TransportError:
        return "no port yet"
