"""Our own clients over gRPC, of Python, of Seldon's names and of the command for whole files, at a real server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.embedded.model_server.collecting import Collector, listening_collector
from tests.embedded.model_server.grpc_rig import Grpc, serving_grpc
from tests.waiting import free_port, wait_until

from seldon_core.seldon_client import SeldonCallCredentials, SeldonClient
from sluicegate.serving.client.errors import NotFoundError, RefusedError, UnreachableError
from sluicegate.serving.client.prediction_grpc import GrpcPredictionClient

pytestmark = pytest.mark.embedded

USER_CLASS = """
class Doubling:
    def predict(self, X, names, meta=None):
        if isinstance(X, str):
            return X + X
        if any(row[0] < 0 for row in X):
            raise type("Refused", (Exception,), {"status_code": 400, "reason": "NEGATIVE"})("a negative number")
        return [[2 * row[0]] for row in X]
    def transform_input(self, X, names, meta=None):
        return X + 1
    def aggregate(self, Xs, names):
        return sum(Xs)
"""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with listening_collector() as found:
        yield found


@pytest.fixture(scope="module")
def doubling(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grpc]:
    """A server that tells what it was asked."""
    directory = tmp_path_factory.mktemp("doubling")
    (directory / "doubling.py").write_text(USER_CLASS)
    options = ("--implementation", "doubling.Doubling", "--model-uri", str(directory))
    with serving_grpc(directory, *options, "--log-url", f"http://127.0.0.1:{collector.port}/events") as running:
        yield running


def test_predictions_and_what_became_true(doubling: Grpc, collector: Collector) -> None:
    with GrpcPredictionClient(f"127.0.0.1:{doubling.port}", "default", "", headers={"Seldon-Puid": "mine"}) as client:
        prediction = client.predict([[1.5], [2]], ["x"])
        client.feedback(prediction.puid, [1, 0], reward=0.5)
        wait_until(lambda: collector.of("feedback"))

    assert (prediction.values, prediction.names, prediction.puid) == ([[3], [4]], ("t:0",), "mine")
    assert prediction.raw["data"] == {"names": ["t:0"], "ndarray": [[3], [4]]}
    (told,) = collector.of("feedback")
    assert (told["requestid"], told["data"]["reward"]) == ("mine", 0.5)
    assert told["data"]["truth"]["data"]["ndarray"] == [[1], [0]]


def test_failures_say_who_is_to_act(doubling: Grpc) -> None:
    with GrpcPredictionClient(f"127.0.0.1:{doubling.port}", "default", "dep") as client:
        with pytest.raises(RefusedError, match="default/dep: INVALID_ARGUMENT a negative number"):
            client.predict([[-1]], ["x"])
        with pytest.raises(RefusedError, match="expected a list of 2"):
            client.predict([[1, 2], [3]], ["x"])
    with (
        GrpcPredictionClient(f"http://127.0.0.1:{free_port()}", "default", "dep", timeout=2) as client,
        pytest.raises(UnreachableError, match="is the gateway up"),
    ):
        client.predict([[1]], ["x"])
    with (
        GrpcPredictionClient(doubling.server.client.base_url.netloc.decode(), "d", "d", timeout=2) as client,
        pytest.raises((NotFoundError, UnreachableError)),
    ):
        client.predict([[1]], ["x"])


def batch(doubling: Grpc, directory: Path, rows: str, *options: str) -> "subprocess.CompletedProcess[str]":
    (directory / "rows.jsonl").write_text(rows)
    command = [sys.executable, "-m", "sluicegate.pipelines.cli", "batch", "-d", "dep", "-t", "grpc"]
    files = ["-i", str(directory / "rows.jsonl"), "-o", str(directory / "out.jsonl"), "--keep-order"]
    place = ["-h", f"127.0.0.1:{doubling.port}"]
    return subprocess.run([*command, *place, *files, *options], capture_output=True, text=True, timeout=60, check=False)


def lines_of(directory: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (directory / "out.jsonl").read_text().splitlines()]


def test_a_file_goes_through(doubling: Grpc, collector: Collector, tmp_path: Path) -> None:
    """In batches, with Seldon's tags, as over REST."""
    done = batch(doubling, tmp_path, "".join(f"[{n}]\n" for n in range(50)), "-w", "4", "-s", "7", "-p", "tensor")

    assert (done.returncode, done.stderr) == (0, "50 of 50 items answered, 0 failed\n")
    lines = lines_of(tmp_path)
    assert [line["data"]["tensor"] for line in lines] == [{"shape": [1, 1], "values": [2 * n]} for n in range(50)]  # type: ignore[index]
    assert [line["meta"]["tags"]["batch_index"] for line in lines] == list(range(50))  # type: ignore[index]


def test_an_item_that_fails_is_told_with_the_servers_words(doubling: Grpc, tmp_path: Path) -> None:
    done = batch(doubling, tmp_path, "[1]\n[-1]\n[2]\n")

    assert done.returncode == 1
    assert lines_of(tmp_path)[1]["status"] == {"code": 400, "info": "a negative number", "status": "FAILURE"}


def test_texts_and_feedback_go_through(doubling: Grpc, tmp_path: Path) -> None:
    assert batch(doubling, tmp_path, "a\n", "-a", "str").returncode == 0
    assert lines_of(tmp_path)[0]["strData"] == "aa"
    told = json.dumps({"reward": 1, "response": {"meta": {"puid": "p"}}})

    assert batch(doubling, tmp_path, told + "\n", "-m", "feedback", "--overwrite").returncode == 0


def test_an_option_that_grpc_has_not_is_refused(doubling: Grpc, tmp_path: Path) -> None:
    done = batch(doubling, tmp_path, "[1]\n", "--use-ssl", "--no-ssl-verify")

    assert done.returncode == 1
    assert "gRPC checks certificates always" in done.stderr


def test_seldons_client_asks_over_grpc(doubling: Grpc) -> None:
    """A deployment and a single unit, with the words of REST."""
    client = SeldonClient(
        transport="grpc",
        gateway="seldon",
        gateway_endpoint=f"127.0.0.1:{doubling.port}",
        microservice_endpoint=f"127.0.0.1:{doubling.port}",
        call_credentials=SeldonCallCredentials("secret"),
    )

    answer = client.predict(data=[[1.5]], names=["x"])
    assert (answer.success, answer.response["data"]["tensor"]) == (True, {"shape": [1, 1], "values": [3.0]}), answer.msg
    assert client.predict(str_data="a", gateway="istio", deployment_name="dep").response["strData"] == "aa"
    moved = client.microservice(method="transform-input", data=[[1]], payload_type="ndarray")
    assert moved.response["data"]["ndarray"] == [[2]]
    summed = client.microservice(method="aggregate", datas=[[[1]], [[2]]], payload_type="ndarray")
    assert summed.response["data"]["ndarray"] == [[3]]
    assert client.feedback(answer.request, answer.response, reward=1).success
    assert client.microservice_feedback(answer.request, answer.response, reward=1).success
    refused = client.predict(data=[[-1]])
    assert (refused.success, refused.msg) == (False, "INVALID_ARGUMENT: a negative number")
