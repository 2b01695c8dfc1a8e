"""Servers and clients that speak gRPC, for the gateway's tests: raw bytes, as a gateway reads no messages."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import grpc
from tests.embedded import gateway_rig
from tests.embedded.gateway_rig import Headers, Rig
from tests.waiting import free_port

from sluicegate.serving.gateway.routes import Address

ROOT = Path(__file__).parents[2]
PREDICT = "/seldon.protos.Seldon/Predict"
FEEDBACK = "/seldon.protos.Seldon/SendFeedback"
INFER = "/inference.GRPCInferenceService/ModelInfer"


class Backend(gateway_rig.Backend):
    """One server process with a port for gRPC beside that for HTTP."""

    def launch(self) -> "subprocess.Popen[bytes]":
        """Start it at two free ports."""
        self.address = Address(host="127.0.0.1", port=free_port(), grpc_port=free_port())
        ports = [str(self.address.port), str(self.address.grpc_port)]
        return subprocess.Popen([sys.executable, "-m", "tests.fakes.grpc_model", *ports, self.name], cwd=ROOT)


class Client:
    """A channel to the gateway."""

    def __init__(self, rig: Rig) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{rig.front.port}")

    def call(self, name: str, method: str = PREDICT, headers: dict[str, str] | None = None) -> str:
        """The server that answered, or the name of the status."""
        try:
            return self.ask(name, method, headers)
        except grpc.RpcError as error:
            return str(error.code().name)

    def ask(self, name: str, method: str = PREDICT, headers: dict[str, str] | None = None) -> str:
        """The server that answered. Raises RpcError."""
        sent = {"seldon": name, "namespace": "test", **(headers or {})}
        answer: bytes = self._channel.unary_unary(method)(b"{}", metadata=tuple(sent.items()), timeout=10)
        return answer.decode()

    def many(self, name: str, count: int, headers: Headers = lambda _: {}) -> Counter[str]:
        """How many of ``count`` predictions each server answered; failures under their status."""
        return Counter(self.call(name, headers=headers(index)) for index in range(count))

    def close(self) -> None:
        """Let go of the connection."""
        self._channel.close()


class Load(gateway_rig.Load):
    """Predictions by gRPC without pause."""

    def _client(self) -> None:
        client = Client(self.rig)
        while not self.stopped.is_set():
            self.answers[client.call(self.name)] += 1
        client.close()
