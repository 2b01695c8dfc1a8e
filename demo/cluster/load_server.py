"""The load in its pod: a replay of flights that is steered, and asked for its tally, over HTTP.

``python -m demo.cluster.load_server``: waits for ``POST /start``. ``SLUICEGATE_GATEWAY`` says where to ask.
"""

import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from demo.flights import departures
from demo.replay import Replay
from demo.versions import DEPLOYMENT, WINTER

PORT = 8090
RATE = 60.0
"""Flights a second: a cluster for tests may be small."""


def main() -> None:
    """Serve until the pod ends."""
    gateway = urlsplit(os.environ["SLUICEGATE_GATEWAY"])
    path = f"/seldon/{os.environ['DEMO_NAMESPACE']}/{DEPLOYMENT}"
    replay = Replay(str(gateway.hostname), gateway.port or 80, path, departures(*WINTER), RATE)
    ThreadingHTTPServer(("", PORT), handler(replay)).serve_forever()


def handler(replay: Replay) -> type[BaseHTTPRequestHandler]:
    """What answers for one replay."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            counted = ("sent", "failed", "wrong", "failures")
            counts = {name: dict(getattr(replay.tally, name)) for name in counted}
            self._say({**counts, "labels": replay.tally.labels, "now": time.time()})

        def do_POST(self) -> None:
            asked = urlsplit(self.path)
            given = {name: values[0] for name, values in parse_qs(asked.query).items()}
            verbs = {"/start": replay.start, "/stop": replay.stop, "/silence": replay.silence}
            verbs |= {"/restore": replay.restore, "/switch": replay.switch}
            verb = verbs.get(asked.path)
            if verb is None:
                self._say({"message": f"no {asked.path}"}, 404)
                return
            verb(**given)
            self._say({})

        def _say(self, document: dict[str, object], status: int = 200) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not a line for each request."""

    return Handler


if __name__ == "__main__":
    main()
