"""A real server process with a really trained model: every door, every refusal, and what it survives."""

import json
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from tests.waiting import free_port, wait_until

from sluicegate.serving.bundle.manifest import Column, Signature
from sluicegate.serving.bundle.writing import Contents, write_bundle

pytestmark = pytest.mark.embedded

RANDOM = np.random.default_rng(3)
TABLE = pd.DataFrame(RANDOM.normal(size=(200, 3)), columns=["a", "b", "c"])
MODEL = LogisticRegression().fit(TABLE, (TABLE.a > 0).astype(int))
PREDICT = "/api/v1.0/predictions"
GOOD = {"data": {"names": ["a", "b", "c"], "ndarray": [[0.5, -1, 2]]}}
USER_CLASS = """
import sys, time
class Moody:
    def predict(self, X, names):
        mood = X if isinstance(X, str) else "well"
        if mood == "crash": raise RuntimeError("no")
        if mood == "exit": sys.exit(3)
        if mood == "nan": return [[float("nan")]]
        if mood.startswith("slow"): time.sleep(float(mood[4:]))
        return mood
    def health_status(self):
        return {"mood": "well"}
"""


@dataclass
class Running:
    """A server process and a client of it."""

    process: "subprocess.Popen[str]"
    port: int
    client: httpx.Client
    errors: Path

    def ready(self) -> bool:
        """Whether ``/ready`` says so."""
        assert self.process.poll() is None, self.errors.read_text()
        try:
            return self.client.get("/ready").status_code == 200
        except httpx.TransportError:
            return False

    def raw(self, sent: bytes) -> bytes:
        """Send bytes, read until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as wire:
            wire.sendall(sent)
            wire.shutdown(socket.SHUT_WR)
            return b"".join(iter(lambda: wire.recv(65536), b""))


@contextmanager
def _serving(directory: Path, *options: str, **environment: str) -> Iterator[Running]:
    port = free_port()
    errors = directory / f"stderr-{port}"
    command = [sys.executable, "-m", "sluicegate.serving.server", "--http-port", str(port), "--name", "unit", *options]
    with errors.open("w") as stderr:
        process = subprocess.Popen(command, stderr=stderr, text=True, env={"PATH": "/usr/bin", **environment})
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)
    try:
        yield Running(process, port, client, errors)
    finally:
        client.close()
        process.kill()
        process.wait(10)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a logistic regression."""
    directory = tmp_path_factory.mktemp("bundles") / "1"
    rows = TABLE[:5]
    contents = Contents(
        name="flights",
        version="1",
        model=MODEL,
        signature=Signature(inputs=tuple(Column(name=name) for name in "abc"), outputs=("on-time", "late")),
        input_example=rows.to_numpy().tolist(),
        expected_answers=MODEL.predict_proba(rows).tolist(),
        reference_profile={"a": {"quantiles": [0, 1]}},
    )
    write_bundle(directory, contents)
    return directory


