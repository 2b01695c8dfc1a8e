"""A unit of another process as this server sees it: each call is counted under Seldon's name; if it is traced, a span.

The start puts this around every remote unit. A call that got no answer has the code 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Protocol

import grpc

from sluicegate.serving.api.seldon_deployment import Endpoint
from sluicegate.serving.graph.errors import RemoteAnswerError
from sluicegate.serving.graph.planning import Verb
from sluicegate.serving.graph.units import Headers, RemoteUnit
from sluicegate.serving.protocol.errors import BadAnswerError
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.server.metrics import Metrics
from sluicegate.serving.server.traced import attributes_of, traced_message


class HopSpans(Protocol):
    """How spans of hops are made."""

    def hop(self, name: str, request: Headers, attributes: dict[str, Any]) -> Any:
        """A span, or None."""

    def headers(self, request: Headers, span: Any) -> dict[bytes, bytes]:
        """Headers under this span."""

    def failed(self, span: Any, error: BaseException) -> None:
        """Say on a span what was raised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """Where a unit is asked."""

    unit: str
    grpc: bool
    host: str
    port: int
    service: Callable[[Verb | None], str]
    """What is called there by the dialect that is spoken; None: it is told a feedback."""

    def attributes(self, verb: Verb | None) -> dict[str, Any]:
        """What the span of a call says."""
        known = attributes_of(self.unit, verb or "send_feedback")
        where = {"server.address": self.host, "server.port": self.port}
        if self.grpc:
            return known | where | {"rpc.system.name": "grpc", "rpc.method": self.service(verb)[1:]}
        url = f"http://{self.host}:{self.port}{self.service(verb)}"
        return known | where | {"http.request.method": "POST", "url.full": url}


def hop_of(unit: str, endpoint: Endpoint, service: Callable[[Verb | None], str], *, grpc: bool) -> Hop:
    """By its endpoint and its dialect."""
    port = (endpoint.grpc_port if grpc else endpoint.http_port) or endpoint.service_port or 0
    return Hop(unit=unit, grpc=grpc, host=endpoint.service_host or "localhost", port=port, service=service)


class SeenUnit:
    """``unit``, counted in ``metrics``, and traced if there are ``spans``."""

    def __init__(self, unit: RemoteUnit, hop: Hop, metrics: Metrics, spans: HopSpans | None) -> None:
        self._unit, self._hop, self._metrics, self._spans = unit, hop, metrics, spans
        self.name = unit.name

    async def call(self, verb: Verb, messages: Sequence[Message], headers: Headers) -> Any:
        """The unit's."""
        seen = self._begin(verb, headers)
        try:
            answer = await self._unit.call(verb, messages, seen.headers)
        except BaseException as error:
            self._end(seen, error)
            raise
        self._end(seen, None)
        trace = getattr(messages[0], "trace", None) if isinstance(answer, Message) else None
        return answer if trace is None else traced_message(answer, trace)

    async def send_feedback(self, feedback: Feedback, headers: Headers) -> None:
        """The unit's."""
        seen = self._begin(None, headers)
        try:
            await self._unit.send_feedback(feedback, seen.headers)
        except BaseException as error:
            self._end(seen, error)
            raise
        self._end(seen, None)

    async def reachable(self) -> bool:
        """The unit's."""
        return await self._unit.reachable()

    async def close(self) -> None:
        """The unit's."""
        await self._unit.close()

    def _begin(self, verb: Verb | None, headers: Headers) -> "_Seen":
        seen = _Seen(service=self._hop.service(verb), headers=headers, start=perf_counter())
        if self._spans is not None:
            name = f"{self.name} {verb or 'send_feedback'}"
            seen.span = self._spans.hop(name, headers, self._hop.attributes(verb))
            if seen.span is not None:
                seen.headers = self._spans.headers(headers, seen.span)
        return seen

    def _end(self, seen: "_Seen", error: BaseException | None) -> None:
        code = error.status if isinstance(error, RemoteAnswerError) else 0
        code = 200 if error is None or isinstance(error, BadAnswerError) else code
        method = "unary" if self._hop.grpc else "post"
        self._metrics.hopped(self.name, seen.service, method, code, perf_counter() - seen.start)
        if seen.span is None or self._spans is None:
            return
        told = _grpc_status(error) if self._hop.grpc else code
        if told:
            name = "rpc.response.status_code" if self._hop.grpc else "http.response.status_code"
            seen.span.set_attribute(name, told)
        if error is not None:
            self._spans.failed(seen.span, error)
        seen.span.end()


def _grpc_status(error: BaseException | None) -> str:
    """Its name; the call's own error is the cause of ours."""
    if error is None or isinstance(error, BadAnswerError):
        return "OK"
    cause = error.__cause__
    return str(cause.code().name) if isinstance(cause, grpc.aio.AioRpcError) else ""


@dataclass(slots=True, kw_only=True)
class _Seen:
    service: str
    headers: Headers
    start: float
    span: Any = None
