"""A prediction over HTTP: one path for one request, whatever the codec.

Read the payload, give it to the dispatcher, write the answer; count it, and hand both to the request log.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from os import urandom
from time import perf_counter, time

from sluicegate.serving.graph.errors import RemoteAnswerError
from sluicegate.serving.protocol import seldon
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.runtime.errors import AnsweredError
from sluicegate.serving.server.copies import is_copy
from sluicegate.serving.server.dispatching import Result
from sluicegate.serving.server.errors import NotReadyError, retry_header, verdict_of
from sluicegate.serving.server.exchanges import Reply, Request, Response, html_safe
from sluicegate.serving.server.http_codecs import Codec, Written
from sluicegate.serving.server.metrics import Metrics
from sluicegate.serving.server.request_log import FEEDBACK, REQUEST, RESPONSE, Entry, RequestLog, Sender
from sluicegate.serving.server.serving_state import Served, State

PREDICTING = frozenset(
    {
        "predictions",
        "/seldon.protos.Seldon/Predict",
        "/seldon.protos.Model/Predict",
        "/inference.GRPCInferenceService/ModelInfer",
        "/tensorflow.serving.PredictionService/Predict",
    }
)
"""What metrics call the services that predict."""
_ID_HEADERS = (b"seldon-puid", b"x-request-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What stands behind the doors."""

    state: State
    metrics: Metrics
    log: RequestLog | None
    sender: Callable[[], Sender]
    predictor: bytes = b""
    metrics_shown: bool = True
    """Whether answers show the metrics that models report."""

    def count_feedback(
        self, feedback: Feedback, puid: str, headers: Mapping[bytes, bytes], body: bytes | None = None
    ) -> None:
        """Count a feedback and log it, as the JSON that came or that would have come."""
        self.metrics.feedback += 1
        self.metrics.reward += max(0.0, feedback.reward)
        self.metrics.reward_negative += max(0.0, -feedback.reward)
        if self.log is not None:
            data = seldon.encode(seldon.body_of_feedback(feedback)) if body is None else body
            self.log.offer(
                Entry(type=FEEDBACK, request_id=puid, data=data, headers=headers, protocol="seldon"), self.sender()
            )

    def completed(self, answer: Message, puid: str, served: Served) -> Message:
        """The model's answer with what the server knows of it; figures of the models in this process are counted."""
        if answer.meta.metrics:
            for metric in answer.meta.metrics:
                if not metric.counted:
                    self.metrics.told(metric)
            if not self.metrics_shown:
                answer = without_metrics(answer)
        meta = replace(answer.meta, puid=puid, request_path={**answer.meta.request_path, **served.graph.request_path})
        return replace(answer, meta=meta)


class Prediction:
    """One request on its way through."""

    __slots__ = ("_at", "_behind", "_codec", "_puid", "_reply", "_request")

    def __init__(self, behind: Behind, codec: Codec, request: Request, reply: Reply) -> None:
        self._behind, self._codec, self._request, self._reply = behind, codec, request, reply
        self._at = time()
        self._puid = puid_of(request.headers)

    def start(self, wanted: Callable[[], bool]) -> None:
        """Read and dispatch; every failure is answered."""
        body = self._request.body
        try:
            value = self._codec.parse(self._request)
        except BadPayloadError as error:
            self._fail(error)
            return
        try:
            message = self._codec.read(value)
            self._puid = message.meta.puid or self._puid
            dispatcher = self._behind.state.dispatching()
        except Exception as error:  # noqa: BLE001  (whatever it is, this request is answered)
            self._log(REQUEST, body if self._codec.json else b"")
            self._fail(error)
            return
        self._log(REQUEST, body if self._codec.json and message.form != "tftensor" else message)
        meta = replace(message.meta, puid=self._puid)
        dispatcher.submit(replace(message, meta=meta), self._finish, wanted, self._request.headers)

    def _finish(self, result: Result) -> None:
        served = self._behind.state.served
        if isinstance(result, BaseException) or served is None:
            self._fail(result if isinstance(result, BaseException) else NotReadyError("nothing is served"))
            return
        answer = self._behind.completed(result, self._puid, served)
        try:
            written = self._codec.write(answer, served)
        except Exception as error:  # noqa: BLE001  (an answer that cannot be written is the model's failure)
            self._fail(error)
            return
        self._answer(200, written, written.body if written.json and answer.form != "tftensor" else answer)

    def _fail(self, error: BaseException) -> None:
        if isinstance(error, AnsweredError | RemoteAnswerError):
            # The class's author, or another process of the graph, has said it in words of his own.
            self._answer(error.status, Written(error.body, error.content_type), error.body)
            return
        verdict = verdict_of(error)
        body = html_safe(seldon.encode(self._codec.failure(verdict.status, verdict.reason, str(error), self._puid)))
        self._answer(verdict.status, Written(body, headers=retry_header(error)), body)

    def _answer(self, status: int, written: Written, logged: bytes | Message) -> None:
        seconds = perf_counter() - self._request.received
        headers = puid_header(self._puid) + written.headers
        self._reply(Response(status=status, body=written.body, content_type=written.content_type, headers=headers))
        copy = is_copy(self._request.headers, self._behind.predictor)
        self._behind.metrics.observe("predictions", self._request.method, status, seconds, copy=copy)
        self._log(RESPONSE, logged, status, seconds)

    def _log(self, kind: str, data: bytes | Message, status: int | None = None, seconds: float | None = None) -> None:
        log = self._behind.log
        if log is None or b"seldon-skip-logging" in self._request.headers:
            return
        headers = self._request.headers
        entry = Entry(
            type=kind,
            request_id=self._puid,
            at=self._at if kind == REQUEST else time(),
            data=data,
            status=status,
            seconds=seconds,
            shadow=is_copy(headers, self._behind.predictor),
            headers=headers,
            protocol="seldon" if isinstance(data, Message) else self._codec.protocol,
        )
        log.offer(entry, self._behind.sender())


def without_metrics(message: Message) -> Message:
    """The message without what models report."""
    return replace(message, meta=replace(message.meta, metrics=()))


def puid_of(headers: Mapping[bytes, bytes]) -> str:
    """The id that a request brings, or one of its own."""
    for name in _ID_HEADERS:
        value = headers.get(name, b"")
        if value and len(value) <= 256 and value.isascii():
            return value.decode()
    return urandom(16).hex()


def puid_header(puid: str) -> bytes:
    """The header line of an answer; Open Inference ids may hold what no header can."""
    return b"seldon-puid: %b\r\n" % puid.encode() if puid.isascii() and puid.isprintable() else b""
