"""HTTP/1.1 on a socket: parsing by httptools, limits, keep-alive, pipelining, ``Expect``, and orderly ends.

One Connection a client; requests of one connection are answered in order, one at a time. What breaks HTTP is answered
with a status and the connection closed; handlers see whole, well-formed requests only.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from time import perf_counter, time
from typing import cast

import httptools

from sluicegate.serving.protocol.seldon import failure
from sluicegate.serving.server.exchanges import Handler, Request, Response, json_response, wire

HEAD_BYTES = 65_536
URL_BYTES = 16_384
WAITING = 32
"""Pipelined requests read ahead on one connection; then the socket is left alone until some are answered."""
_OVERHEAD = 8
"""A chunk of one byte takes six on the wire."""
_LINGER_SECONDS = 2.0
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(slots=True, kw_only=True)
class Door:
    """What all connections of a server share."""

    handler: Handler
    body_bytes: int
    keep_alive_seconds: float
    receive_seconds: float
    connections: set["Connection"] = field(default_factory=set)
    draining: bool = False
    date: bytes = b""

    def tick(self, now: float) -> None:
        """Once a second: a new date, idle connections away, requests that never end answered with 408."""
        self.date = formatdate(time(), usegmt=True).encode()
        for connection in tuple(self.connections):
            connection.check_time(now)

    @property
    def in_flight(self) -> int:
        """Connections with a request under way."""
        return sum(connection.busy for connection in self.connections)


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[Request | Response] = deque()
        self._busy = False
        self._last = False
        """No more is read: the answer under way, or the last one waiting, closes the connection."""
        self._writable = True
        self._unsent, self._stuck = 0, 0.0
        """Bytes that the client has not taken, while it reads too slowly, and since when it takes none."""
        self._linger = False
        """Refused before it was read to the end: closing at once could destroy the answer on its way."""
        self._touched = self._began = perf_counter()
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._hosts = 0
        self._body: list[bytes] = []
        self._size = 0
        self._head = 0
        self._read = 0
        self._in_head = True
        self._partial = False

    @property
    def busy(self) -> bool:
        """Whether a request is read, waits or is being answered."""
        return self._busy or bool(self._waiting)

    @property
    def open(self) -> bool:
        """Whether the client is still there."""
        return self._transport is not None

    # --- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        self._transport = cast("asyncio.Transport", transport)
        self._door.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (asyncio's signature)
        """The client went: what waits for it is dropped."""
        self._transport = None
        self._waiting.clear()
        self._door.connections.discard(self)

    def eof_received(self) -> bool:
        """The client sends no more, but may still read: what it asked is answered before the connection closes."""
        self._last = True
        return self.busy

    def pause_writing(self) -> None:
        """The client does not read: answer no more until it does."""
        self._writable, self._unsent = False, 0

    def resume_writing(self) -> None:
        """The client reads again."""
        self._writable = True
        self._next()

    def data_received(self, data: bytes) -> None:
        """Bytes came: parse them, refuse what is not HTTP."""
        if self._last:
            return
        self._touched = perf_counter()
        self._read += len(data)
        if self._in_head:
            self._head += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._last = True
        except httptools.HttpParserError as error:
            cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else None
            if not self._last:
                self._refuse(400, "BAD_HTTP", f"this is not HTTP/1.1: {cause or error}")
        if self._in_head and self._head > HEAD_BYTES and not self._last:
            self._refuse(431, "HEADERS_TOO_LARGE", f"the request's head is longer than {HEAD_BYTES} bytes")
        elif self._read > HEAD_BYTES + _OVERHEAD * self._door.body_bytes:
            self._refuse_size("chunks and trailers that are mostly overhead")

    def check_time(self, now: float) -> None:
        """End a connection that is idle for too long, or whose request never ends."""
        if self._transport is None or self._hangs(now) or self.busy:
            return
        idle = now - self._touched
        if self._last:
            if idle > _LINGER_SECONDS:
                self._transport.abort()
        elif self._partial and now - self._began > self._door.receive_seconds:
            self._refuse(408, "TIMED_OUT", f"the request did not end within {self._door.receive_seconds:g} s")
        elif not self._partial and idle > self._door.keep_alive_seconds:
            self.close()

    def _hangs(self, now: float) -> bool:
        """Whether the client does not read what it asked for; ended when it reads nothing for too long."""
        if self._writable or self._transport is None:
            return False
        unsent = self._transport.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent, self._stuck = unsent, now
        elif now - self._stuck > self._door.receive_seconds:
            self._transport.abort()
        return True

    def close(self) -> None:
        """Close once everything written is sent."""
        self._last = True
        if self._transport is not None:
            self._transport.close()

    # --- the parser's side

    def on_message_begin(self) -> None:
        """A request begins."""
        self._partial = True
        self._began = perf_counter()

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        lower = name.lower()
        self._hosts += lower == b"host"
        self._headers[lower] = value

    def on_headers_complete(self) -> None:
        """The head is whole: refuse what need not be read further."""
        self._in_head = False
        version = self._parser.get_http_version()
        if len(self._url) > URL_BYTES:
            self._refuse(414, "URL_TOO_LONG", f"the target is longer than {URL_BYTES} bytes")
        elif version not in ("1.0", "1.1"):
            self._refuse(505, "BAD_HTTP", f"HTTP/{version} is not spoken here; send HTTP/1.1")
        elif self._hosts > 1 or (version == "1.1" and not self._hosts):
            self._refuse(400, "BAD_HTTP", f"found {self._hosts} Host headers; expected one")
        else:
            self._check_body()

    def _check_body(self) -> None:
        length = int(self._headers.get(b"content-length", b"0"))
        expect = self._headers.get(b"expect")
        if length > self._door.body_bytes:
            self._refuse_size(f"{length} bytes")
        elif self._headers.get(b"content-encoding", b"identity").lower() != b"identity":
            self._refuse(415, "UNSUPPORTED_MEDIA_TYPE", "found a Content-Encoding; expected a body as it is")
        elif expect is not None and expect.lower() != b"100-continue":
            self._refuse(417, "EXPECTATION_FAILED", "found an unknown Expect; expected 100-continue")
        elif self._parser.should_upgrade() and (length or b"transfer-encoding" in self._headers):
            self._refuse(400, "BAD_HTTP", "found an Upgrade with a body; send it without Upgrade")
        elif expect is not None and not self.busy and self._transport is not None:
            self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._size += len(body)
        if self._size > self._door.body_bytes:
            self._refuse_size("more")
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        """A whole request: answer it, or let it wait behind the one before."""
        if self._last:
            return
        path, _, query = self._url.partition(b"?")
        request = Request(
            method=self._parser.get_method().decode(),
            path=path.decode("latin-1"),
            headers=self._headers,
            body=self._body[0] if len(self._body) == 1 else b"".join(self._body),
            received=perf_counter(),
            query=query,
        )
        if not self._parser.should_keep_alive():
            self._last = True
        self._begin()
        self._waiting.append(request)
        if len(self._waiting) > WAITING and self._transport is not None:
            self._transport.pause_reading()
        self._next()

    # --- answers

    def _next(self) -> None:
        if self._busy or not self._waiting or not self._writable or self._transport is None:
            return
        following = self._waiting.popleft()
        self._busy = True
        if isinstance(following, Response):
            self._answer(following, "")
            return
        try:
            self._door.handler(following, self._replier(following.method), lambda: self._transport is not None)
        except Exception as error:  # noqa: BLE001  (a fault of ours must cost one request, not the connection)
            self._answer(_status(500, "INTERNAL", f"{type(error).__name__}: {error}"), following.method)

    def _replier(self, method: str) -> Callable[[Response], None]:
        return lambda response: self._answer(response, method)

    def _answer(self, response: Response, method: str) -> None:
        self._busy = False
        transport = self._transport
        if transport is None:
            return
        closing = (self._last or self._door.draining) and not self._waiting
        transport.write(wire(response, date=self._door.date, head=method == "HEAD", keep_alive=not closing))
        self._touched = perf_counter()
        if closing and self._linger:
            transport.write_eof()
        elif closing:
            self.close()
        elif self._waiting:
            transport.resume_reading()
            self._next()

    def _refuse_size(self, found: str) -> None:
        self._refuse(413, "BODY_TOO_LARGE", f"body: found {found}; expected at most {self._door.body_bytes} bytes")

    def _refuse(self, status: int, reason: str, info: str) -> None:
        if not self._last:
            self._last = self._linger = True
            self._waiting.append(_status(status, reason, info))
            self._next()


def _status(status: int, reason: str, info: str) -> Response:
    return json_response(failure(status, reason, info), status)
