"""Clients that take their time, by intent: with the head, with the body, with reading the answer. All are let go."""

import json
import socket
from collections.abc import Iterator

import psutil
import pytest
from tests.embedded.model_server.rig import PREDICT, Running, posted, serving
from tests.waiting import wait_until

pytestmark = pytest.mark.embedded
BIG = posted(PREDICT, json.dumps({"data": {"ndarray": [[1.5] * 200_000]}}).encode()).replace(b"close", b"keep-alive")
ECHO = """
class Echo:
    def predict(self, X, names):
        return X
"""


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that waits a second for a client, and answers what it gets."""
    directory = tmp_path_factory.mktemp("hasty")
    (directory / "echo_for_slow.py").write_text(ECHO)
    options = ("--implementation", "echo_for_slow.Echo", "--model-uri", directory.as_uri())
    with serving(directory, *options, "--receive-seconds", "1", "--keep-alive-seconds", "1") as running:
        wait_until(running.ready, deadline=60, message="the server is ready")
        yield running


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        pytest.param(b"GET /live HTTP/1.1\r\nhost: a\r\n", b"x: y\r\n", id="head"),
        pytest.param(BIG[:400], b"1", id="body"),
    ],
)
def test_a_request_that_comes_slowly_is_refused(hasty: Running, begun: bytes, more: bytes) -> None:
    """Bit by bit, never silent: what counts is when it began."""
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=0.1) as wire:
        wire.sendall(begun)
        answer = b""
        for _ in range(60):
            try:
                answer = wire.recv(1000)
                break
            except TimeoutError:
                wire.sendall(more)

    assert answer.startswith(b"HTTP/1.1 408 "), answer


def test_a_client_that_says_nothing_is_let_go(hasty: Running) -> None:
    """An idle connection is closed."""
    with socket.create_connection(("127.0.0.1", hasty.port), timeout=10) as wire:
        assert wire.recv(10) == b""


def test_a_client_that_does_not_read_is_let_go(hasty: Running) -> None:
    """However much it asks for meanwhile: its connection ends, and what it was answered is forgotten."""
    watched = psutil.Process(hasty.process.pid)
    before = len(watched.net_connections())
    with socket.socket() as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        wire.connect(("127.0.0.1", hasty.port))
        wire.sendall(BIG * 8)

        wait_until(lambda: len(watched.net_connections()) > before, message="the client is connected")
        wait_until(lambda: len(watched.net_connections()) <= before, deadline=20, message="it is let go")

    assert hasty.client.get("/live").status_code == 200
