"""A storage that speaks as much of S3 as s3fs asks for, on a port of loopback; it can break down after some writes."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape


class Bucket:
    """What it holds, and what was asked of it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.written: list[str] = []
        self.writes_left: int | None = None
        """How many more objects it takes before it answers that it is broken; None for ever."""
        self.port = 0

    @property
    def environment(self) -> dict[str, str]:
        """What a user sets to reach it."""
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
        # Without retries: botocore waits longer and longer for a storage that says it is broken.
        return keys | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}", "AWS_MAX_ATTEMPTS": "1"}

    def put(self, key: str, content: bytes, *, only_new: bool) -> int:
        """Take an object; the status."""
        if only_new and key in self.objects:
            return 412
        if self.writes_left == 0:
            return 501
        self.writes_left = None if self.writes_left is None else self.writes_left - 1
        self.objects[key] = content
        self.written.append(key)
        return 200


class _Door(BaseHTTPRequestHandler):
    bucket: Bucket
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.headers.get("Content-Encoding", "") == "aws-chunked":
            content = _unchunked(content)
        status = self.bucket.put(self._key(), content, only_new=self.headers.get("If-None-Match") == "*")
        codes = {412: "PreconditionFailed", 501: "NotImplemented"}
        self._answer(status, _error(codes[status]) if status in codes else b"")

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        if "list-type" in asked:
            self._answer(200, self._listing(asked.get("prefix", [""])[0]))
        elif self._key() in self.bucket.objects:
            self._answer(200, self.bucket.objects[self._key()])
        else:
            self._answer(404, _error("NoSuchKey"))

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.bucket.objects.pop(self._key(), None)
        self._answer(204, b"")

    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/").partition("/")[2]

    def _listing(self, prefix: str) -> bytes:
        found = [(key, content) for key, content in sorted(self.bucket.objects.items()) if key.startswith(prefix)]
        entries = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(content)}</Size>"
            f"<ETag>{_tag(content)}</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
            "</Contents>"
            for key, content in found
        )
        return f"<ListBucketResult><KeyCount>{len(found)}</KeyCount>{entries}</ListBucketResult>".encode()

    def _answer(self, status: int, body: bytes) -> None:
        whole, part = body, self.headers.get("Range", "")
        if part and status == 200:
            first, _, last = part.removeprefix("bytes=").partition("-")
            body = body[int(first) : int(last or len(body)) + 1]
        self.send_response(206 if part and status == 200 else status)
        if part and status == 200:
            self.send_header("Content-Range", f"bytes {first}-{int(first) + len(body) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{_tag(whole)}"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing."""


def _tag(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _unchunked(content: bytes) -> bytes:
    """The object out of AWS's signed chunks: a hexadecimal size a line, then as many bytes."""
    whole, rest = b"", content
    while rest:
        head, _, rest = rest.partition(b"\r\n")
        size = int(head.partition(b";")[0], 16)
        if not size:
            break
        whole, rest = whole + rest[:size], rest[size + 2 :]
    return whole


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()


@contextmanager
def a_bucket() -> Iterator[Bucket]:
    """One that answers until the block ends; its name is whatever the address says."""
    bucket = Bucket()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Door", (_Door,), {"bucket": bucket})) as server:
        bucket.port = server.server_port
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield bucket
        server.shutdown()
        thread.join()
