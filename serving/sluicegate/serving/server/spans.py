"""Spans of requests and of the units that they pass, by OpenTelemetry, sent by OTLP from a thread of its own.

Only ``tracing`` loads this, where requests are traced. How many spans wait is bounded (``OTEL_BSP_MAX_QUEUE_SIZE``) and
what finds no room is dropped: no request waits for a collector. Attributes have the names of its conventions.
"""

import importlib.metadata
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from sluicegate.serving.graph.units import Headers
from sluicegate.serving.protocol import trace_context
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.protocol.trace_context import TraceContext
from sluicegate.serving.server.following import GONE, Beginning, Followed
from sluicegate.serving.server.traced import Traced, traced_feedback, traced_message

_LOG = logging.getLogger(__name__)
_NANOSECONDS = 1_000_000_000
_KINDS = {"internal": SpanKind.INTERNAL, "client": SpanKind.CLIENT}
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")


def open_spans(about: dict[str, str], also: frozenset[bytes]) -> "Spans":
    """By the variables of OpenTelemetry. ``about`` the server; ``also``: names of headers that go on in any case."""
    provider = TracerProvider(resource=Resource.create(dict(about)), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_exporter()))
    return Spans(provider, also)


def _exporter() -> SpanExporter:
    wanted = next((os.environ[name] for name in _PROTOCOLS if os.environ.get(name)), "http/protobuf")
    if wanted == "grpc":
        found = importlib.import_module("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
        exporter: SpanExporter = found.OTLPSpanExporter()
        return exporter
    if wanted != "http/protobuf":
        _LOG.warning("tracing: found OTLP by %r; expected http/protobuf or grpc; the first is taken", wanted)
    return OTLPSpanExporter()


class Spans:
    """Follower of requests, and what units' wraps begin their spans with."""

    def __init__(self, provider: TracerProvider, also: frozenset[bytes] = frozenset()) -> None:
        self._provider, self._also = provider, also
        self._tracer = provider.get_tracer("sluicegate", importlib.metadata.version("sluicegate"))

    # --- requests

    def begin(self, request: Followed) -> None:
        """A server's span; the headers speak of it from here on, so that hops and the request log do."""
        if trace_context.refused(request):
            return
        caller = trace_context.read(request)
        beginning = request.beginning
        name = f"{beginning.method} {beginning.route}".rstrip()
        span = self._tracer.start_span(
            name,
            context=self._above(caller, name),
            kind=SpanKind.SERVER,
            attributes=_came(beginning, request),
            start_time=int(beginning.at * _NANOSECONDS),
        )
        request.span = span
        told = self.headers(request, span)
        request.clear()
        request.update(told)

    def end(self, request: Followed, status: int, code: str) -> None:
        """The answer's status; a fault of ours is an error, the client's own is none."""
        span, request.span = request.span, None
        if span is None:
            return
        if span.is_recording():
            span.set_attributes(_went(request, status, code))
            if status >= 500:
                span.set_status(Status(StatusCode.ERROR))
        span.end()

    def message(self, message: Message, request: Followed) -> Message:
        """The message with its span."""
        return message if request.span is None else traced_message(message, trace.set_span_in_context(request.span))

    def feedback(self, feedback: Feedback, request: Followed) -> Feedback:
        """The feedback with its span."""
        return feedback if request.span is None else traced_feedback(feedback, trace.set_span_in_context(request.span))

    # --- units

    def hop(self, name: str, request: Headers, attributes: dict[str, Any]) -> Any:
        """The span of a call to another process; None where the request is not traced."""
        if not isinstance(request, Followed) or request.span is None:
            return None
        above = trace.set_span_in_context(request.span)
        return self._tracer.start_span(name, context=above, kind=SpanKind.CLIENT, attributes=attributes)

    def headers(self, request: Headers, span: Any) -> dict[bytes, bytes]:
        """A request's headers, as they go on under ``span``."""
        found = span.get_span_context()
        context = TraceContext(
            trace_id=f"{found.trace_id:032x}",
            span_id=f"{found.span_id:016x}",
            sampled=found.trace_flags.sampled,
            state=found.trace_state.to_header(),
        )
        return trace_context.carrying(request, context, also=self._also)

    @contextmanager
    def units(self, name: str, traces: Sequence[Traced], attributes: dict[str, Any]) -> Iterator[list[Any]]:
        """A span for each of the requests that share a call; that of a lone one is the current span meanwhile."""
        spans = [self._tracer.start_span(name, context=each.trace, attributes=attributes) for each in traces]
        try:
            if len(spans) == 1:
                with trace.use_span(spans[0], record_exception=False, set_status_on_exception=False):
                    yield spans
            else:
                yield spans
        except BaseException as error:
            for span in spans:
                self.failed(span, error)
            raise
        finally:
            for span in spans:
                span.end()

    def failed(self, span: Any, error: BaseException) -> None:
        """What a unit raised."""
        span.set_attribute("error.type", type(error).__qualname__)
        span.set_status(Status(StatusCode.ERROR, str(error)[:500]))

    def stop(self, seconds: float) -> None:
        """Send what waits, for so long at most: a collector that is away does not hold up the server's end."""
        ending = threading.Thread(target=self._provider.shutdown, name="spans-end", daemon=True)
        ending.start()
        ending.join(seconds)

    def _above(self, caller: TraceContext | None, name: str) -> Context:
        if caller is None:
            return Context()
        trace_id = int(caller.trace_id, 16)
        sampled = caller.sampled
        if sampled is None:
            decision = self._provider.sampler.should_sample(None, trace_id, name).decision
            sampled = decision is Decision.RECORD_AND_SAMPLE
        parent = SpanContext(
            trace_id=trace_id,
            span_id=int(caller.span_id, 16),
            is_remote=True,
            trace_flags=TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT),
            trace_state=TraceState.from_header([caller.state]),
        )
        return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


def _came(beginning: Beginning, headers: Headers) -> dict[str, Any]:
    agent = headers.get(b"user-agent", b"").decode("latin-1")
    known = {"user_agent.original": agent} if agent else {}
    if beginning.door == "grpc":
        return known | {"rpc.system.name": "grpc", "rpc.method": beginning.method}
    route = {"http.route": beginning.route} if beginning.route else {}
    address, _, port = headers.get(b"host", b"").decode("latin-1").rpartition(":")
    server = {"server.address": address, "server.port": int(port)} if address and port.isdecimal() else {}
    return {
        **known,
        **route,
        **server,
        "http.request.method": beginning.method,
        "url.path": beginning.path,
        "url.scheme": beginning.scheme,
    }


def _went(request: Followed, status: int, code: str) -> dict[str, Any]:
    told: dict[str, Any] = {"rpc.response.status_code": code} if code else {"http.response.status_code": status}
    if status == GONE or status >= 500:
        told["error.type"] = code or str(status)
    if request.puid:
        told["sluicegate.request.id"] = request.puid
    if request.rows is not None:
        told["sluicegate.rows"] = request.rows
    return told
