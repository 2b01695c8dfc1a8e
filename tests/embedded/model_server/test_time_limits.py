"""A unit that does not answer in its time, here or elsewhere: 504 and DEADLINE_EXCEEDED, with its name."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from tests.embedded.model_server.grpc_rig import Grpc, message, refusal, serving_grpc
from tests.embedded.model_server.rig import PREDICT

pytestmark = pytest.mark.embedded

SLOW = """
import time
class Slow:
    def predict(self, X, names):
        time.sleep(0.8)
        return X
"""
LIMIT = {"name": "sluicegate.dev/timeout-ms", "value": "250", "type": "INT"}
ASKED = {"data": {"ndarray": [[1.0]]}}


@pytest.fixture(params=["here", "REST", "GRPC"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Grpc]:
    """Leads to the slow unit, in its own process or in another one."""
    (tmp_path / "slows.py").write_text(SLOW)
    source = {"PYTHONPATH": str(tmp_path)}
    unit = {"name": "slow", "type": "MODEL", "parameters": [LIMIT]}
    with ExitStack() as stack:
        if request.param == "here":
            unit |= {"implementation": "slows.Slow"}
        else:
            other = stack.enter_context(serving_grpc(tmp_path, "slows.Slow", "--name", "slow", **source))
            port = other.port if request.param == "GRPC" else other.server.port
            unit |= {"endpoint": {"service_host": "127.0.0.1", "service_port": port, "type": request.param}}
        graph = json.dumps({"name": "p", "graph": unit})
        yield stack.enter_context(serving_grpc(tmp_path, "--graph", graph, **source))


def test_a_unit_that_is_late_is_named(server: Grpc) -> None:
    late = server.server.client.post(PREDICT, json=ASKED)
    code, details = refusal(
        lambda: server.call("seldon.protos.Seldon/Predict", message("seldon.protos.SeldonMessage", **ASKED))
    )

    assert late.status_code == 504
    assert late.json()["status"]["reason"] == "TIMED_OUT"
    for told in (late.json()["status"]["info"], details):
        assert "unit 'slow'" in told
        assert "gave no answer within 0.25 s" in told
    assert code is grpc.StatusCode.DEADLINE_EXCEEDED
