"""Traces through real servers: a client, a graph's server, the server of a unit of it, and what a collector gets."""

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from tests.embedded.model_server.collecting import listening_collector
from tests.embedded.model_server.grpc_rig import message
from tests.embedded.model_server.rig import GOOD, PREDICT, Running, posted, serving
from tests.embedded.model_server.span_receiver import Receiver, Span, receiving
from tests.tiny_http import take_posts
from tests.waiting import free_port, wait_until

from sluicegate.serving.protocol import protobuf

pytestmark = pytest.mark.embedded

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
HEADERS = {
    "w3c": {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "other=1"},
    "b3": {"b3": f"{TRACE}-{CALLER}-1"},
    "b3 multi": {"x-b3-traceid": TRACE, "x-b3-spanid": CALLER, "x-b3-sampled": "1"},
}
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50"}
UNIT = ("--implementation", "SIMPLE_MODEL", "--name", "a")


def predictor(port: int, transport: str) -> str:
    """A combiner of this process over one unit of another."""
    endpoint = {"service_host": "127.0.0.1", "service_port": port, "type": transport}
    child = {"name": "a", "type": "MODEL", "endpoint": endpoint}
    graph = {"name": "root", "implementation": "AVERAGE_COMBINER", "children": [child]}
    return base64.b64encode(json.dumps({"name": "p", "graph": graph}).encode()).decode()


@contextmanager
def engine_and_unit(directory: Path, transport: str, **environment: str) -> Iterator[tuple[Running, int]]:
    """The graph's server and its port for gRPC; its one unit is a server of its own."""
    unit_port, port = free_port(), free_port()
    unit = serving(
        directory, *UNIT, "--grpc-port", str(unit_port), SELDON_DEPLOYMENT_ID="unit", **{**environment, **SOON}
    )
    with unit as running:
        called = unit_port if transport == "GRPC" else running.port
        options = ("--grpc-port", str(port))
        told = {"ENGINE_PREDICTOR": predictor(called, transport), "SELDON_DEPLOYMENT_ID": "engine"}
        with serving(directory, *options, **told, **environment, **SOON) as engine:
            wait_until(lambda: running.ready() and engine.ready(), deadline=60)
            yield engine, port


def ask_by_grpc(port: int, headers: dict[str, str]) -> Any:
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        kind = protobuf.message_type("seldon.protos.SeldonMessage")
        call = channel.unary_unary(
            "/seldon.protos.Seldon/Predict",
            request_serializer=kind.SerializeToString,
            response_deserializer=kind.FromString,
        )
        return call(message("seldon.protos.SeldonMessage", **GOOD), metadata=tuple(headers.items()), timeout=10)


@pytest.fixture(scope="module", params=["REST", "GRPC"])
def traced(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Receiver, Running, int]]:
    """Client, hop and export all by HTTP, or all by gRPC; the port is 0 for HTTP."""
    by_grpc = request.param == "GRPC"
    with receiving(by_grpc=by_grpc) as receiver:
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}
        if by_grpc:
            environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc"
        directory = tmp_path_factory.mktemp("traced")
        with engine_and_unit(directory, request.param, **environment) as (engine, port):
            yield receiver, engine, port if by_grpc else 0


@pytest.mark.parametrize("form", HEADERS)
def test_one_trace_goes_through_all_servers(traced: tuple[Receiver, Running, int], form: str) -> None:
    receiver, engine, port = traced
    receiver.spans.clear()
    if port:
        ask_by_grpc(port, HEADERS[form])
    else:
        assert engine.client.post(PREDICT, json=GOOD, headers=HEADERS[form]).status_code == 200
    wait_until(lambda: len(receiver.spans) == 5, message="five spans")

    names = (
        ("seldon.protos.Seldon/Predict", "seldon.protos.Model/Predict")
        if port
        else (f"POST {PREDICT}", "POST /predict")
    )
    of_engine, of_unit = receiver.of("engine"), receiver.of("unit")
    request, hop, combining = of_engine[names[0]], of_engine["a predict"], of_engine["root aggregate"]
    asked, predicting = of_unit[names[1]], of_unit["a predict"]
    assert {span.trace_id for span in receiver.spans} == {TRACE}
    assert [span.parent for span in (request, hop, combining, asked, predicting)] == [
        CALLER,
        *(request.span_id, request.span_id, hop.span_id, asked.span_id),
    ]
    assert [span.kind for span in (request, hop, combining, asked, predicting)] == [
        *("server", "client", "internal", "server", "internal")
    ]
    assert [said(span) for span in (request, hop, asked)] == [
        {"rpc.system.name": "grpc", "rpc.response.status_code": "OK"}
        if port
        else {"http.request.method": "POST", "http.response.status_code": 200}
    ] * 3
    assert (predicting.attributes["sluicegate.unit"], request.attributes["sluicegate.rows"]) == ("a", 1)
    assert 0 < hop.seconds <= request.seconds


