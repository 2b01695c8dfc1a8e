"""The prediction doors: Seldon's and Open Inference's way in and out around one path for one request.

Read the payload, give it to the dispatcher, write the answer; count it, and hand both to the request log.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter, time
from typing import Any, Protocol
from uuid import uuid4

from sluicegate.serving.graph.errors import RemoteAnswerError
from sluicegate.serving.protocol import inference, seldon
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.server.copies import is_copy
from sluicegate.serving.server.dispatching import Result
from sluicegate.serving.server.errors import NotReadyError, verdict_of
from sluicegate.serving.server.exchanges import JSON_TYPE, Reply, Request, Response
from sluicegate.serving.server.metrics import Metrics
from sluicegate.serving.server.request_log import REQUEST, RESPONSE, Entry, RequestLog, Sender
from sluicegate.serving.server.serving_state import Served, State

_ID_HEADERS = (b"seldon-puid", b"x-request-id")


class Codec(Protocol):
    """A protocol's way in and out."""

    def read(self, value: Any) -> Message:
        """The payload as a message. Raises BadPayloadError."""

    def write(self, message: Message, served: Served) -> dict[str, Any]:
        """The answer's body. Raises BadAnswerError."""

    def failure(self, code: int, reason: str, info: str, puid: str) -> dict[str, Any]:
        """A failure's body."""


class SeldonCodec:
    """Seldon's JSON."""

    read = staticmethod(seldon.message_from)
    failure = staticmethod(seldon.failure)

    def write(self, message: Message, served: Served) -> dict[str, Any]:  # noqa: ARG002  (the port's signature)
        """SeldonMessage."""
        return seldon.body_of(message)


class InferenceCodec:
    """Open Inference v2, for one request: its id comes back in the answer, but joins nothing, as clients repeat ids."""

    def __init__(self, output: str) -> None:
        self._output = output
        self._id = ""

    def read(self, value: Any) -> Message:
        """An inference request."""
        request = inference.request_from(value)
        for index, name in enumerate(request.outputs):
            if name != self._output:
                raise BadPayloadError(f"outputs[{index}].name", repr(name), repr(self._output))
        self._id = request.id
        return inference.message_of(request)

    def write(self, message: Message, served: Served) -> dict[str, Any]:
        """An inference response."""
        identity = self._id or message.meta.puid
        return inference.answer_of(
            message, model=served.name, version=served.version, identity=identity, output=self._output
        )

    def failure(self, code: int, reason: str, info: str, puid: str) -> dict[str, Any]:  # noqa: ARG002
        """The protocol's error object."""
        return {"error": info}


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What stands behind the doors."""

    state: State
    metrics: Metrics
    log: RequestLog | None
    sender: Callable[[], Sender]
    predictor: bytes = b""


class Prediction:
    """One request on its way through."""

    __slots__ = ("_at", "_behind", "_codec", "_puid", "_reply", "_request")

    def __init__(self, behind: Behind, codec: Codec, request: Request, reply: Reply) -> None:
        self._behind, self._codec, self._request, self._reply = behind, codec, request, reply
        self._at = time()
        self._puid = _puid_of(request)

    def start(self, wanted: Callable[[], bool]) -> None:
        """Read and dispatch; every failure is answered."""
        body = self._request.body
        try:
            value = seldon.parse(body)
        except BadPayloadError as error:
            self._fail(error)
            return
        try:
            message = self._codec.read(value)
            self._puid = message.meta.puid or self._puid
            dispatcher = self._behind.state.dispatching()
        except Exception as error:  # noqa: BLE001  (whatever it is, this request is answered)
            self._log(REQUEST, body)
            self._fail(error)
            return
        self._log(REQUEST, body)
        meta = replace(message.meta, puid=self._puid)
        dispatcher.submit(replace(message, meta=meta), self._finish, wanted, self._request.headers)

    def _finish(self, result: Result) -> None:
        served = self._behind.state.served
        if isinstance(result, BaseException) or served is None:
            self._fail(result if isinstance(result, BaseException) else NotReadyError("nothing is served"))
            return
        for metric in result.meta.metrics:
            self._behind.metrics.told(metric)
        path = {**result.meta.request_path, **served.graph.request_path}
        meta = replace(result.meta, puid=self._puid, request_path=path)
        try:
            body = seldon.encode(self._codec.write(replace(result, meta=meta), served))
        except Exception as error:  # noqa: BLE001  (an answer that cannot be written is the model's failure)
            self._fail(error)
            return
        self._answer(200, body)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, RemoteAnswerError):
            # Another process of the graph has said it in its own words.
            self._answer(error.status, error.body, error.content_type)
            return
        verdict = verdict_of(error)
        body = self._codec.failure(verdict.status, verdict.reason, str(error), self._puid)
        self._answer(verdict.status, seldon.encode(body))

    def _answer(self, status: int, body: bytes, content_type: bytes = JSON_TYPE) -> None:
        seconds = perf_counter() - self._request.received
        headers = puid_header(self._puid)
        self._reply(Response(status=status, body=body, content_type=content_type, headers=headers))
        copy = is_copy(self._request, self._behind.predictor)
        self._behind.metrics.observe("predictions", self._request.method, status, seconds, copy=copy)
        self._log(RESPONSE, body, status, seconds)

    def _log(self, kind: str, data: bytes, status: int | None = None, seconds: float | None = None) -> None:
        log = self._behind.log
        if log is None or b"seldon-skip-logging" in self._request.headers:
            return
        shadow = is_copy(self._request, self._behind.predictor)
        at = self._at if kind == REQUEST else time()
        entry = Entry(type=kind, request_id=self._puid, at=at, data=data, status=status, seconds=seconds, shadow=shadow)
        log.offer(entry, self._behind.sender())


def _puid_of(request: Request) -> str:
    for name in _ID_HEADERS:
        value = request.headers.get(name, b"")
        if value and len(value) <= 256 and value.isascii():
            return value.decode()
    return uuid4().hex


def puid_header(puid: str) -> bytes:
    """The header line of an answer; Open Inference ids may hold what no header can."""
    return b"seldon-puid: %b\r\n" % puid.encode() if puid.isascii() and puid.isprintable() else b""
