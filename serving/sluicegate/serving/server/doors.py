"""The server's routes and what answers them; ``ROUTES`` is the whole list.

Anything that is not a route is 404, a route with another method 405 with Allow; HEAD goes wherever GET goes.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from sluicegate.serving.protocol import seldon
from sluicegate.serving.protocol.messages import Feedback
from sluicegate.serving.server import descriptions
from sluicegate.serving.server.dispatching import Loop
from sluicegate.serving.server.errors import NotReadyError, verdict_of
from sluicegate.serving.server.exchanges import TEXT_TYPE, Reply, Request, Response, json_response
from sluicegate.serving.server.metrics import exposition
from sluicegate.serving.server.predictions import Behind, InferenceCodec, Prediction, SeldonCodec, puid_header
from sluicegate.serving.server.request_log import FEEDBACK, Entry
from sluicegate.serving.server.routing import Call, Router
from sluicegate.serving.server.serving_state import Served

_PING = Response(body=b"pong", content_type=b"text/plain; charset=utf-8")
_LIVE = json_response({"live": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """All handlers of one server."""

    behind: Behind
    worker: ThreadPoolExecutor
    loop: Loop

    def router(self) -> Router:
        """The table of routes, ready to be asked."""
        text = self._read
        return Router(
            (
                *(("POST", path, self.predict) for path in _PREDICTIONS),
                *(("POST", path, self.feedback) for path in _FEEDBACK),
                *(("POST", path, self.infer) for path in _INFER),
                *(("GET", path, self.health) for path in _HEALTH),
                ("GET", "/health/ping", text("status", lambda _: _PING)),
                ("GET", "/live", text("status", lambda _: _LIVE)),
                ("GET", "/v2/health/live", text("status", lambda _: _LIVE)),
                ("GET", "/ready", text("status", self._ready)),
                ("GET", "/v2/health/ready", text("status", self._ready)),
                ("GET", "/prometheus", self.metrics),
                ("GET", "/metadata", text("metadata", self._described(descriptions.model))),
                ("GET", "/api/v1.0/metadata", text("metadata", self._described(descriptions.graph))),
                *(("GET", path, text("metadata", self._named(descriptions.model))) for path in _METADATA),
                ("GET", "/v2", text("metadata", lambda _: json_response(descriptions.SERVER))),
                *(("GET", path, text("metadata", self._named(descriptions.inference))) for path in _V2_MODEL),
                *(("GET", f"{path}/ready", text("status", self._named(_model_ready))) for path in _V2_MODEL),
            )
        )

    def predict(self, call: Call) -> None:
        """Seldon's predictions."""
        Prediction(self.behind, SeldonCodec(), call.request, call.reply).start(call.wanted)

    def infer(self, call: Call) -> None:
        """Open Inference's infer."""
        served = self.behind.state.served
        refusal = self._stranger(call)
        if refusal is not None:
            call.reply(refusal)
            return
        Prediction(self.behind, InferenceCodec(served.output if served else ""), call.request, call.reply).start(
            call.wanted
        )

    def feedback(self, call: Call) -> None:
        """Seldon's feedback: counted and logged at once, then told to the units."""
        try:
            value = seldon.parse(call.request.body)
            feedback = seldon.feedback_from(value)
            dispatcher = self.behind.state.dispatching()
        except Exception as error:  # noqa: BLE001  (whatever it is, this request is answered)
            self._feedback_answer(call, error, "")
            return
        puid = feedback.puid or call.request.headers.get(b"seldon-puid", b"").decode("latin-1")
        self._count(feedback, puid, call.request.body)
        dispatcher.tell(feedback, lambda error: self._feedback_answer(call, error, puid), call.request.headers)

    def _count(self, feedback: Feedback, puid: str, body: bytes) -> None:
        metrics, log = self.behind.metrics, self.behind.log
        metrics.feedback += 1
        metrics.reward += max(0.0, feedback.reward)
        metrics.reward_negative += max(0.0, -feedback.reward)
        if log is not None:
            log.offer(Entry(type=FEEDBACK, request_id=puid, data=body), self.behind.sender())

    def _feedback_answer(self, call: Call, error: BaseException | None, puid: str) -> None:
        if error is None:
            answer = json_response({"meta": {"puid": puid} if puid else {}}, 200, puid_header(puid) if puid else b"")
        else:
            answer = _failure(error)
        self._counted("feedback", call, answer)

    def health(self, call: Call) -> None:
        """Seldon's health status: what the model says of itself, asked on the worker thread."""
        served = self.behind.state.served
        ask = getattr(served.model.unit, "health_status", None) if served else None
        if ask is None:
            answer = json_response({"status": "ok"}) if served else self._ready(call)
            self._counted("status", call, answer)
            return
        self.worker.submit(ask).add_done_callback(
            lambda done: self.loop.call_soon_threadsafe(self._health_answer, call, done)
        )

    def _health_answer(self, call: Call, done: "Future[Any]") -> None:
        try:
            told = done.result()
            answer = Response(body=seldon.encode({"status": "ok"} if told is None else told))
        except BaseException as error:  # noqa: BLE001  (a model that cannot tell is not well)
            answer = _failure(error)
        self._counted("status", call, answer)

    def metrics(self, call: Call) -> None:
        """Prometheus' text."""
        call.reply(Response(body=exposition(self.behind.metrics).encode(), content_type=TEXT_TYPE))

    def _ready(self, _: Call) -> Response:
        body = self.behind.state.readiness()
        return json_response(body, 200 if body["ready"] else 503)

    def _read(self, service: str, answer: Callable[[Call], Response]) -> Callable[[Call], None]:
        return lambda call: self._counted(service, call, answer(call))

    def _described(self, describe: Callable[[Served], Any]) -> Callable[[Call], Response]:
        def answer(_: Call) -> Response:
            served = self.behind.state.served
            return json_response(describe(served)) if served else _failure(NotReadyError("the server is loading"))

        return answer

    def _named(self, describe: Callable[[Served], Any]) -> Callable[[Call], Response]:
        return lambda call: self._stranger(call) or self._described(describe)(call)

    def _stranger(self, call: Call) -> Response | None:
        """404 for a model or a version that is not served here."""
        state = self.behind.state
        model, version = call.arguments.get("model"), call.arguments.get("version")
        if state.served is None or (model in state.names and version in (None, state.served.version)):
            return None
        found = f"{model!r} version {version!r}" if version else repr(model)
        return json_response({"error": f"model: found {found}; expected one of {sorted(state.names)}"}, 404)

    def _counted(self, service: str, call: Call, answer: Response) -> None:
        call.reply(answer)
        self.behind.metrics.observe(service, call.request.method, answer.status, perf_counter() - call.request.received)


_PREDICTIONS = ("/api/v1.0/predictions", "/api/v0.1/predictions", "/predict")
_FEEDBACK = ("/api/v1.0/feedback", "/api/v0.1/feedback", "/send-feedback")
_HEALTH = ("/api/v1.0/health/status", "/health/status", "/api/v1.0/status")
_METADATA = ("/api/v1.0/metadata/{model}", "/api/v0.1/metadata/{model}")
_V2_MODEL = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
_INFER = tuple(f"{path}/infer" for path in _V2_MODEL)


def _model_ready(served: Served) -> dict[str, Any]:
    return {"name": served.name, "ready": True}


def _failure(error: BaseException) -> Response:
    verdict = verdict_of(error)
    return json_response(seldon.failure(verdict.status, verdict.reason, str(error)), verdict.status)


def handler_of(router: Router) -> Callable[[Request, Reply, Callable[[], bool]], None]:
    """The router as a connection's handler."""
    return lambda request, reply, wanted: router.route(Call(request=request, reply=reply, wanted=wanted))
