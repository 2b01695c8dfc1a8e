"""A keep-alive HTTP/1.1 client for hops between a graph's units: one request at a time on a connection, a pool of them.

For ``remote_rest`` alone. A request goes out as one write, and its answer is read whole. A connection that the server
closed while it was idle is not held against the request: no answer began, so it goes out once more on another.
"""

import asyncio
from collections import deque
from typing import cast

import httptools

MOST_IDLE = 64
ANSWER_BYTES = 1 << 30
"""Longest answer of a unit; more is a failure, not memory."""


class BrokenError(Exception):
    """The connection ended before the answer did. ``began``: something of it had come."""

    def __init__(self, cause: str, *, began: bool) -> None:
        self.began = began
        super().__init__(cause)


class Answer:
    """A whole answer."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: dict[bytes, bytes], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


class _Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._begin()

    def _begin(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._began = False

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._fail(str(exc) if exc else "the connection was closed before the answer came")

    def send(self, request: bytes) -> "asyncio.Future[Answer]":
        """Write a request; the answer comes, or BrokenError."""
        self._begin()
        self._answer = asyncio.get_running_loop().create_future()
        if self._transport is None:
            self._fail("the connection is closed")
        else:
            self._transport.write(request)
        return self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._began = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"the answer is not HTTP/1.1: {error}")
            self.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > ANSWER_BYTES:
            self._fail(f"the answer is longer than {ANSWER_BYTES} bytes")
            self.close()
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:  # 100 Continue and its like come before the answer
            return
        if not self._parser.should_keep_alive() and self._transport is not None:
            self._transport.close()
        waiting, self._answer = self._answer, None
        if waiting is not None and not waiting.done():
            waiting.set_result(Answer(status, self._headers, b"".join(self._body)))

    def _fail(self, cause: str) -> None:
        waiting, self._answer = self._answer, None
        if waiting is not None and not waiting.done():
            waiting.set_exception(BrokenError(cause, began=self._began))


class KeepAliveClient:
    """Requests to one host and port. Not for several event loops."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._host_header = f"{host}:{port}".encode("ascii")
        self._idle: deque[_Connection] = deque()

    async def post(self, path: bytes, body: bytes, headers: bytes, *, seconds: float, again: bool) -> Answer:
        """Send a body; ``headers`` are lines with their CRLF. ``again``: it may be done twice, and so may go out on an
        idle connection that the server is just about to close.

        Raises BrokenError, OSError for no connection, TimeoutError.
        """
        head = b"POST %b HTTP/1.1\r\nhost: %b\r\ncontent-length: %d\r\n" % (path, self._host_header, len(body))
        request = b"".join((head, headers, b"\r\n", body))
        async with asyncio.timeout(seconds):
            while again and (idle := self._taken()) is not None:
                try:
                    return await self._exchange(idle, request)
                except BrokenError as error:
                    if error.began:
                        raise
            return await self._exchange(await self._connect(), request)

    async def reachable(self, seconds: float) -> bool:
        """Whether a connection is taken."""
        try:
            async with asyncio.timeout(seconds):
                connection = await self._connect()
        except (OSError, TimeoutError):
            return False
        self._give_back(connection)
        return True

    def close(self) -> None:
        """Close what is idle."""
        while self._idle:
            self._idle.pop().close()

    async def _connect(self) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, self.host, self.port)
        return connection

    async def _exchange(self, connection: _Connection, request: bytes) -> Answer:
        try:
            answer = await connection.send(request)
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)
        return answer

    def _taken(self) -> _Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
        return None

    def _give_back(self, connection: _Connection) -> None:
        if connection.is_open and len(self._idle) < MOST_IDLE:
            self._idle.append(connection)
        else:
            connection.close()