@pytest.fixture(scope="module")
def server(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server of that bundle for all tests that only ask."""
    options = ("--model-uri", bundle.as_uri(), "--max-body-bytes", "100000")
    with _serving(tmp_path_factory.mktemp("server"), *options, SELDON_DEPLOYMENT_ID="dep") as running:
        wait_until(running.ready, deadline=60, message="the server is ready")
        yield running


def test_answers_are_scikit_learns_own(server: Running) -> None:
    """Through both protocols, and in the form that was asked."""
    expected = MODEL.predict_proba(pd.DataFrame([[0.5, -1, 2]], columns=list("abc")))[0]

    answer = server.client.post(PREDICT, json=GOOD, headers={"x-request-id": "r-1"})
    tensor = server.client.post("/predict", json={"data": {"tensor": {"shape": [1, 3], "values": [0.5, -1, 2]}}}).json()
    inputs = [{"name": "x", "shape": [1, 3], "datatype": "FP64", "data": [[0.5, -1, 2]]}]
    inferred = server.client.post("/v2/models/flights/infer", json={"id": "i", "inputs": inputs}).json()

    np.testing.assert_allclose(answer.json()["data"]["ndarray"][0], expected)
    assert answer.json()["data"]["names"] == ["on-time", "late"]
    assert answer.json()["meta"]["puid"] == answer.headers["seldon-puid"] == "r-1"
    np.testing.assert_allclose(tensor["data"]["tensor"]["values"], expected)
    assert inferred["id"] == "i"
    np.testing.assert_allclose(inferred["outputs"][0]["data"], expected)


@pytest.mark.parametrize(
    "path",
    [
        "/live",
        "/ready",
        "/health/status",
        "/health/ping",
        "/api/v1.0/health/status",
        "/metadata",
        "/api/v1.0/metadata",
        "/api/v1.0/metadata/unit",
        "/prometheus",
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/flights",
        "/v2/models/dep/ready",
        "/v2/models/flights/versions/1",
    ],
)
def test_every_reading_route_answers_get_and_head(server: Running, path: str) -> None:
    """HEAD says what GET would, without the body."""
    got, head = server.client.get(path), server.client.head(path)

    assert (got.status_code, head.status_code) == (200, 200)
    assert head.content == b""
    if path != "/prometheus":
        assert head.headers["content-length"] == str(len(got.content))


def test_ready_tells_what_was_proven(server: Running) -> None:
    """Verified, and the digest of the bundle."""
    body = server.client.get("/ready").json()

    assert (body["ready"], body["verified"]) == (True, True)
    assert body["digest"].startswith("sha256:")


def _post(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: a", f"content-length: {len(body)}", "connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


BAD_BODIES = [
    b"",
    b" ",
    b"{",
    b"nul",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"{}",
    b"\x00",
    b"\xff\xfe{}",
    b'{"data":null}',
    b'{"data":{}}',
    b'{"data":{"ndarray":null}}',
    b'{"data":{"ndarray":[]}}',
    b'{"data":{"ndarray":[[]]}}',
    b'{"data":{"ndarray":[1,2,3]}}',
    b'{"data":{"ndarray":[[1,2]]}}',
    b'{"data":{"ndarray":[[1,2,3,4]]}}',
    b'{"data":{"ndarray":[[1,2,3],[1,2]]}}',
    b'{"data":{"ndarray":[[1,2,"x"]]}}',
    b'{"data":{"ndarray":[[1,2,{}]]}}',
    b'{"data":{"ndarray":[[[1],[2],[3]]]}}',
    b'{"data":{"ndarray":"[[1,2,3]]"}}',
    b'{"data":{"ndarray":[[1,2,NaN]]}}',
    b'{"data":{"ndarray":[[1,2,1e999]]}}',
    b'{"data":{"names":["a","b"],"ndarray":[[1,2]]}}',
    b'{"data":{"names":["a","b","b"],"ndarray":[[1,2,3]]}}',
    b'{"data":{"names":["a","b"],"ndarray":[[1,2,3]]}}',
    b'{"data":{"names":5,"ndarray":[[1,2,3]]}}',
    b'{"data":{"tensor":{}}}',
    b'{"data":{"tensor":{"shape":[1,3],"values":[1,2]}}}',
    b'{"data":{"tensor":{"shape":[9999999999,9999999999],"values":[1]}}}',
    b'{"data":{"tensor":{"shape":"a","values":[1]}}}',
    b'{"strData":"x"}',
    b'{"jsonData":{"a":1}}',
    b'{"binData":"eA=="}',
    b'{"binData":"!"}',
    b'{"meta":{"puid":{}},"data":{"ndarray":[[1,2,3]]}}',
    b'{"data":{"ndarray":' + b"[" * 200 + b"]" * 200 + b"}}",
    b'{"data":{"ndarray":' + b"[" * 40000 + b"}}",
]
BAD_REQUESTS = [
    *(pytest.param(_post(PREDICT, body), 400, id=f"body{index}") for index, body in enumerate(BAD_BODIES)),
    *(
        pytest.param(_post("/v2/models/flights/infer", body), 400, id=f"infer{index}")
        for index, body in enumerate(
            [
                b"{}",
                b'{"inputs":[]}',
                b'{"inputs":[{"name":"x"}]}',
                b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"BF16","data":[1,2,3]}]}',
                b'{"inputs":[{"name":"x","shape":[1,3],"datatype":"INT8","data":[1,2,999]}]}',
                b'{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}',
                b'{"inputs":[{"name":"x","shape":[3],"datatype":"FP32","data":[1,2,3]}],"outputs":[{"name":"y"}]}',
            ]
        )
    ),
    *(pytest.param(_post("/api/v1.0/feedback", body), 400, id=f"feedback-{body!r}") for body in (b"{}", b"7", b"")),
    pytest.param(_post("/v2/models/other/infer", b"{}"), 404, id="another model"),
    pytest.param(_post("/nowhere", b"{}"), 404, id="no such path"),
    pytest.param(b"GET /predict HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 405, id="method"),
    pytest.param(b"DELETE /ready HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 405, id="delete"),
    pytest.param(b"POST /predict HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", 411, id="no length"),
    pytest.param(b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: 9999999\r\n\r\n", 413, id="told too long"),
    pytest.param(
        b"POST /predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n30000\r\n" + b"x" * 0x30000,
        413,
        id="too long",
    ),
    pytest.param(_post(PREDICT, b"{}", "content-type: multipart/form-data"), 415, id="multipart"),
    pytest.param(_post(PREDICT, b"{}", "content-encoding: gzip"), 415, id="gzip"),
    pytest.param(_post(PREDICT, b"{}", "expect: a miracle"), 417, id="expect"),
    pytest.param(_post(PREDICT, b"{}", "connection: upgrade", "upgrade: h2c"), 400, id="upgrade with a body"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", 400, id="TLS"),
    pytest.param(b"GARBAGE\r\n\r\n", 400, id="garbage"),
    pytest.param(b"GET /ready HTTP/1.1\r\n\r\n", 400, id="no host"),
    pytest.param(b"GET /ready HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400, id="two hosts"),
    pytest.param(b"GET /ready HTTP/9.9\r\nhost: a\r\n\r\n", 400, id="version"),
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, id="HTTP/2"),
    pytest.param(b"GET /ready HTTP/1.1\r\nhost: a\r\nx y: b\r\n\r\n", 400, id="header name"),
    pytest.param(b"GET /\x00 HTTP/1.1\r\nhost: a\r\n\r\n", 400, id="NUL in the target"),
    pytest.param(b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", 414, id="long target"),
    pytest.param(b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 100_000, 431, id="long head"),
    pytest.param(b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n", 400, id="length"),
    pytest.param(b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n", 400, id="negative length"),
    pytest.param(
        b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
        400,
        id="smuggling",
    ),
    pytest.param(
        b"POST /predict HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}", 400, id="two lengths"
    ),
    pytest.param(
        b"POST /predict HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}", 400, id="chunk size"
    ),
]


@pytest.mark.parametrize(("sent", "status"), BAD_REQUESTS)
def test_what_is_malformed_is_refused_and_the_server_stays_well(server: Running, sent: bytes, status: int) -> None:
    """The status, a JSON body that says why, and the next request is answered."""
    head, _, body = server.raw(sent).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 %d " % status), head + body
    told = json.loads(body)
    assert told["error"] if "error" in told else told["status"]["info"]
    assert server.client.post(PREDICT, json=GOOD).status_code == 200


def test_methods_that_are_allowed_are_told(server: Running) -> None:
    """405 and OPTIONS carry Allow."""
    assert server.client.get(PREDICT).headers["allow"] == "OPTIONS, POST"
    assert server.client.options("/ready").headers["allow"] == "GET, HEAD, OPTIONS"


def test_pipelined_and_chunked_requests_are_answered_in_order(server: Running) -> None:
    """Three requests in one write, one of them in chunks, one body broken."""
    body = json.dumps(GOOD).encode()
    chunked = b"POST /predict HTTP/1.1\r\nhost: a\r\nx-request-id: two\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:7], body[7:])) + b"0\r\n\r\n"
    first = b"POST /predict HTTP/1.1\r\nhost: a\r\nx-request-id: one\r\ncontent-length: 1\r\n\r\n{"

    answer = server.raw(first + chunked + chunks + b"GET /live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")

    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"400", b"200", b"200"]
    assert answer.index(b"seldon-puid: one") < answer.index(b"seldon-puid: two") < answer.index(b'{"live":true}')


def test_a_client_that_expects_is_told_to_continue(server: Running) -> None:
    """100 comes before the body is sent."""
    body = json.dumps(GOOD).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        wire.sendall(_post(PREDICT, body, "expect: 100-continue")[: -len(body)])
        assert wire.recv(100).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        wire.sendall(body)
        assert wire.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_clients_that_go_away_hurt_nobody(server: Running) -> None:
    """Half requests, and requests whose answer nobody reads."""
    for cut in (1, 20, 60, 90, None):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
            wire.sendall(_post(PREDICT, json.dumps(GOOD).encode())[:cut])

    assert server.client.post(PREDICT, json=GOOD).status_code == 200


def test_a_null_that_the_model_cannot_take_is_the_models_error(server: Running) -> None:
    """A logistic regression raises on NaN: 500 with Seldon's reason."""
    answer = server.client.post(PREDICT, json={"data": {"ndarray": [[None, 1, 2]]}})

    assert answer.status_code == 500
    assert answer.json()["status"]["reason"] == "MICROSERVICE_INTERNAL_ERROR"


def test_many_clients_at_once_get_their_own_answers(server: Running) -> None:
    """Requests that share a call are not mixed up."""
    rows = TABLE.to_numpy()[:64]
    expected = MODEL.predict_proba(TABLE[:64])
    found: dict[int, Any] = {}

    def ask(start: int) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.port}") as client:
            for index in range(start, 64, 8):
                found[index] = client.post(PREDICT, json={"data": {"ndarray": [rows[index].tolist()]}}).json()

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    np.testing.assert_allclose([found[index]["data"]["ndarray"][0] for index in range(64)], expected)


