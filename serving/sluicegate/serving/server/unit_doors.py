"""The doors of a single unit: its own methods by Seldon's internal API, past the graph.

``/predict`` of a MODEL is the graph's prediction, and goes that way, with its batches. Every other method is called on
the units' thread. How many wait is bounded as for predictions, and so is the time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

from sluicegate.serving.protocol import seldon
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.errors import AnsweredError, RequestRejectedError
from sluicegate.serving.server.bodies import value_of
from sluicegate.serving.server.errors import retry_header, verdict_of
from sluicegate.serving.server.exchanges import Response, html_safe
from sluicegate.serving.server.http_codecs import UnitCodec
from sluicegate.serving.server.predictions import Behind, Prediction, puid_header, puid_of
from sluicegate.serving.server.routing import Call, Handle
from sluicegate.serving.server.serving_state import Served
from sluicegate.serving.server.unit_thread import UnitCall, UnitThread

_CODEC = UnitCodec()
_UNIT_PATHS = ("/predict", "/transform-input", "/transform-output", "/route", "/aggregate", "/explain")
"""Also by GET, with a query ``json=``."""
_EXPLAIN = ("/api/v1.0/explain", "/api/v0.1/explain")
PATHS = (*_UNIT_PATHS, *_EXPLAIN)
_TRANSFORMS = ("transform_input", "transform_output")
"""What comes of them goes to another unit, for which a missing value is a value."""


@dataclass(slots=True)
class _Asked:
    """One call of a unit that waits for its answer."""

    call: Call
    puid: str
    messages: Sequence[Message] = ()


@dataclass(slots=True, kw_only=True)
class UnitDoors:
    """``queue`` and ``timeout_seconds`` bound the calls that wait."""

    behind: Behind
    worker: UnitThread
    queue: int = 1024
    timeout_seconds: float = 30.0

    def routes(self) -> tuple[tuple[str, str, Handle], ...]:
        """Rows of the server's table of routes."""
        handlers = {path: getattr(self, path[1:].replace("-", "_")) for path in _UNIT_PATHS}
        both = [(method, path, handle) for path, handle in handlers.items() for method in ("POST", "GET")]
        return (*both, *(("POST", path, self.explain) for path in _EXPLAIN))

    def predict(self, call: Call) -> None:
        """The graph's prediction; of a single unit that is no MODEL, its own method."""
        served = self.behind.state.served
        if served is None or served.plan.root.children or served.plan.single_model:
            Prediction(self.behind, _CODEC, call.request, call.reply).start(call.wanted)
        else:
            self._ask(call, "predict", _one)

    def transform_input(self, call: Call) -> None:
        """``transform_input``."""
        self._ask(call, "transform_input", _one)

    def transform_output(self, call: Call) -> None:
        """``transform_output``."""
        self._ask(call, "transform_output", _one)

    def route(self, call: Call) -> None:
        """``route``: the branch as a message."""
        self._ask(call, "route", _one)

    def aggregate(self, call: Call) -> None:
        """``aggregate``, of a list of messages."""
        self._ask(call, "aggregate", seldon.messages_from)

    def explain(self, call: Call) -> None:
        """``explain``: whatever it returns, as JSON."""
        self._ask(call, "explain", _one)

    def _ask(self, call: Call, verb: str, read: Callable[[Any], Any]) -> None:
        asked = _Asked(call, puid_of(call.request.headers))
        try:
            argument = read(value_of(call.request))
            asked.messages = (argument,) if isinstance(argument, Message) else argument
            asked.puid = next((each.meta.puid for each in asked.messages if each.meta.puid), asked.puid)
            made = unit_call(self.behind.state.serving(), verb, argument, self.timeout_seconds)
            told = partial(self._answer, asked, verb)
            self.worker.ask(replace(made, wanted=call.wanted), told, most=self.queue)
        except Exception as error:  # noqa: BLE001  (whatever it is, this request is answered)
            self._answer(asked, verb, error)

    def _answer(self, asked: _Asked, verb: str, result: Any) -> None:
        """A Message, an explanation or an error, to the client."""
        try:
            answer = self._written(asked, verb, result)
        except Exception as error:  # noqa: BLE001  (an answer that cannot be written is the unit's failure)
            answer = unit_failure(error)
        answer = replace(answer, headers=puid_header(asked.puid) + answer.headers)
        asked.call.reply(answer)
        seconds = perf_counter() - asked.call.request.received
        service = verb.replace("_", "-")
        self.behind.metrics.observe(service, asked.call.request.method, answer.status, seconds)

    def _written(self, asked: _Asked, verb: str, result: Any) -> Response:
        if isinstance(result, BaseException):
            return unit_failure(result)
        if not isinstance(result, Message):
            return Response(body=html_safe(seldon.encode(result)))
        answer = self.behind.completed(result, asked.puid, self.behind.state.serving())
        if verb in _TRANSFORMS:
            answer = seldon.with_nulls(answer)
        return Response(body=html_safe(seldon.encode(seldon.body_of(answer))))


def offers(served: Served, path: str) -> bool:
    """Whether a request of this path can be answered by what is served; True for all that is no unit's own door."""
    if path not in PATHS or path == "/predict":
        return True
    has = getattr(served.model.unit, "has", None)
    return not served.plan.root.children and (has is None or has(path.rpartition("/")[2].replace("-", "_")))


def unit_call(served: Served, verb: str, argument: Any, seconds: float) -> UnitCall:
    """A call of the unit's method, within its own time if it has one, else within ``seconds``.

    Raises RequestRejectedError for a graph of several units and for what the unit has not.
    """
    if served.plan.root.children:
        names = ", ".join(node.name for node in served.plan.nodes)
        info = f"this server runs a graph ({names}); ask /api/v1.0/predictions, or a server of that one unit"
        raise RequestRejectedError(info, 404, "NOT_FOUND")
    unit = served.model.unit
    found = getattr(unit, "routed" if verb == "route" and hasattr(unit, "routed") else verb, None)
    if found is None:
        raise RequestRejectedError(f"unit {unit.name!r} has no {verb}", 501, "MICROSERVICE_NOT_IMPLEMENTED")
    limit = min(served.plan.root.seconds or seconds, seconds)
    return UnitCall(unit=unit.name, method=partial(found, argument), seconds=limit)


def _one(value: Any) -> Message:
    return seldon.message_from(value)


def unit_failure(error: BaseException) -> Response:
    """A failure at a unit's own door."""
    if isinstance(error, AnsweredError):
        return Response(status=error.status, body=error.body, content_type=error.content_type)
    verdict = verdict_of(error)
    body = _CODEC.failure(verdict.status, verdict.reason, str(error), "")
    return Response(status=verdict.status, body=html_safe(seldon.encode(body)), headers=retry_header(error))
