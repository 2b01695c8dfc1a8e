"""The server's routes and what answers them; ``ROUTES`` is the whole list.

Anything that is not a route is 404, a route with another method 405 with Allow; HEAD goes wherever GET goes.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from sluicegate.serving.protocol import seldon
from sluicegate.serving.protocol.errors import ProtocolError
from sluicegate.serving.protocol.tensorflow import Verb
from sluicegate.serving.runtime.errors import AnsweredError, ModelError
from sluicegate.serving.server import descriptions
from sluicegate.serving.server.bodies import value_of
from sluicegate.serving.server.courtesies import NO_COURTESIES, Courtesies
from sluicegate.serving.server.dispatching import Loop
from sluicegate.serving.server.errors import NoSuchModelError, NotReadyError, ServerError, retry_header, verdict_of
from sluicegate.serving.server.exchanges import TEXT_TYPE, Reply, Request, Response, json_response
from sluicegate.serving.server.http_codecs import InferenceCodec, SeldonCodec, TensorflowCodec
from sluicegate.serving.server.openapi import document
from sluicegate.serving.server.predictions import Behind, Prediction, puid_header
from sluicegate.serving.server.routing import Call, Handle, Router
from sluicegate.serving.server.serving_state import Served
from sluicegate.serving.server.unit_doors import PATHS as UNIT_PATHS
from sluicegate.serving.server.unit_doors import UnitDoors, offers, unit_failure
from sluicegate.serving.server.unit_thread import UnitThread

_PING = Response(body=b"pong", content_type=b"text/plain; charset=utf-8")
_LIVE = json_response({"live": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """All handlers of one server."""

    behind: Behind
    worker: UnitThread
    loop: Loop
    figures: Callable[[Callable[[str], None]], None]
    """Gives the exposition of all workers, now or soon."""
    queue: int = 1024
    timeout_seconds: float = 30.0
    """Bounds of the calls that go to a unit past the graph."""
    courtesies: Courtesies = NO_COURTESIES
    metadata: dict[str, Any] = field(default_factory=dict)
    """What the settings tell of the model; wins over what it tells itself."""

    def router(self) -> Router:
        """The table of routes, ready to be asked."""
        routes = self._routes()
        paths = [*((method, path) for method, path, _ in routes), *(("GET", path) for path in _DOCUMENTS)]
        told = self._read("metadata", lambda _: json_response(document(self._offered(paths))))
        documents = tuple(("GET", path, told) for path in _DOCUMENTS)
        return Router((*routes, *documents), forms=_TAKE_FORMS, courtesies=self.courtesies)

    def _offered(self, paths: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Without the doors of verbs that the unit does not have."""
        served = self.behind.state.served
        return [each for each in paths if served is None or offers(served, each[1])]

    def watching(self) -> Router:
        """The routes of metrics and health alone."""
        return Router((*self._health_routes(), *(("GET", path, self.metrics) for path in _METRICS)))

    def _health_routes(self) -> tuple[tuple[str, str, Handle], ...]:
        text = self._read
        return (
            *(("GET", path, self.health) for path in _HEALTH),
            ("GET", "/health/ping", text("status", lambda _: _PING)),
            ("GET", "/live", text("status", lambda _: _LIVE)),
            ("GET", "/v2/health/live", text("status", lambda _: _LIVE)),
            ("GET", "/ready", text("status", self._ready)),
            ("GET", "/v2/health/ready", text("status", self._ready)),
        )

    def _routes(self) -> tuple[tuple[str, str, Handle], ...]:
        text = self._read
        units = UnitDoors(
            behind=self.behind,
            worker=self.worker,
            queue=self.queue,
            timeout_seconds=self.timeout_seconds,
        )
        return (
            *units.routes(),
            *(("POST", path, self.predict) for path in _PREDICTIONS),
            *(("POST", path, self.feedback) for path in _FEEDBACK),
            ("GET", _UNIT_FEEDBACK, self.feedback),
            *(("POST", path, self.infer) for path in _INFER),
            *(("POST", path, self.tensorflow(verb)) for verb in _VERBS for path in _tensorflow_paths(verb)),
            *(("GET", path, text("status", self._named(descriptions.tensorflow_status))) for path in _V1_MODEL),
            *(
                ("GET", f"{path}/metadata", text("metadata", self._named(descriptions.tensorflow_metadata)))
                for path in _V1_MODEL
            ),
            ("POST", "/v2/repository/index", text("metadata", self._index)),
            ("POST", "/v2/repository/models/{model}/load", text("metadata", self._named(_loaded))),
            ("POST", "/v2/repository/models/{model}/unload", text("metadata", self._unload)),
            *self._health_routes(),
            ("GET", "/prometheus", self.metrics),
            ("GET", "/metadata", text("metadata", self._described(self._model))),
            ("GET", "/api/v1.0/metadata", text("metadata", self._described(descriptions.graph))),
            *(("GET", path, text("metadata", self._named(self._model))) for path in _METADATA),
            ("GET", "/v2", text("metadata", lambda _: json_response(descriptions.SERVER))),
            *(("GET", path, text("metadata", self._named(descriptions.inference))) for path in _V2_MODEL),
            *(("GET", f"{path}/ready", text("status", self._named(_model_ready))) for path in _V2_MODEL),
        )

    def predict(self, call: Call) -> None:
        """Seldon's predictions."""
        Prediction(self.behind, SeldonCodec(), call.request, call.reply).start(call.wanted)

    def infer(self, call: Call) -> None:
        """Open Inference's infer."""
        refusal = self._stranger(call)
        if refusal is not None:
            call.reply(refusal)
            return
        Prediction(self.behind, InferenceCodec(), call.request, call.reply).start(call.wanted)

    def tensorflow(self, verb: Verb) -> Callable[[Call], None]:
        """TensorFlow's predict, classify or regress."""

        def answer(call: Call) -> None:
            refusal = self._stranger(call)
            if refusal is not None:
                call.reply(refusal)
                return
            Prediction(self.behind, TensorflowCodec(verb), call.request, call.reply).start(call.wanted)

        return answer

    def feedback(self, call: Call) -> None:
        """Seldon's feedback: counted and logged at once, then told to the units."""
        try:
            feedback = seldon.feedback_from(value_of(call.request))
            dispatcher = self.behind.state.dispatching()
        except Exception as error:  # noqa: BLE001  (whatever it is, this request is answered)
            self._feedback_answer(call, error, "")
            return
        puid = feedback.puid or call.request.headers.get(b"seldon-puid", b"").decode("latin-1")
        self.behind.count_feedback(feedback, puid, call.request.headers, call.request.body)
        dispatcher.tell(feedback, lambda error: self._feedback_answer(call, error, puid), call.request.headers)

    def _feedback_answer(self, call: Call, error: BaseException | None, puid: str) -> None:
        if error is None:
            answer = json_response({"meta": {"puid": puid} if puid else {}}, 200, puid_header(puid) if puid else b"")
        else:
            unit = call.request.path.startswith(_UNIT_FEEDBACK)
            answer = unit_failure(error) if unit else _failure(error)
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
        self.figures(lambda text: call.reply(Response(body=text.encode(), content_type=TEXT_TYPE)))

    def _ready(self, _: Call) -> Response:
        body = self.behind.state.readiness()
        return json_response(body, 200 if body["ready"] else 503)

    def _read(self, service: str, answer: Callable[[Call], Response]) -> Callable[[Call], None]:
        return lambda call: self._counted(service, call, answer(call))

    def _described(self, describe: Callable[[Served], Any]) -> Callable[[Call], Response]:
        def answer(_: Call) -> Response:
            served = self.behind.state.served
            if served is None:
                return _failure(NotReadyError("the server is loading"))
            try:
                return json_response(describe(served))
            except ModelError as error:
                return _failure(error)

        return answer

    def _model(self, served: Served) -> dict[str, Any]:
        return descriptions.model(served) | self.metadata

    def _named(self, describe: Callable[[Served], Any]) -> Callable[[Call], Response]:
        return lambda call: self._stranger(call) or self._described(describe)(call)

    def _index(self, call: Call) -> Response:
        try:
            asked = seldon.parse(call.request.body) if call.request.body.strip() else {}
        except ProtocolError as error:
            return _inference_failure(error)
        only_ready = isinstance(asked, dict) and asked.get("ready") is True
        models = descriptions.repository(self.behind.state)
        return json_response([each for each in models if each["state"] == "READY" or not only_ready])

    def _unload(self, call: Call) -> Response:
        refusal = self._stranger(call)
        if refusal is not None:
            return refusal
        try:
            self.behind.state.refuse_unload()
        except ServerError as error:
            return _inference_failure(error)
        return Response(status=200)

    def _stranger(self, call: Call) -> Response | None:
        """404 for a model or a version that is not served here; some paths leave the model out."""
        if "model" not in call.arguments:
            return None
        try:
            self.behind.state.check_model(call.arguments["model"], call.arguments.get("version", ""))
        except NoSuchModelError as error:
            return _failure(error) if call.request.path.startswith("/api/") else _inference_failure(error)
        return None

    def _counted(self, service: str, call: Call, answer: Response) -> None:
        call.reply(answer)
        self.behind.metrics.observe(service, call.request.method, answer.status, perf_counter() - call.request.received)


