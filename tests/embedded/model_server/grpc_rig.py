"""A server with a port for gRPC, and a client of it that has our messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from tests.embedded.model_server.rig import Running, serving
from tests.waiting import free_port, wait_until

from sluicegate.serving.protocol import protobuf

Metadata = tuple[tuple[str, str], ...]


@dataclass
class Grpc:
    """A server process and a channel to it."""

    server: Running
    port: int
    channel: Any

    def call(self, method: str, request: Any, *, metadata: Metadata = (), timeout: float = 10) -> Any:
        """The answer of a unary method, by ``package.Service/Method``."""
        return self.call_with_metadata(method, request, metadata=metadata, timeout=timeout)[0]

    def call_with_metadata(
        self, method: str, request: Any, *, metadata: Metadata = (), timeout: float = 10
    ) -> tuple[Any, dict[str, str]]:
        """The answer and the metadata that came before it."""
        stub = self.stub(method)
        answer, made = stub.with_call(request, metadata=metadata, timeout=timeout)
        return answer, dict(made.initial_metadata())

    def stub(self, method: str) -> Any:
        """What calls a unary method; a request is a message, or bytes as they are."""
        service, name = method.split("/")
        (described,) = (each for each in protobuf.service(service).methods if each.name == name)
        return self.channel.unary_unary(
            f"/{method}",
            request_serializer=lambda request: request if isinstance(request, bytes) else request.SerializeToString(),
            response_deserializer=protobuf.message_type(described.output_type.full_name).FromString,
        )


@contextmanager
def serving_grpc(directory: Path, *options: str, **environment: str) -> Iterator[Grpc]:
    """A ready server."""
    port = free_port()
    with (
        serving(directory, *options, "--grpc-port", str(port), **environment) as running,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        wait_until(running.ready, deadline=60, message="the server is ready")
        yield Grpc(running, port, channel)


def message(kind: str, /, **fields: Any) -> Any:
    """A message of ours, from protobuf's JSON."""
    return protobuf.parsed(fields, protobuf.message_type(kind)())


def refusal(call: Any) -> tuple[grpc.StatusCode, str]:
    """Status and text of a call that must fail."""
    try:
        call()
    except grpc.RpcError as error:
        return error.code(), error.details()
    raise AssertionError("the call did not fail")
