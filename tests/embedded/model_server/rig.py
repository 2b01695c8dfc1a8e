"""A process of the model server, a client of it, and what it serves: a really trained model."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from tests import plain_http
from tests.waiting import free_port

RANDOM = np.random.default_rng(3)
TABLE = pd.DataFrame(RANDOM.normal(size=(200, 3)), columns=["a", "b", "c"])
MODEL = LogisticRegression().fit(TABLE, (TABLE.a > 0).astype(int))
PREDICT = "/api/v1.0/predictions"
GOOD = {"data": {"names": ["a", "b", "c"], "ndarray": [[0.5, -1, 2]]}}


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
def serving(
    directory: Path,
    *options: str,
    program: str = "sluicegate.serving.server",
    stdout: int | None = None,
    **environment: str,
) -> Iterator[Running]:
    """``python -m program`` with these options, and with no environment but this."""
    port = free_port()
    errors = directory / f"stderr-{port}"
    command = [sys.executable, "-m", program, "--http-port", str(port), *options]
    environment = {"PREDICTIVE_UNIT_ID": "unit", **environment}
    with errors.open("w") as stderr:
        environment = {"PATH": "/usr/bin", **environment}
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, text=True, env=environment)
    client = plain_http.client(base_url=f"http://127.0.0.1:{port}", timeout=10)
    try:
        yield Running(process, port, client, errors)
    finally:
        client.close()
        process.kill()
        process.wait(10)


def posted(path: str, body: bytes, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: a", f"content-length: {len(body)}", "connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body
