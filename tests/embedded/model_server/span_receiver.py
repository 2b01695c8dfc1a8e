"""A collector of spans that only remembers: OTLP over HTTP and over gRPC, decoded by OpenTelemetry's own messages."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest as Request
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse as Response
from tests.tiny_http import take_posts

KINDS = {1: "internal", 2: "server", 3: "client"}
METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@dataclass(frozen=True)
class Span:
    """One span, as it was sent. ``service`` is who sent it."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent: str
    attributes: dict[str, Any]
    failed: bool
    seconds: float


@dataclass
class Receiver:
    """What came."""

    port: int
    spans: list[Span] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self.port}"

    def of(self, service: str) -> dict[str, Span]:
        """Spans of one server, by name."""
        return {span.name: span for span in self.spans if span.service == service}

    def take(self, request: Request) -> None:
        """Remember a request's spans."""
        for each in request.resource_spans:
            service = _values(each.resource.attributes)["service.name"]
            self.spans += [_span(service, span) for scope in each.scope_spans for span in scope.spans]


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


def _span(service: str, span: Any) -> Span:
    return Span(
        service=service,
        name=span.name,
        kind=KINDS[span.kind],
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes=_values(span.attributes),
        failed=span.status.code == 2,
        seconds=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
    )


@contextmanager
def receiving(*, by_grpc: bool = False) -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    with _receiving_grpc() if by_grpc else _receiving_http() as receiver:
        yield receiver


@contextmanager
def _receiving_http() -> Iterator[Receiver]:
    found = Receiver(port=0)

    def take(path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        assert (path, headers["content-type"]) == ("/v1/traces", "application/x-protobuf")
        found.take(Request.FromString(body))
        return 200, b""

    with take_posts(take) as found.port:
        yield found


@contextmanager
def _receiving_grpc() -> Iterator[Receiver]:
    found = Receiver(port=0)

    def export(request: Request, _: Any) -> Response:
        found.take(request)
        return Response()

    handler = grpc.unary_unary_rpc_method_handler(
        export, request_deserializer=Request.FromString, response_serializer=Response.SerializeToString
    )
    service, method = METHOD[1:].split("/")
    server = grpc.server(ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    found.port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield found
    server.stop(None)
