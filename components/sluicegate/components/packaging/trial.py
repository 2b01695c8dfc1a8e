"""Serves a bundle for a moment, on a free port of loopback, and asks it what every client may ask."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx

from sluicegate.components.errors import GateNotPassedError, InputRefusedError
from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.reading import Bundle, read_bundle
from sluicegate.serving.bundle.verification import compare_answers, verify_bundle
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.protocol.seldon import message_from

_PAUSE = 0.02


def prove(directory: Path, *, timeout: float) -> tuple[str, float]:
    """Returns the digest and the seconds until ready; see the step for what is proven."""
    bundle = _read(directory)
    with (
        tempfile.TemporaryFile("w+") as log,
        _server(bundle, log) as (process, address),
        httpx.Client(base_url=address, timeout=timeout) as client,
    ):
        seconds = _await_ready(process, client, log, timeout)
        _prove_answers(client, bundle)
    return bundle.digest, round(seconds, 3)


def _read(directory: Path) -> Bundle:
    try:
        bundle = read_bundle(directory)
        verify_bundle(bundle)
    except BundleRefused as error:
        raise GateNotPassedError(f"{directory}: {error}") from error
    if not bundle.manifest.input_example:
        raise InputRefusedError(f"{directory}: the bundle brings no input example; there is nothing to prove")
    return bundle


@contextmanager
def _server(bundle: Bundle, log: IO[str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [
        sys.executable, "-m", "sluicegate.serving.server", "--implementation", bundle.manifest.implementation,
        "--model-uri", str(bundle.directory), "--http-port", str(port), "--bundle-digest", bundle.digest,
    ]  # fmt: skip
    # What the plane gives its own servers must not reach this one, least of all where to send its request log.
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("PREDICTIVE_", "REQUEST_LOGGER_", "SELDON_"))
    }
    process = subprocess.Popen(command, stdout=log, stderr=log, text=True, env=environment)
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_ready(process: "subprocess.Popen[str]", client: httpx.Client, log: IO[str], timeout: float) -> float:
    started = time.monotonic()
    while time.monotonic() - started < timeout:
        if process.poll() is not None:
            raise GateNotPassedError(f"the server refuses the bundle: {_last_line(log)}")
        try:
            if client.get("/ready").status_code == 200:
                return time.monotonic() - started
        except httpx.TransportError:
            pass
        time.sleep(_PAUSE)
    raise GateNotPassedError(f"the server was not ready within {timeout:g} s: {_last_line(log)}")


def _last_line(log: IO[str]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log.read().splitlines() if line.strip()]
    return lines[-1].removeprefix("refused: ") if lines else "it said nothing"


def _prove_answers(client: httpx.Client, bundle: Bundle) -> None:
    data = _example(bundle)
    names, rows = data["names"], data["ndarray"]
    _compare(bundle, _ask(client, names, rows), "answers")
    backwards = [row[::-1] for row in rows]
    _compare(bundle, _ask(client, names[::-1], backwards), "answers to columns in reverse order")
    more = [[*row, 0.5] for row in rows]
    _compare(bundle, _ask(client, [*names, "sluicegate-additional"], more), "answers to one column more")
    lacking = _post(client, names[1:] or ["another"], [row[1:] or [0.5] for row in rows])
    if lacking.status_code != 400 or names[0] not in lacking.text:
        raise GateNotPassedError(
            f"without column {names[0]!r}: found {lacking.status_code}; expected 400 that names it"
        )


def _example(bundle: Bundle) -> dict[str, Any]:
    return dict(json.loads(bundle.path(bundle.manifest.input_example).read_bytes())["data"])


def _ask(client: httpx.Client, names: list[str], rows: list[Any]) -> Message:
    answer = _post(client, names, rows)
    if answer.status_code != 200:
        raise GateNotPassedError(
            f"the bundle's own example: found {answer.status_code} {answer.text[:200]}; expected 200"
        )
    return message_from(answer.json())


def _post(client: httpx.Client, names: list[str], rows: list[Any]) -> httpx.Response:
    return client.post("/api/v1.0/predictions", json={"data": {"names": names, "ndarray": rows}})


def _compare(bundle: Bundle, found: Message, where: str) -> None:
    expected = bundle.answers()
    try:
        if expected is not None:
            compare_answers(expected, found, where)
    except BundleRefused as error:
        raise GateNotPassedError(str(error)) from error