def said(span: Span) -> dict[str, Any]:
    """Some of a span's attributes."""
    names = ("rpc.system.name", "rpc.response.status_code", "http.request.method", "http.response.status_code")
    return {name: span.attributes[name] for name in names if name in span.attributes}


def test_what_is_the_clients_fault_is_no_error_of_the_span(traced: tuple[Receiver, Running, int]) -> None:
    receiver, engine, _ = traced
    receiver.spans.clear()
    assert engine.client.post(PREDICT, json={"data": 1}).status_code == 400
    wait_until(lambda: receiver.spans)

    (span,) = receiver.spans
    assert (span.failed, span.attributes["http.response.status_code"], span.parent) == (False, 400, "")


def test_a_unit_that_is_away_is_an_error_of_the_hop_and_of_the_request(tmp_path: Path) -> None:
    with receiving() as receiver:
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_SERVICE_NAME": "mine", **SOON}
        with serving(tmp_path, ENGINE_PREDICTOR=predictor(free_port(), "REST"), **environment) as engine:
            wait_until(lambda: reason(engine).startswith("no connection"), deadline=60)
            assert engine.client.post(PREDICT, json=GOOD).status_code == 500
            wait_until(lambda: len(receiver.spans) == 2)

    hop, request = receiver.of("mine")["a predict"], receiver.of("mine")[f"POST {PREDICT}"]
    assert (hop.failed, hop.attributes["error.type"]) == (True, "UnreachableError")
    assert (request.failed, request.attributes["error.type"]) == (True, "500")


def test_requests_that_share_a_call_have_spans_of_their_own(bundle: Path, tmp_path: Path) -> None:
    """Each says how many were in it."""
    with receiving() as receiver:
        options = ("--model-uri", str(bundle), "--inline-milliseconds", "0")
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, "OTEL_SERVICE_NAME": "mine", **SOON}
        with serving(tmp_path, *options, **environment) as server:
            wait_until(server.ready, deadline=60)
            body = json.dumps(GOOD).encode()
            server.raw(b"".join(posted(PREDICT, body).replace(b"close", b"keep-alive") for _ in range(3)))
            wait_until(lambda: len(receiver.spans) == 6)

    predicting = [span for span in receiver.spans if span.name == "unit predict"]
    assert len({span.trace_id for span in predicting}) == 3
    assert {span.attributes["sluicegate.batch.rows"] for span in predicting} <= {1, 2, 3}


def test_probes_make_no_spans(traced: tuple[Receiver, Running, int]) -> None:
    receiver, engine, _ = traced
    receiver.spans.clear()
    for path in ("/live", "/ready", "/prometheus", "/metadata"):
        engine.client.get(path)
    engine.client.post(PREDICT, json=GOOD)
    wait_until(lambda: len(receiver.spans) == 5)

    assert not [span for span in receiver.spans if "GET" in span.name]


def reason(engine: Running) -> str:
    """Why it is not ready."""
    try:
        return str(engine.client.get("/ready").json().get("reason"))
    except httpx.TransportError:
        return "no port yet"