def test_metrics_bear_seldons_names(server: Running) -> None:
    """The histogram of requests and the feedback counters."""
    server.client.post("/api/v1.0/feedback", json={"reward": 2, "response": {"meta": {"puid": "p"}}})

    text = server.client.get("/prometheus").text

    assert 'seldon_api_executor_server_requests_seconds_count{deployment_name="dep"' in text
    assert 'service="predictions",method="post",code="200"' in text
    assert "seldon_api_model_feedback_total{" in text


@dataclass
class Collector:
    """A collector that only remembers."""

    port: int
    events: list[dict[str, Any]] = field(default_factory=list)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Events of a type by its last word."""
        return [event for event in self.events if event["type"].endswith(kind)]


@contextmanager
def _collector() -> Iterator[Collector]:
    found = Collector(port=0)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.events += json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(202)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        found.port = listening.server_port
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield found
        listening.shutdown()


def test_copies_have_a_port_of_their_own(bundle: Path, tmp_path: Path) -> None:
    """Whoever answers the original, what comes there is a copy; copies of what it answered itself go no further."""
    shadow = free_port()
    options = ("--model-uri", str(bundle), "--predictor", "p", "--shadow-port", str(shadow))
    with (
        _collector() as collector,
        _serving(tmp_path, *options, "--log-url", f"http://127.0.0.1:{collector.port}/events") as server,
    ):
        wait_until(server.ready, deadline=60)
        copies = httpx.Client(base_url=f"http://127.0.0.1:{shadow}")

        answers = [
            client.post(PREDICT, json=GOOD, headers={"x-sluicegate-predictor": name, "x-request-id": identity})
            for client, name, identity in ((server.client, "p", "user"), (copies, "p", "own"), (copies, "q", "copy"))
        ]
        wait_until(lambda: len(collector.of("response")) == 2, message="two answers are told")

    assert [one.status_code for one in answers] == [200, 204, 200]
    assert [(one["requestid"], one.get("shadow")) for one in collector.of("request")] == [
        ("user", None),
        ("copy", "true"),
    ]


def test_the_request_log_tells_what_happened_and_hides_what_it_must(bundle: Path, tmp_path: Path) -> None:
    """Ready, request, answer, failure, shadow and feedback events; a dropped column is null."""
    with (
        _collector() as collector,
        _serving(
            tmp_path,
            *("--model-uri", str(bundle), "--log-url", f"http://127.0.0.1:{collector.port}/events"),
            *("--log-drop", "b", "--deployment", "dep", "--predictor", "p"),
        ) as server,
    ):
        wait_until(server.ready, deadline=60)
        server.client.post(PREDICT, json=GOOD, headers={"x-request-id": "one", "x-sluicegate-shadow": "true"})
        server.client.post(PREDICT, json={"data": {"ndarray": [[None, 1, 2]]}}, headers={"x-request-id": "two"})
        server.client.post("/api/v1.0/feedback", json={"response": {"meta": {"puid": "one"}}, "reward": 1})
        wait_until(lambda: collector.of("feedback"), message="feedback reaches the collector")

    ready = collector.of("ready")[0]["data"]
    assert (ready["model"], ready["version"], ready["classes"]) == ("flights", "1", ["on-time", "late"])
    assert ready["profile"] == {"a": {"quantiles": [0, 1]}}
    one, two = collector.of("request")
    assert (one["requestid"], one["shadow"], one["inferenceservicename"]) == ("one", "true", "dep")
    assert one["data"]["data"]["ndarray"] == [[0.5, None, 2]]
    assert two["data"]["data"]["ndarray"] == [[None, None, 2]]
    assert [event["statuscode"] for event in collector.of("response")] == ["200", "500"]
    assert float(collector.of("response")[0]["durationms"]) > 0
    assert collector.of("feedback")[0]["requestid"] == "one"


def test_a_collector_that_is_down_costs_no_request(bundle: Path, tmp_path: Path) -> None:
    """Events are dropped and counted."""
    options = ("--model-uri", str(bundle), "--log-url", f"http://127.0.0.1:{free_port()}/events", "--log-queue", "3")
    with _serving(tmp_path, *options) as server:
        wait_until(server.ready, deadline=60)

        statuses = {server.client.post(PREDICT, json=GOOD).status_code for _ in range(20)}

        assert statuses == {200}
        wait_until(
            lambda: (
                "log_dropped_total{" in (text := server.client.get("/prometheus").text)
                and "} 0"
                not in [
                    line[-3:] for line in text.splitlines() if line.startswith("sluicegate_request_log_dropped_total")
                ]
            )
        )


@pytest.fixture(scope="module")
def moody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A Python class that misbehaves on demand."""
    directory = tmp_path_factory.mktemp("moody")
    (directory / "moods.py").write_text(USER_CLASS)
    options = ("--implementation", "moods.Moody", "--model-uri", str(directory), "--request-timeout-seconds", "1")
    with _serving(directory, *options) as running:
        wait_until(running.ready, deadline=60)
        yield running


