"""A collector process, to be killed and started again."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from tests import plain_http
from tests.waiting import free_port, wait_until

BATCH = {"content-type": "application/cloudevents-batch+json"}


class Collector:
    """A collector process over one directory; started again on the same port after a kill."""

    def __init__(self, data: Path, *options: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = [sys.executable, "-m", "sluicegate.monitoring.collector"]
        self.command += ["--data", str(data), "--port", str(self.port), *options]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE)
        wait_until(self.ready, 15.0, "the collector is ready")

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            return plain_http.get(f"{self.url}/ready").status_code == 200
        except httpx.TransportError:
            return False

    def end(self, how: int = signal.SIGTERM) -> int:
        """Send it the signal; its exit status."""
        assert self.process is not None
        self.process.send_signal(how)
        _, _ = self.process.communicate(timeout=15)
        return self.process.returncode

    def post(self, *events: dict[str, Any]) -> httpx.Response:
        """Send one batch."""
        return plain_http.post(f"{self.url}/events", content=json.dumps(events), headers=BATCH)


@contextmanager
def running(data: Path, *options: str) -> Iterator[Collector]:
    collector = Collector(data, *options)
    collector.start()
    try:
        yield collector
    finally:
        if collector.process is not None and collector.process.poll() is None:
            collector.end()
