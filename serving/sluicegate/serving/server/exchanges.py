"""One request and its answer, between a connection and what handles it."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from sluicegate.serving.protocol.messages import JSONValue

JSON_TYPE = b"application/json"
TEXT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_STATUS_LINES = {code: f"HTTP/1.1 {code} {_REASONS.get(code, 'Unknown')}\r\n".encode() for code in range(100, 600)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A whole request. Header names are lower-case; the last of repeated headers counts."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    body: bytes
    received: float
    """``perf_counter`` when its last byte came."""
    query: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A whole answer; ``headers`` are lines with their CRLF."""

    status: int = 200
    body: bytes = b""
    content_type: bytes = JSON_TYPE
    headers: bytes = b""


Reply = Callable[[Response], None]
Handler = Callable[[Request, Reply, Callable[[], bool]], None]
"""Takes a request, gives the answer to Reply once, now or later; the third says whether anybody still waits."""


def json_response(value: JSONValue, status: int = 200, headers: bytes = b"") -> Response:
    """A response with a JSON body."""
    return Response(status=status, body=html_safe(msgspec.json.encode(value)), headers=headers)


def html_safe(body: bytes) -> bytes:
    """JSON that a browser cannot take for HTML, as Seldon's is; outside of strings JSON has none of these."""
    if b"<" in body or b">" in body or b"&" in body:
        return body.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")
    return body


def wire(response: Response, *, date: bytes, head: bool, keep_alive: bool) -> bytes:
    """The answer's bytes. For HEAD the body stays away but its length is told; 204 has neither."""
    parts = [_STATUS_LINES[response.status], b"date: ", date, b"\r\n"]
    if response.status != 204:
        parts += [b"content-type: ", response.content_type, b"\r\ncontent-length: %d\r\n" % len(response.body)]
    parts.append(b"x-content-type-options: nosniff\r\n")
    if response.headers:
        parts.append(response.headers)
    parts.append(b"\r\n" if keep_alive else b"connection: close\r\n\r\n")
    if not head and response.status != 204:
        parts.append(response.body)
    return b"".join(parts)