@pytest.mark.parametrize("mood", ["crash", "exit", "nan"])
def test_a_crash_of_the_model_costs_its_own_request(moody: Running, mood: str) -> None:
    """Exceptions, sys.exit and NaN are 500; the server lives on."""
    answer = moody.client.post("/predict", json={"strData": mood})

    assert answer.status_code == 500
    assert answer.json()["status"]["reason"] == "MICROSERVICE_INTERNAL_ERROR"
    assert moody.client.post("/predict", json={"strData": "well"}).json()["strData"] == "well"
    assert moody.client.get("/health/status").json() == {"mood": "well"}


def test_a_slow_model_stalls_neither_health_nor_patience(moody: Running) -> None:
    """While it thinks /live answers; after the limit the client gets 504."""
    answers: list[httpx.Response] = []
    asking = threading.Thread(
        target=lambda: answers.append(httpx.post(f"http://127.0.0.1:{moody.port}/predict", json={"strData": "slow2"}))
    )
    asking.start()
    wait_until(lambda: "in_flight{" in (text := moody.client.get("/prometheus").text) and "} 1.0" in text)

    assert moody.client.get("/live").elapsed.total_seconds() < 1
    asking.join(10)
    assert answers[0].status_code == 504


def test_a_terminated_server_finishes_what_it_began(moody: Running, tmp_path: Path) -> None:
    """Not ready at once, the answer under way is given, exit code 0."""
    (tmp_path / "moods.py").write_text(USER_CLASS)
    options = ("--implementation", "moods.Moody", "--model-uri", str(tmp_path), "--drain-seconds", "4")
    with _serving(tmp_path, *options) as server:
        wait_until(server.ready, deadline=60)
        answers: list[httpx.Response] = []
        url = f"http://127.0.0.1:{server.port}/predict"
        asking = threading.Thread(target=lambda: answers.append(httpx.post(url, json={"strData": "slow1"})))
        asking.start()
        wait_until(lambda: "} 1.0" in server.client.get("/prometheus").text)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.client.get("/ready").status_code == 503)

        asking.join(10)

        assert answers[0].json()["strData"] == "slow1"
        assert server.process.wait(10) == 0