class Unit:
    """A unit that remembers its callers' headers."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        self.port = 0


@contextmanager
def listening_unit() -> Iterator[Unit]:
    found = Unit()

    def take(_: str, headers: Mapping[str, str], __: bytes) -> tuple[int, bytes]:
        found.headers.append(dict(headers))
        return 200, b'{"data": {"ndarray": [[1]]}}'

    with take_posts(take) as found.port:
        yield found


def test_without_tracing_headers_go_on_as_they_came(tmp_path: Path) -> None:
    """To units and into the request log."""
    every = {name: value for form in HEADERS.values() for name, value in form.items()} | {"x-request-id": "one"}
    with listening_unit() as unit, listening_collector() as collector:
        options = ("--log-url", f"http://127.0.0.1:{collector.port}/events")
        with serving(tmp_path, *options, ENGINE_PREDICTOR=predictor(unit.port, "REST")) as engine:
            wait_until(engine.ready, deadline=60)
            assert engine.client.post(PREDICT, json=GOOD, headers=every).status_code == 200
            wait_until(lambda: collector.of("response"))

    assert every.items() <= unit.headers[0].items()
    assert {event.get("traceparent") for event in collector.of("request") + collector.of("response")} == {
        HEADERS["w3c"]["traceparent"]
    }
    assert collector.of("request")[0]["tracestate"] == "other=1"


def test_with_tracing_every_form_of_the_header_names_the_hops_span(tmp_path: Path) -> None:
    """A unit that reads one of them alone sees the same trace; Jaeger's variables do what they did."""
    every = {name: value for form in HEADERS.values() for name, value in form.items()}
    with listening_unit() as unit, receiving() as receiver, listening_collector() as collector:
        environment = {"TRACING": "1", "JAEGER_SAMPLER_TYPE": "const", "JAEGER_SAMPLER_PARAM": "1"}
        environment |= {"JAEGER_SERVICE_NAME": "mine", "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, **SOON}
        options = ("--log-url", f"http://127.0.0.1:{collector.port}/events")
        with serving(tmp_path, *options, ENGINE_PREDICTOR=predictor(unit.port, "REST"), **environment) as engine:
            wait_until(engine.ready, deadline=60)
            engine.client.post(PREDICT, json=GOOD, headers=every)
            wait_until(lambda: len(receiver.spans) == 3 and len(collector.of("response")) == 1)

    hop, request = receiver.of("mine")["a predict"], receiver.of("mine")[f"POST {PREDICT}"]
    got = unit.headers[0]
    assert (got["traceparent"], got["tracestate"]) == (f"00-{TRACE}-{hop.span_id}-01", "other=1")
    assert got["b3"] == f"{TRACE}-{hop.span_id}-1"
    assert (got["x-b3-traceid"], got["x-b3-spanid"], got["x-b3-sampled"]) == (TRACE, hop.span_id, "1")
    assert collector.of("response")[0]["traceparent"] == f"00-{TRACE}-{request.span_id}-01"


def test_what_the_caller_does_not_sample_is_not_sampled(tmp_path: Path) -> None:
    """But goes on: the units are told the same."""
    with listening_unit() as unit, receiving() as receiver:
        environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, **SOON}
        with serving(tmp_path, ENGINE_PREDICTOR=predictor(unit.port, "REST"), **environment) as engine:
            wait_until(engine.ready, deadline=60)
            for headers in ({"traceparent": f"00-{TRACE}-{CALLER}-00"}, {"b3": "0"}, {}):
                engine.client.post(PREDICT, json=GOOD, headers=headers)
            wait_until(lambda: len(receiver.spans) == 3)

    assert TRACE not in {span.trace_id for span in receiver.spans}
    unsampled, refused, own = unit.headers
    assert unsampled["traceparent"].startswith(f"00-{TRACE}-")
    assert unsampled["traceparent"].endswith("-00")
    assert (refused["b3"], "traceparent" in refused, own["traceparent"][-3:]) == ("0", False, "-01")


def test_a_collector_that_is_away_costs_no_request_and_no_end(tmp_path: Path) -> None:
    with serving(tmp_path, *UNIT, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{free_port()}", **SOON) as server:
        wait_until(server.ready, deadline=60)
        assert {server.client.post(PREDICT, json=GOOD).status_code for _ in range(20)} == {200}
        server.process.terminate()

        assert server.process.wait(15) == 0
