"""A gateway's statistics that tests write by hand, for the port ``GatewayStatistics`` and as a real admin door."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sluicegate.monitoring.sources.errors import UnreachableError
from sluicegate.monitoring.sources.gateway import GatewaySample


class FakeGatewayStatistics:
    """Tells ``sample``; unreachable while it is None."""

    def __init__(self, sample: GatewaySample | None = None) -> None:
        self.sample = sample
        self.closed = False

    async def read(self) -> GatewaySample:
        """Look now."""
        if self.sample is None:
            raise UnreachableError("nobody is here")
        return self.sample

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


class FakeAdmin:
    """An Envoy admin door that answers with what was set: cluster → (requests, errors, {bound: requests up to it})."""

    def __init__(self) -> None:
        self.clusters: dict[str, tuple[int, int, dict[float, int]]] = {}
        self.uptime = 100
        self.status = 200
        self.url = ""

    def answer(self, path: str) -> bytes:
        """The body for a path of ``/stats``."""
        if "server" in path:
            return json.dumps({"stats": [{"name": "server.uptime", "value": self.uptime}]}).encode()
        stats: list[dict[str, Any]] = []
        histograms: list[dict[str, Any]] = []
        for name, (requests, errors, buckets) in self.clusters.items():
            stats.append({"name": f"cluster.{name}.upstream_rq_completed", "value": requests})
            stats.append({"name": f"cluster.{name}.upstream_rq_5xx", "value": errors})
            levels = [{"upper_bound": bound, "cumulative": count} for bound, count in buckets.items()]
            histograms.append({"name": f"cluster.{name}.upstream_rq_time", "buckets": levels})
        return json.dumps({"stats": [*stats, {"histograms": histograms}]}).encode()


@contextmanager
def serve_admin() -> Iterator[FakeAdmin]:
    """A ``FakeAdmin`` that listens on loopback."""
    admin = FakeAdmin()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = admin.answer(self.path)
            self.send_response(admin.status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    admin.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield admin
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