def _tampered(bundle: Path, copy: Path) -> tuple[str, ...]:
    for path in bundle.iterdir():
        copy.mkdir(exist_ok=True)
        (copy / path.name).write_bytes(path.read_bytes() + (b" " if path.name == "model.joblib" else b""))
    return ("--model-uri", str(copy))


REFUSALS: list[tuple[Callable[[Path, Path], tuple[str, ...]], str]] = [
    (_tampered, "refused: model.joblib: found sha256:"),
    (
        lambda bundle, _: ("--model-uri", str(bundle), "--bundle-digest", "sha256:1"),
        "refused: bundle.json: found sha256:",
    ),
    (lambda *_: ("--model-uri", "s3://bucket/model"), "refused: modelUri: found the scheme s3://"),
    (lambda *_: ("--implementation", "TRITON_SERVER"), "refused: implementation: found 'TRITON_SERVER'"),
    (lambda *_: ("--queue", "many"), "refused: --queue: found 'many'; expected a whole number"),
    (
        lambda *_: ("--graph", '{"graph":{"name":"r","type":"ROUTER","implementation":"a.B"}}'),
        "refused: graph unit 'r': found ROUTER",
    ),
]


@pytest.mark.parametrize(("options", "line"), REFUSALS)
def test_a_refusal_is_one_last_line_and_exit_78(
    bundle: Path, tmp_path: Path, options: Callable[[Path, Path], tuple[str, ...]], line: str
) -> None:
    """A sentence that names what was found and what is expected."""
    with _serving(tmp_path, *options(bundle, tmp_path / "copy")) as server:
        assert server.process.wait(60) == 78
        assert server.errors.read_text().splitlines()[-1].startswith(line)


def test_a_port_in_use_is_told(bundle: Path, tmp_path: Path, server: Running) -> None:
    """One sentence with the remedy; not a refusal, as it may pass."""
    with _serving(tmp_path, "--model-uri", str(bundle), "--http-port", str(server.port)) as second:
        assert second.process.wait(30) == 1
        assert "cannot listen on 127.0.0.1 port" in second.errors.read_text()
