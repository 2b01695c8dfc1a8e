"""gRPC's health checks and reflection, of our own few lines.

The packages for both keep their messages in the common pool, where a user's class may bring its own.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc

from sluicegate.serving.protocol.protobuf import POOL, message_type
from sluicegate.serving.server.serving_state import State

HEALTH = "grpc.health.v1.Health"
REFLECTION = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")
"""Clients know it by either name; the messages are the same."""
_HealthCheckRequest = message_type("grpc.health.v1.HealthCheckRequest")
_HealthCheckResponse = message_type("grpc.health.v1.HealthCheckResponse")
_Status = _HealthCheckResponse.ServingStatus
_ReflectionRequest = message_type("grpc.reflection.v1.ServerReflectionRequest")
_ReflectionResponse = message_type("grpc.reflection.v1.ServerReflectionResponse")
_LOOK_SECONDS = 0.1
_NOT_FOUND = 5


class Health:
    """Whether the server, or a service of it, is ready: as ``/ready`` says it over HTTP."""

    def __init__(self, state: State, services: Sequence[str], closing: asyncio.Event) -> None:
        self._state, self._services, self._closing = state, frozenset(services), closing

    def handlers(self) -> Any:
        """Check and Watch."""
        forms = {
            "request_deserializer": _HealthCheckRequest.FromString,
            "response_serializer": _HealthCheckResponse.SerializeToString,
        }
        methods = {
            "Check": grpc.unary_unary_rpc_method_handler(self._check, **forms),
            "Watch": grpc.unary_stream_rpc_method_handler(self._watch, **forms),
        }
        return grpc.method_handlers_generic_handler(HEALTH, methods)

    async def _check(self, request: Any, context: Any) -> Any:
        status = self._status(request.service)
        if status == _Status.SERVICE_UNKNOWN:
            text = f"service: found {request.service[:200]!r}; expected one of {', '.join(sorted(self._services))}"
            await context.abort(grpc.StatusCode.NOT_FOUND, text)
        return _HealthCheckResponse(status=status)

    async def _watch(self, request: Any, _: Any) -> AsyncIterator[Any]:
        told: int | None = None
        while True:
            # A stream without an end would hold up the server's own.
            ending = self._closing.is_set()
            status = self._status(request.service)
            if status != told:
                told = status
                yield _HealthCheckResponse(status=status)
            if ending:
                return
            await _first(self._closing, _LOOK_SECONDS)

    def _status(self, name: str) -> int:
        if name and name not in self._services:
            return int(_Status.SERVICE_UNKNOWN)
        return int(_Status.SERVING if self._state.readiness()["ready"] else _Status.NOT_SERVING)


class Reflection:
    """Which services there are and what their messages look like."""

    def __init__(self, services: Sequence[str], closing: asyncio.Event) -> None:
        self._services, self._closing = (*services, REFLECTION[0]), closing

    def handlers(self) -> list[Any]:
        """The same under both names."""
        method = grpc.stream_stream_rpc_method_handler(
            self._answers,
            request_deserializer=_ReflectionRequest.FromString,
            response_serializer=_ReflectionResponse.SerializeToString,
        )
        return [grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": method}) for name in REFLECTION]

    async def _answers(self, requests: AsyncIterator[Any], _: Any) -> AsyncIterator[Any]:
        ending = asyncio.ensure_future(self._closing.wait())
        try:
            while not ending.done():
                asked = asyncio.ensure_future(anext(requests, None))
                await asyncio.wait((asked, ending), return_when=asyncio.FIRST_COMPLETED)
                if not asked.done():
                    asked.cancel()
                    return
                request = asked.result()
                if request is None:
                    return
                yield self._answer(request)
        finally:
            ending.cancel()

    def _answer(self, request: Any) -> Any:
        answer = _ReflectionResponse(valid_host=request.host, original_request=request)
        which = request.WhichOneof("message_request")
        try:
            if which == "list_services":
                for name in self._services:
                    answer.list_services_response.service.add(name=name)
            elif which == "file_by_filename":
                _add_files(answer, POOL.FindFileByName(request.file_by_filename))
            elif which == "file_containing_symbol":
                _add_files(answer, POOL.FindFileContainingSymbol(request.file_containing_symbol))
            else:
                _refuse(answer, "no extensions are known here")
        except KeyError:
            _refuse(answer, f"{getattr(request, which)[:200]!r} is not known here")
        return answer


def _add_files(answer: Any, file: Any) -> None:
    """The file and all that it needs."""
    found: dict[str, Any] = {}
    waiting = [file]
    while waiting:
        each = waiting.pop()
        if each.name not in found:
            found[each.name] = each
            waiting += each.dependencies
    answer.file_descriptor_response.file_descriptor_proto.extend(each.serialized_pb for each in found.values())


def _refuse(answer: Any, text: str) -> None:
    answer.error_response.error_code, answer.error_response.error_message = _NOT_FOUND, text


async def _first(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
