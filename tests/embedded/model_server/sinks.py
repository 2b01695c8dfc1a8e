"""A receiver of the request log that does what a test says: fail, hang, go away and come back."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Sink:
    """``mood``: well, failing (503), refusing (400), hanging until it is well again, or cutting connections."""

    port: int = 0
    mood: str = "well"
    events: list[dict[str, Any]] = field(default_factory=list)
    requests: int = 0
    well: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/events"

    @property
    def ids(self) -> list[str]:
        """Request ids of the events that it kept."""
        return [str(event["requestid"]) for event in self.events]

    def recover(self) -> None:
        """Be well from now on."""
        self.mood = "well"
        self.well.set()


def _events(headers: Any, body: bytes) -> list[dict[str, Any]]:
    if "ce-id" not in headers:
        assert headers["content-type"] == "application/cloudevents-batch+json"
        batch: list[dict[str, Any]] = json.loads(body)
        return batch
    told = {name.lower()[3:]: value for name, value in headers.items() if name.lower().startswith("ce-")}
    return [told | {"data": json.loads(body), "alone": True, "datacontenttype": headers["content-type"]}]


@contextmanager
def listening_sink(port: int = 0) -> Iterator[Sink]:
    """On ``port``, or on one of its own."""
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            sink.requests += 1
            events = _events(self.headers, self.rfile.read(int(self.headers["content-length"])))
            if sink.mood == "hanging":
                sink.well.wait(30)
                return
            if sink.mood == "cutting":
                self.close_connection = True
                return
            if sink.mood == "well":
                sink.events += events
            self.send_response({"failing": 503, "refusing": 400}.get(sink.mood, 202))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", port), Handler) as listening:
        sink.port = listening.server_port
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield sink
        sink.well.set()
        listening.shutdown()