_METRICS = ("/prometheus", "/metrics")
_PREDICTIONS = ("/api/v1.0/predictions", "/api/v0.1/predictions")
_UNIT_FEEDBACK = "/send-feedback"
_FEEDBACK = ("/api/v1.0/feedback", "/api/v0.1/feedback", _UNIT_FEEDBACK)
_TAKE_FORMS = frozenset({*_PREDICTIONS, *_FEEDBACK, *UNIT_PATHS})
_DOCUMENTS = ("/seldon.json", "/api/v1.0/doc/seldon.json")
_HEALTH = ("/api/v1.0/health/status", "/health/status", "/api/v1.0/status")
_METADATA = ("/api/v1.0/metadata/{model}", "/api/v0.1/metadata/{model}")
_V2_MODEL = ("/v2/models/{model}", "/v2/models/{model}/versions/{version}")
_INFER = (*(f"{path}/infer" for path in _V2_MODEL), "/v2/models/infer")
_V1_MODEL = ("/v1/models/{model}", "/v1/models/{model}/versions/{version}")
_VERBS: tuple[Verb, ...] = ("predict", "classify", "regress")


def _tensorflow_paths(verb: Verb) -> tuple[str, ...]:
    """With the model or without, as Seldon's executor takes them, too."""
    return tuple(f"{path}:{verb}" for path in (*_V1_MODEL, "/v1/models/{model}/", "/v1/models", "/v1/models/"))


def _loaded(_: Served) -> dict[str, Any]:
    return {}


def _model_ready(served: Served) -> dict[str, Any]:
    return {"name": served.name, "ready": True}


def _inference_failure(error: BaseException) -> Response:
    return json_response({"error": str(error)}, verdict_of(error).status)


def _failure(error: BaseException) -> Response:
    if isinstance(error, AnsweredError):
        return Response(status=error.status, body=error.body, content_type=error.content_type)
    verdict = verdict_of(error)
    return json_response(
        seldon.failure(verdict.status, verdict.reason, str(error)), verdict.status, retry_header(error)
    )


def handler_of(router: Router) -> Callable[[Request, Reply, Callable[[], bool]], None]:
    """The router as a connection's handler."""
    return lambda request, reply, wanted: router.route(Call(request=request, reply=reply, wanted=wanted))
