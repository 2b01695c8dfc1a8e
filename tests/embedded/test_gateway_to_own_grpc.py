"""A real Envoy leads gRPC to our own model server: answers, the id of a call, health, the server's end."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from tests.embedded.gateway_rig import Rig
from tests.embedded.model_server.grpc_rig import Grpc, message, serving_grpc
from tests.waiting import wait_until

from sluicegate.serving.gateway.routes import Address, Backend, Route
from sluicegate.serving.protocol.seldon_protobuf import message_from

pytestmark = pytest.mark.embedded
ROW = message("seldon.protos.SeldonMessage", data={"tensor": {"shape": [1, 2], "values": [1.5, 2.5]}})
MODEL = """
class Doubling:
    def predict(self, X, names):
        return X * 2
"""
MARKS = (("seldon", "doubling"), ("namespace", "test"))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """A gateway of its own."""
    one = Rig(tmp_path_factory.mktemp("gateway"))
    yield one
    one.stop()


@pytest.fixture
def server(gateway: Rig, tmp_path: Path) -> Iterator[Grpc]:
    """Our server, led to by both ways; its client's channel goes through the gateway."""
    (tmp_path / "doubling_model.py").write_text(MODEL)
    options = ("--implementation", "doubling_model.Doubling", "--model-uri", tmp_path.as_uri())
    with serving_grpc(tmp_path, *options) as one:
        address = Address(host="127.0.0.1", port=one.server.port, grpc_port=one.port)
        share = Backend(predictor="main", weight=100, addresses=(address,))
        gateway.put(Route(namespace="test", name="doubling", backends=(share,)))
        with grpc.insecure_channel(f"127.0.0.1:{gateway.front.port}") as channel:
            yield Grpc(one.server, one.port, channel)


def test_a_call_is_answered_through_the_gateway_under_the_gateways_id(server: Grpc) -> None:
    """Which is the message's own puid."""
    answer, metadata = server.call_with_metadata("seldon.protos.Seldon/Predict", ROW, metadata=MARKS)

    assert np.array_equal(message_from(answer).content, [[3.0, 5.0]])
    assert metadata["seldon-puid"] == answer.meta.puid != ""
    assert metadata["x-request-id"] == answer.meta.puid


def test_a_refusal_comes_through_with_its_reason(server: Grpc) -> None:
    """Status and text are the server's."""
    with pytest.raises(grpc.RpcError) as caught:
        server.call("seldon.protos.Seldon/Predict", message("seldon.protos.SeldonMessage"), metadata=MARKS)

    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "no content" in caught.value.details()


def test_a_server_that_ends_costs_no_call_that_it_began(server: Grpc) -> None:
    """Afterwards the gateway says that nobody is there."""
    codes = []
    server.server.process.terminate()

    def asked() -> bool:
        try:
            server.call("seldon.protos.Seldon/Predict", ROW, metadata=MARKS)
        except grpc.RpcError as error:
            codes.append(error.code())
        return bool(codes)

    wait_until(asked, deadline=20, message="the server is gone")
    assert codes == [grpc.StatusCode.UNAVAILABLE]
