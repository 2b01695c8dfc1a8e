"""The gRPC door: one port for Seldon's services, Open Inference, TensorFlow's Predict, health and reflection.

It lives in the server's own event loop. ``app`` makes, starts and stops it. Services are tables from method to handler;
what a request and an answer look like is known from ``serving/proto``.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import grpc
import grpc.aio

from sluicegate.serving.protocol.protobuf import message_type, service
from sluicegate.serving.server.grpc_arriving import Arriving
from sluicegate.serving.server.grpc_calls import (
    PUID,
    Handle,
    call_of,
    code_of,
    details_of,
    parsed,
    retry_metadata,
    status_of,
)
from sluicegate.serving.server.grpc_health import HEALTH, Health, Reflection
from sluicegate.serving.server.predictions import Behind

Services = Mapping[str, Mapping[str, Handle]]
"""Full name of a service to its methods."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrpcLimits:
    """``message_bytes`` of a request or an answer, ``calls`` at the same time; ``shared`` with other processes.

    ``receive_seconds``: the longest that a request may take to arrive.
    """

    message_bytes: int
    calls: int
    receive_seconds: float = 60.0
    shared: bool = False


class GrpcDoor:
    """One server of gRPC; by TLS if there are ``credentials``."""

    def __init__(self, behind: Behind, services: Services, limits: GrpcLimits, credentials: Any = None) -> None:
        self._behind, self._credentials = behind, credentials
        self._arriving = Arriving(limits.receive_seconds)
        self._closing = asyncio.Event()
        self._server = grpc.aio.server(
            options=(
                ("grpc.max_receive_message_length", limits.message_bytes),
                ("grpc.max_send_message_length", limits.message_bytes),
                # No single client can have all of them.
                ("grpc.max_concurrent_streams", max(1, limits.calls // 2)),
                # Two servers on one port share its calls; strangers would, and nobody would be told.
                ("grpc.so_reuseport", int(limits.shared)),
            ),
            maximum_concurrent_rpcs=limits.calls,
        )
        health = Health(behind.state, (*services, HEALTH), self._closing)
        handlers = [self._handlers(name, methods) for name, methods in services.items()]
        handlers += [health.handlers(), *Reflection((*services, HEALTH), self._closing).handlers()]
        self._server.add_generic_rpc_handlers(tuple(handlers))

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises OSError."""
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if self._credentials is None:
                bound = self._server.add_insecure_port(address)
            else:
                bound = self._server.add_secure_port(address, self._credentials)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address}: {error}; free it or give --grpc-port") from error
        if not bound:
            raise OSError(f"cannot listen on {address}; free it or give --grpc-port")
        await self._server.start()
        self._arriving.begin()

    async def stop(self, seconds: float) -> None:
        """Take no more calls, finish those under way for so long at most."""
        self._closing.set()
        await self._server.stop(max(0.0, seconds))
        self._arriving.end()

    def _handlers(self, name: str, methods: Mapping[str, Handle]) -> Any:
        made = {}
        for method in service(name).methods:
            handle = methods.get(method.name)
            if handle is not None:
                kind = message_type(method.input_type.full_name)
                answer = self._answering(f"/{name}/{method.name}", kind, handle)
                made[method.name] = grpc.stream_unary_rpc_method_handler(answer)
        return grpc.method_handlers_generic_handler(name, made)

    def _answering(self, method: str, kind: Any, handle: Handle) -> Callable[[bytes, Any], Any]:
        observe, arrived = self._behind.metrics.observe, self._arriving.message

        # As a stream of one message, as grpcio would wait for a single one for ever, and count the call as running.
        async def answer(_: Any, context: Any) -> bytes:
            raw = await arrived(context)
            call = call_of(method, context.invocation_metadata() or (), self._behind.predictor)
            try:
                made: bytes = (await handle(call, parsed(kind, raw))).SerializeToString()
            except Exception as error:
                seconds = perf_counter() - call.received
                observe(method, "unary", status_of(error), seconds, copy=call.copy)
                await context.abort(code_of(error), details_of(error), (*_metadata(call.puid), *retry_metadata(error)))
                raise
            await context.send_initial_metadata(_metadata(call.puid))
            observe(method, "unary", 200, perf_counter() - call.received, copy=call.copy)
            return made

        return answer


def _metadata(puid: str) -> tuple[tuple[str, str], ...]:
    return ((PUID, puid),) if puid.isascii() and puid.isprintable() else ()
