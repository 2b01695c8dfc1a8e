"""Units of other processes, called by each protocol that a graph may say, over HTTP and gRPC: our own server is theirs.

The answers are those of the model itself, asked by nobody.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.embedded.model_server.grpc_rig import Grpc, message, serving_grpc
from tests.embedded.model_server.rig import PREDICT, Running, serving
from tests.waiting import wait_until

pytestmark = pytest.mark.embedded

CLASSES = """
import numpy as np
class Twice:
    def transform_input(self, X, names):
        if np.asarray(X).dtype.kind in "fi" and (np.asarray(X) == 99).any():
            raise ValueError("no 99")
        return np.asarray(X) * 2
class Words:
    def predict(self, X, names):
        if isinstance(X, bytes):
            return X[::-1]
        if isinstance(X, str):
            return X + "!"
        X = np.asarray(X)
        if X.dtype.kind in "OU":
            return np.array([[f"{cell}!" for cell in row] for row in X])
        return X + 0.5
    def class_names(self):
        return ["left", "right"]
"""
ROWS = [[1.0, 2.0], [3.0, -4.0]]
EXPECTED = [[2.5, 4.5], [6.5, -7.5]]


@dataclass
class Led:
    """The engine of a graph, and how it calls."""

    engine: Running
    protocol: str
    transport: str

    def ask(self, body: Any) -> tuple[int, Any]:
        """By Seldon's protocol."""
        answer = self.engine.client.post(PREDICT, json=body)
        return answer.status_code, answer.json()


@pytest.fixture(scope="module")
def units(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Grpc]]:
    """A transformer and a model, each a process of its own."""
    directory = tmp_path_factory.mktemp("units")
    (directory / "remotes.py").write_text(CLASSES)
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(
                serving_grpc(directory, kind, "--service-type", service, "--name", name, PYTHONPATH=str(directory))
            )
            for name, kind, service in (("t", "remotes.Twice", "TRANSFORMER"), ("m", "remotes.Words", "MODEL"))
        }


@pytest.fixture(scope="module", params=[(p, t) for p in ("seldon", "v2", "tensorflow") for t in ("REST", "GRPC")])
def led(
    request: pytest.FixtureRequest, units: dict[str, Grpc], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Led]:
    """A graph of both, called by a protocol."""
    protocol, transport = request.param

    def unit(name: str, kind: str, *children: dict[str, Any]) -> dict[str, Any]:
        port = units[name].port if transport == "GRPC" else units[name].server.port
        endpoint = {"service_host": "127.0.0.1", "service_port": port, "type": transport}
        return {"name": name, "type": kind, "endpoint": endpoint, "children": list(children)}

    graph = json.dumps({"name": "p", "graph": unit("t", "TRANSFORMER", unit("m", "MODEL"))})
    with serving(tmp_path_factory.mktemp("engine"), "--graph", graph, "--protocol", protocol) as engine:
        wait_until(engine.ready, 60)
        yield Led(engine, protocol, transport)


def test_rows_of_numbers(led: Led) -> None:
    status, answer = led.ask({"data": {"ndarray": ROWS}, "meta": {"puid": "p1", "tags": {"mine": 1}}})

    assert (status, answer["data"]["ndarray"]) == (200, EXPECTED)
    assert (answer["meta"]["puid"], answer["meta"]["tags"]) == ("p1", {"mine": 1})


def test_names_of_tensors_go_along_and_come_back(led: Led) -> None:
    tensor = {"name": "x", "shape": [2, 2], "datatype": "FP64", "data": ROWS}
    answer = led.engine.client.post("/v2/models/m/infer", json={"id": "7", "inputs": [tensor]}).json()

    (output,) = answer["outputs"]
    assert (output["data"], output["shape"]) == ([2.5, 4.5, 6.5, -7.5], [2, 2])
    if led.protocol == "v2":
        assert output["name"] == "predict"  # what the model's own server calls it


def test_rows_of_tensorflow(led: Led) -> None:
    answer = led.engine.client.post("/v1/models/m:predict", json={"instances": ROWS})

    assert answer.json()["predictions"] == EXPECTED


def test_what_a_unit_refuses_is_passed_on(led: Led) -> None:
    status, answer = led.ask({"data": {"ndarray": [[99.0, 1.0]]}})

    assert status == 500
    assert "unit 't' raised ValueError: no 99" in json.dumps(answer)


def test_rows_of_text(led: Led) -> None:
    status, answer = led.ask({"data": {"ndarray": [["a", "b"]]}})

    assert (status, answer["data"]["ndarray"]) == (200, [["aa!", "bb!"]])


@pytest.mark.parametrize(
    "body",
    [{"jsonData": {"a": 1}}, {"data": {"ndarray": [["a", 1.0]]}}, {"data": {"ndarray": [["a"], [None]]}}],
    ids=["json", "mixed", "null"],
)
def test_what_tensors_cannot_say_is_the_callers_mistake(led: Led, body: Any) -> None:
    status, answer = led.ask(body)

    refused = "this graph calls a unit by tensors" in json.dumps(answer)
    assert refused == (led.protocol != "seldon")
    if refused:
        assert (status, answer["status"]["reason"]) == (400, "MICROSERVICE_BAD_DATA")


def test_feedback_has_no_form_beside_seldons_and_is_taken(led: Led) -> None:
    assert led.engine.client.post("/api/v1.0/feedback", json={"reward": 1, "response": {"meta": {}}}).status_code == 200


def test_a_combiner_of_another_process_is_asked_by_seldons_api(units: dict[str, Grpc], tmp_path: Path) -> None:
    """As the other protocols have no verb for it."""
    model = {"name": "m", "type": "MODEL", "endpoint": {"service_host": "127.0.0.1", "type": "REST"}}
    model["endpoint"]["service_port"] = units["m"].server.port  # type: ignore[index]
    with serving(tmp_path, "--implementation", "AVERAGE_COMBINER", "--service-type", "COMBINER", "--name", "c") as mean:
        endpoint = {"service_host": "127.0.0.1", "service_port": mean.port, "type": "REST"}
        root = {"name": "c", "type": "COMBINER", "endpoint": endpoint, "children": [model]}
        graph = json.dumps({"name": "p", "graph": root})
        with serving(tmp_path, "--graph", graph, "--protocol", "v2") as engine:
            wait_until(engine.ready, 60)

            assert engine.client.post(PREDICT, json={"data": {"ndarray": ROWS}}).json()["data"]["ndarray"] == [
                [1.5, 2.5],
                [3.5, -3.5],
            ]


def test_bytes_that_are_no_text_go_by_grpc_alone(units: dict[str, Grpc], tmp_path: Path) -> None:
    sent = message("seldon.protos.SeldonMessage", binData="/wA=")
    for transport, port in (("GRPC", units["m"].port), ("REST", units["m"].server.port)):
        endpoint = {"service_host": "127.0.0.1", "service_port": port, "type": transport}
        graph = json.dumps({"name": "p", "graph": {"name": "m", "type": "MODEL", "endpoint": endpoint}})
        with serving_grpc(tmp_path, "--graph", graph, "--protocol", "v2") as engine:
            answer = engine.server.client.post(PREDICT, json={"binData": "/wA="})
            if transport == "REST":
                assert (answer.status_code, answer.json()["status"]["reason"]) == (400, "MICROSERVICE_BAD_DATA")
            else:
                assert engine.call("seldon.protos.Seldon/Predict", sent) is not None
