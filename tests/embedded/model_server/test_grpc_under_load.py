"""The gRPC door when things are slow: deadlines, a full queue, the end of the server while calls are under way."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tests.embedded.model_server.grpc_rig import Grpc, message, refusal, serving_grpc
from tests.waiting import wait_until

pytestmark = pytest.mark.embedded
PREDICT = "seldon.protos.Seldon/Predict"
ROW = message("seldon.protos.SeldonMessage", data={"ndarray": [[1.0]]})
SLOW = """
import time

class Slow:
    def predict(self, X, names):
        time.sleep(SECONDS)
        with open(__file__ + ".calls", "a") as calls:
            calls.write("x")
        return X

    def transform_input(self, X, names):
        return X * 2
"""


def _slow(directory: Path, seconds: float) -> tuple[str, ...]:
    (directory / f"slow{id(seconds)}.py").write_text(SLOW.replace("SECONDS", str(seconds)))
    return ("--implementation", f"slow{id(seconds)}.Slow", "--model-uri", directory.as_uri())


def test_a_deadline_that_passes_is_told_and_the_server_stays_well(tmp_path: Path) -> None:
    """The client's own; what nobody waits for any more is not asked of the model."""
    with serving_grpc(tmp_path, *_slow(tmp_path, 0.3)) as server:
        called = [server.stub(PREDICT).future(ROW, timeout=0.2) for _ in range(20)]

        assert {call.code() for call in called} == {grpc.StatusCode.DEADLINE_EXCEEDED}
        assert server.call(PREDICT, ROW, timeout=5).data.ndarray.values


def test_the_servers_own_time_limit_is_a_deadline_too(tmp_path: Path) -> None:
    """For clients that have none."""
    options = (*_slow(tmp_path, 5.0), "--request-timeout-seconds", "1")
    with serving_grpc(tmp_path, *options) as server:
        code, details = refusal(lambda: server.call(PREDICT, ROW))

    assert (code, "1 s" in details) == (grpc.StatusCode.DEADLINE_EXCEEDED, True)


def test_more_calls_than_may_wait_are_refused_at_once(tmp_path: Path) -> None:
    """With the status that says so; those that wait are answered."""
    with serving_grpc(tmp_path, *_slow(tmp_path, 0.2), "--queue", "3") as server:
        called = [server.stub(PREDICT).future(ROW, timeout=20) for _ in range(12)]

        codes = [call.code() for call in called]

    assert set(codes) == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert codes.count(grpc.StatusCode.OK) >= 3


def test_a_units_own_verbs_are_asked_of_the_root(tmp_path: Path) -> None:
    """A verb that the class does not have is unimplemented."""
    with serving_grpc(tmp_path, *_slow(tmp_path, 0.0)) as server:
        doubled = server.call("seldon.protos.Transformer/TransformInput", ROW)
        code, details = refusal(lambda: server.call("seldon.protos.Router/Route", ROW))

    assert doubled.data.ndarray.values[0].list_value.values[0].number_value == 2
    assert (code, "no route" in details) == (grpc.StatusCode.UNIMPLEMENTED, True), details


def test_no_call_that_has_begun_is_cut_when_the_server_ends(tmp_path: Path) -> None:
    """Under load: whatever the model answers reaches its client; health turns before the port closes."""
    with serving_grpc(tmp_path, *_slow(tmp_path, 0.02), "--drain-seconds", "4") as server:
        ended, seen = threading.Event(), [list[Any]() for _ in range(4)]
        health = health_pb2_grpc.HealthStub(server.channel).Watch(health_pb2.HealthCheckRequest())
        with ThreadPoolExecutor(4) as clients:
            for each in seen:
                clients.submit(_calling, server, ended, each)
            wait_until(lambda: sum(map(len, seen)) > 40, message="calls are answered")
            server.server.process.send_signal(signal.SIGTERM)
            states = [each.status for each in health]
            code = server.server.process.wait(10)
            ended.set()

    answered = sum(each.count(grpc.StatusCode.OK) for each in seen)
    (calls,) = tmp_path.glob("*.calls")
    assert (code, states) == (0, [1, 2])
    assert {status for each in seen for status in each} == {grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE}
    assert answered == len(calls.read_text())


def _calling(server: Grpc, ended: threading.Event, seen: list[Any]) -> None:
    while not ended.is_set():
        try:
            server.call(PREDICT, ROW)
        except grpc.RpcError as error:
            seen.append(error.code())
            ended.wait(0.01)
        else:
            seen.append(grpc.StatusCode.OK)
