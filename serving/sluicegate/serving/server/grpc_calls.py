"""One call over gRPC: who calls, what is predicted for him, how failures are told; shared by all services.

It is the path that ``predictions`` is for HTTP: the same dispatcher, the same figures (``service`` is the full name of
the method, ``code`` the status that HTTP would have), the same request log, which gets Seldon's JSON whatever came.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from time import perf_counter, time
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from sluicegate.serving.graph.errors import RemoteAnswerError
from sluicegate.serving.graph.units import Headers
from sluicegate.serving.protocol import seldon
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.errors import AnsweredError
from sluicegate.serving.server.copies import is_copy
from sluicegate.serving.server.dispatching import Dispatching, Result
from sluicegate.serving.server.errors import OverloadedError, verdict_of
from sluicegate.serving.server.predictions import Behind, puid_of
from sluicegate.serving.server.request_log import REQUEST, RESPONSE, Entry
from sluicegate.serving.server.serving_state import Served

PUID = "seldon-puid"
_DETAILS = 2000
"""Characters of an error's text; all metadata together must fit what clients take, 8 KiB."""
_CODES = {
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    409: grpc.StatusCode.FAILED_PRECONDITION,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}


@dataclass(slots=True, kw_only=True)
class Call:
    """A call under way. ``puid`` becomes the message's own, if it brings one."""

    method: str
    headers: Headers
    puid: str
    copy: bool
    received: float = field(default_factory=perf_counter)
    at: float = field(default_factory=time)


Handle = Callable[[Call, Any], Awaitable[Any]]
"""Takes a request's message, gives the answer's. Raises what ``verdict_of`` knows."""


def call_of(method: str, metadata: Iterable[tuple[str, str | bytes]], predictor: bytes) -> Call:
    """A call with what its metadata says; what is for gRPC alone, or no text, goes no further."""
    headers = {
        name.encode(): value.encode() if isinstance(value, str) else bytes(value)
        for name, value in metadata
        if not name.startswith("grpc-") and not name.endswith("-bin")
    }
    return Call(method=method, headers=headers, puid=puid_of(headers), copy=is_copy(headers, predictor))


def parsed(kind: Any, raw: bytes) -> Any:
    """The message that came. Raises BadPayloadError."""
    try:
        return kind.FromString(raw)
    except DecodeError as error:
        raise BadPayloadError("(message)", str(error), f"a {kind.DESCRIPTOR.full_name}") from error


def code_of(error: BaseException) -> grpc.StatusCode:
    """The status of a failure."""
    status = status_of(error)
    return _CODES.get(status, grpc.StatusCode.INVALID_ARGUMENT if status < 500 else grpc.StatusCode.INTERNAL)


def status_of(error: BaseException) -> int:
    """The status that HTTP has for a failure."""
    return error.status if isinstance(error, AnsweredError | RemoteAnswerError) else verdict_of(error).status


def retry_metadata(error: BaseException) -> tuple[tuple[str, str], ...]:
    """When to come again, in HTTP's word and in gRPC's own (its proposal A6), which clients with retries obey."""
    if not isinstance(error, OverloadedError):
        return ()
    return (("retry-after", str(error.retry_seconds)), ("grpc-retry-pushback-ms", str(1000 * error.retry_seconds)))


def details_of(error: BaseException) -> str:
    """A failure's text, as long as metadata may be."""
    text = str(error)
    return text if len(text) <= _DETAILS else f"{text[:_DETAILS]}…"


class Predicting:
    """The way of a prediction through the server."""

    def __init__(self, behind: Behind) -> None:
        self._behind = behind

    async def predict(self, call: Call, read: Callable[[], Message], write: Callable[[Message, Served], Any]) -> Any:
        """Read, ask the graph, write; both ends are logged. Raises what any of them raises."""
        try:
            made, answer = await self._predicted(call, read, write)
        except Exception as error:
            status = status_of(error)
            body = seldon.failure(status, verdict_of(error).reason, str(error), call.puid)
            self._log(call, RESPONSE, seldon.encode(body), status)
            raise
        self._log(call, RESPONSE, answer, 200)
        return made

    async def _predicted(
        self, call: Call, read: Callable[[], Message], write: Callable[[Message, Served], Any]
    ) -> tuple[Any, Message]:
        try:
            message = read()
            call.puid = message.meta.puid or call.puid
            dispatcher, served = self._behind.state.dispatching(), self._behind.state.serving()
        except Exception:
            self._log(call, REQUEST, b"")
            raise
        message = replace(message, meta=replace(message.meta, puid=call.puid))
        self._log(call, REQUEST, message)
        answer = self._behind.completed(await _answered(dispatcher, message, call.headers), call.puid, served)
        return write(answer, served), answer

    def _log(self, call: Call, kind: str, data: bytes | Message, status: int | None = None) -> None:
        log = self._behind.log
        if log is None or b"seldon-skip-logging" in call.headers:
            return
        at, seconds = (call.at, None) if kind == REQUEST else (time(), perf_counter() - call.received)
        entry = Entry(
            type=kind,
            request_id=call.puid,
            at=at,
            data=data,
            status=status,
            seconds=seconds,
            shadow=call.copy,
            headers=call.headers,
            protocol="seldon",
        )
        log.offer(entry, self._behind.sender())


async def _answered(dispatcher: Dispatching, message: Message, headers: Headers) -> Message:
    waiting: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

    def done(result: Result) -> None:
        if not waiting.done():
            waiting.set_result(result)

    # A client that went, or whose deadline has passed, cancels this task and with it what waits.
    dispatcher.submit(message, done, lambda: not waiting.done(), headers)
    result = await waiting
    if isinstance(result, BaseException):
        raise result
    return result
