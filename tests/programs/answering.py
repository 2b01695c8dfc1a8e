"""A little program for the supervisor's tests: serves 200 on a port, obeys or ignores SIGTERM, or ends as told.

answering.py PORT [--ignore-sigterm] [--child FILE]
"""

import signal
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """Always ready."""

    def do_GET(self) -> None:
        """200, whatever the path."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"ready":true,"verified":true}')

    def log_message(self, *args: object) -> None:
        """Nothing."""


if __name__ == "__main__":
    if "--ignore-sigterm" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "--child" in sys.argv:
        child = subprocess.Popen(["sleep", "300"])
        Path(sys.argv[sys.argv.index("--child") + 1]).write_text(str(child.pid))
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
