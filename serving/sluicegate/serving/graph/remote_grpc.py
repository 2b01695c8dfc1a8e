"""A unit that another process answers for over gRPC, by the services of its dialect.

Its failures come back with the HTTP status that means the same, and its own words. The client's headers, or its
metadata, go along.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import grpc

from sluicegate.serving.api.seldon_deployment import Endpoint
from sluicegate.serving.graph.errors import LateError, RemoteAnswerError, UnreachableError
from sluicegate.serving.graph.grpc_dialects import GrpcDialect
from sluicegate.serving.graph.planning import Verb
from sluicegate.serving.graph.remote_rest import JSON_TYPE, KEPT_BACK, LOOK_SECONDS
from sluicegate.serving.graph.units import Headers
from sluicegate.serving.protocol import seldon
from sluicegate.serving.protocol.errors import BadAnswerError, BadPayloadError
from sluicegate.serving.protocol.messages import Feedback

STATUSES = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNAUTHENTICATED: 401,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNIMPLEMENTED: 501,
}
"""What a unit's refusal is over HTTP; everything else is its failure, 500."""
_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # A unit that is started again is found within a second.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # Nothing is sent twice unless it never left: grpc's own rule, and all that a router's count can bear.
    ("grpc.enable_retries", 0),
)


class GrpcUnit:
    """The unit ``name`` at ``endpoint``; each of its answers is waited for ``seconds``."""

    def __init__(self, name: str, endpoint: Endpoint, dialect: GrpcDialect, *, seconds: float) -> None:
        self.name, self._dialect, self._seconds = name, dialect, seconds
        self._address = f"{endpoint.service_host or 'localhost'}:{endpoint.grpc_port or endpoint.service_port}"
        self._channel: grpc.aio.Channel | None = None

    async def call(self, verb: Verb, messages: Sequence[Any], headers: Headers) -> Any:
        """As the port says. Raises RemoteAnswerError, UnreachableError, LateError, BadAnswerError, BadPayloadError."""
        received = await self._ask(*self._dialect.asked(verb, messages), headers)
        try:
            return self._dialect.answered(verb, messages, received)
        except BadPayloadError as error:
            raise BadAnswerError(f"unit {self.name!r} answered what cannot be read: {error}") from error

    async def send_feedback(self, feedback: Feedback, headers: Headers) -> None:
        """As the port says. Raises RemoteAnswerError, UnreachableError, LateError."""
        told = self._dialect.told(feedback)
        if told is not None:
            await self._ask(*told, headers)

    async def reachable(self) -> bool:
        """As the port says."""
        channel = self._connected()
        state = channel.get_state(try_to_connect=True)
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                while state is not grpc.ChannelConnectivity.READY:
                    await channel.wait_for_state_change(state)
                    state = channel.get_state(try_to_connect=True)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """As the port says."""
        if self._channel is not None:
            await self._channel.close()

    def _connected(self) -> "grpc.aio.Channel":
        # A channel belongs to the event loop that it is made in.
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self._address, options=_OPTIONS)
        return self._channel

    async def _ask(self, method: str, sent: Any, headers: Headers) -> Any:
        call = self._connected().unary_unary(
            method,
            request_serializer=type(sent).SerializeToString,
            response_deserializer=self._dialect.answer.FromString,
        )
        try:
            return await call(sent, timeout=self._seconds, metadata=_metadata(headers))
        except grpc.aio.AioRpcError as error:
            raise self._refused(method, error) from error

    def _refused(self, method: str, error: "grpc.aio.AioRpcError") -> Exception:
        words = error.details() or str(error.code())
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return LateError(self.name, self._seconds, f"{self._address}{method}")
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            return UnreachableError(self.name, f"{self._address}{method}", words)
        status = STATUSES.get(error.code(), 500)
        body = seldon.encode(seldon.failure(status, error.code().name, words))
        return RemoteAnswerError(self.name, status, body, JSON_TYPE)


def _metadata(headers: Headers) -> tuple[tuple[str, str], ...]:
    """What metadata can carry: printable ASCII under names that are not gRPC's own."""
    pairs = (
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.items() if name not in KEPT_BACK
    )
    return tuple(
        (name, value)
        for name, value in pairs
        if not name.startswith(("grpc-", ":")) and not name.endswith("-bin") and value.isascii() and value.isprintable()
    )
