"""A line on stdout for each request, from real servers whose stdout is read, slowly read, or not read at all."""

import json
import subprocess
from pathlib import Path
from typing import Any

import grpc
import pytest
from tests.embedded.model_server.grpc_rig import message
from tests.embedded.model_server.rig import GOOD, PREDICT, Running, posted, serving
from tests.waiting import free_port, wait_until

from sluicegate.serving.protocol import protobuf

pytestmark = pytest.mark.embedded

TRACE = "0af7651916cd43dd8448eb211c80319c"
UNIT = ("--implementation", "SIMPLE_MODEL", "--predictor-name", "p", "--access-log", "true", "--output", "json")


def lines_of(server: Running) -> list[dict[str, Any]]:
    """What it wrote until its end."""
    server.process.terminate()
    written, _ = server.process.communicate(timeout=15)
    return [json.loads(line) for line in written.splitlines()]


def test_each_request_is_a_line(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, *UNIT, "--grpc-port", str(port), stdout=subprocess.PIPE) as server:
        wait_until(server.ready, deadline=60)
        server.client.post(
            PREDICT,
            json=GOOD,
            headers={"x-request-id": "one", "traceparent": f"00-{TRACE}-b7ad6b7169203331-01"},
        )
        server.client.post(PREDICT, content=b"no JSON", headers={"x-request-id": "two"})
        server.client.get("/live")
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            call = channel.unary_unary(
                "/seldon.protos.Seldon/Predict",
                request_serializer=lambda each: each.SerializeToString(),
                response_deserializer=protobuf.message_type("seldon.protos.SeldonMessage").FromString,
            )
            call(message("seldon.protos.SeldonMessage", **GOOD), metadata=(("seldon-puid", "three"),), timeout=10)
        found = lines_of(server)

    requests = [line for line in found if line["message"] == "request"]
    assert [line["message"] for line in found if line not in requests] == ["listening", "ready", "draining", "drained"]
    assert [without(line, "time", "ms") for line in requests] == [
        {**asked("one", "POST", PREDICT, 200), "rows": 1, "trace": TRACE},
        asked("two", "POST", PREDICT, 400),
        {**asked("three", "unary", "/seldon.protos.Seldon/Predict", 200), "rows": 1, "code": "OK"},
    ]
    assert all(0 < line["ms"] < 10_000 and line["time"].endswith("Z") for line in requests)


def asked(identity: str, method: str, path: str, status: int) -> dict[str, Any]:
    """What a line says in any case."""
    known = {"level": "info", "message": "request", "predictor": "p", "unit": "unit"}
    return {**known, "id": identity, "method": method, "path": path, "status": status}


def without(line: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in line.items() if name not in names}


def test_a_stdout_that_nobody_reads_costs_no_request_and_no_end(tmp_path: Path) -> None:
    """A pipe is full after some hundred lines."""
    with serving(tmp_path, *UNIT, stdout=subprocess.PIPE) as server:
        wait_until(server.ready, deadline=60)
        asked = posted(PREDICT, json.dumps(GOOD).encode()).replace(b"close", b"keep-alive")
        answers = b"".join(server.raw(asked * 30) for _ in range(40))
        assert answers.count(b"HTTP/1.1 200") == 1200
        server.process.terminate()

        assert server.process.wait(15) == 0
