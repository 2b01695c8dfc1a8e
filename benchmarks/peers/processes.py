"""A contestant's processes on one core: started, asked until the first right answer, ended with their children."""

import json
import os
import re
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import httpx
import psutil

from benchmarks.peers.contestants import Contestant, Ports
from benchmarks.peers.environments import BUILT, folder
from sluicegate.serving.protocol import inference, inference_protobuf

SERVER_CORE, LOAD_CORE = "0", "1"
_LONGEST = 180.0
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_INFER = "/inference.GRPCInferenceService/ModelInfer"


class NotServedError(Exception):
    """A contestant that does not answer, or answers something else; the message says what."""


@dataclass(slots=True)
class Running:
    """A contestant that answers."""

    contestant: Contestant
    ports: Ports
    processes: list["subprocess.Popen[bytes]"]
    rows: list[list[float]]
    answers: list[Any]
    seconds: float = 0.0
    """From its start to the first right answer."""

    @property
    def body(self) -> bytes:
        """What it is asked over HTTP."""
        return self.contestant.dialect.bytes_of(self.rows)

    @property
    def url(self) -> str:
        """Where."""
        return f"http://127.0.0.1:{self.ports.http}{self.contestant.dialect.path}"

    @property
    def call(self) -> bytes:
        """What it is asked over gRPC: a message with its prefix."""
        raw = self._request().SerializeToString()
        return b"\0" + len(raw).to_bytes(4, "big") + raw

    def check(self, *, over_grpc: bool = False) -> None:
        """Raise NotServedError unless it answers as scikit-learn itself does."""
        found = self._asked_by_grpc() if over_grpc else self._asked()
        if [float(each) for each in found] != [float(each) for each in self.answers]:
            name = self.contestant.name
            raise NotServedError(f"{name} answers {found[:3]} …; scikit-learn says {self.answers[:3]} …")

    def _asked(self) -> list[Any]:
        answer = httpx.post(
            self.url, content=self.body, headers={"content-type": "application/json"}, timeout=30, trust_env=False
        )
        if answer.status_code != 200:
            raise NotServedError(f"{self.contestant.name}: {answer.status_code} {answer.text[:200]}")
        return self.contestant.dialect.labels(answer.json())

    def _request(self) -> Any:
        tensor = {"name": "x", "datatype": "FP64", "shape": [len(self.rows), len(self.rows[0])]}
        flat = [value for row in self.rows for value in row]
        request = inference.request_from({"inputs": [tensor | {"data": flat}]})
        return inference_protobuf.to_request(request, model="m", raw=False)

    def _asked_by_grpc(self) -> list[Any]:
        with grpc.insecure_channel(f"127.0.0.1:{self.ports.grpc}") as channel:
            kind = inference_protobuf.ModelInferResponse
            raw = channel.unary_unary(_INFER)(self._request().SerializeToString(), timeout=30, wait_for_ready=True)
        (tensor,) = inference_protobuf.answer_from(kind.FromString(raw)).outputs
        labels: list[Any] = tensor.values.ravel().tolist()
        return labels

    def memory(self) -> float:
        """Megabytes that are its own, shared ones in proportion."""
        found = [psutil.Process(process.pid) for process in self.processes]
        every = [each for process in found for each in (process, *process.children(recursive=True))]
        return float(sum(each.memory_full_info().pss for each in every)) / 1e6

    def end(self) -> None:
        """Take its processes away, with all that they started."""
        for process in self.processes:
            # Some start their workers in sessions of their own.
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        child.kill()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def start(contestant: Contestant, model: str) -> Running:
    """Start it and ask until it answers right. Raises NotServedError."""
    asked = json.loads((contestant.folder(model) / "asked.json").read_text())
    ports = Ports(http=_free_port(), grpc=_free_port(), other=_free_port())
    began = time.monotonic()
    log = BUILT / (re.sub(r"[^a-zA-Z0-9]+", "-", contestant.name) + ".log")
    processes: list[subprocess.Popen[bytes]] = []
    running = Running(contestant, ports, processes, asked["rows"], asked["answers"])
    try:
        with log.open("w") as output:
            for each in contestant.starts(contestant.folder(model).absolute(), ports):
                child = _started(each.command, each.environment, each.directory, output)
                processes.append(child)
        _wait(running, log)
    except BaseException:
        running.end()
        raise
    running.seconds = time.monotonic() - began
    return running


def _started(command: Any, environment: Any, directory: Path, output: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        ["taskset", "-c", SERVER_CORE, *map(str, command)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder("home")), **_ONE_THREAD, **environment},
        cwd=directory,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def _wait(running: Running, log: Path) -> None:
    until = time.monotonic() + _LONGEST
    while True:
        try:
            running.check()
        except (httpx.TransportError, NotServedError) as error:
            ended = [process.poll() for process in running.processes if process.poll() is not None]
            if ended or time.monotonic() > until:
                raise NotServedError(
                    f"{running.contestant.name} does not answer: {error!r}; see build/bench/{log.name}"
                ) from error
            time.sleep(0.02)
        else:
            return


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])
