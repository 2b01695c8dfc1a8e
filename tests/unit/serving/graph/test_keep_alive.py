"""Requests between units: connections are used again, and one that breaks costs a request only where it must."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from sluicegate.serving.graph.keep_alive import Answer, BrokenError, KeepAliveClient

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


class Server:
    """Answers each request with the next of ``answers``; None closes the connection instead."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers, self.connections, self.requests = list(answers), 0, list[bytes]()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.requests.append(head + await reader.readexactly(2))
                answer = self.answers.pop(0) if self.answers else OK
                if answer is None:
                    return
                writer.write(answer)
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.close()


def talk(server: Server, work: Callable[[KeepAliveClient], Awaitable[Any]]) -> Any:
    """Run ``work`` with a client of ``server``."""

    async def run() -> Any:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        client = KeepAliveClient("127.0.0.1", listening.sockets[0].getsockname()[1])
        try:
            return await work(client)
        finally:
            client.close()
            listening.close()

    return asyncio.run(run())


async def post(client: KeepAliveClient, *, again: bool = True, seconds: float = 5.0) -> Answer:
    """One request."""
    return await client.post(b"/predict", b"{}", b"x-mine: 1\r\n", seconds=seconds, again=again)


def test_a_connection_serves_one_request_after_the_other() -> None:
    server = Server()

    async def work(client: KeepAliveClient) -> list[bytes]:
        return [(await post(client)).body for _ in range(3)]

    assert talk(server, work) == [b"ok"] * 3
    assert server.connections == 1
    assert b"POST /predict HTTP/1.1\r\n" in server.requests[0]
    assert b"\r\nx-mine: 1\r\n" in server.requests[0]


def test_requests_at_the_same_time_have_a_connection_each() -> None:
    server = Server()

    async def work(client: KeepAliveClient) -> None:
        await asyncio.gather(*(post(client) for _ in range(4)))

    talk(server, work)
    assert server.connections == 4


def test_a_connection_that_was_closed_while_idle_costs_nothing() -> None:
    server = Server(OK, None)

    async def work(client: KeepAliveClient) -> Answer:
        await post(client)
        return await post(client)

    assert talk(server, work).body == b"ok"
    assert (server.connections, len(server.requests)) == (2, 3)


def test_what_may_be_done_once_only_is_sent_once_and_on_a_fresh_connection() -> None:
    server = Server(OK, None)

    async def work(client: KeepAliveClient) -> None:
        await post(client)
        await post(client, again=False)

    with pytest.raises(BrokenError):
        talk(server, work)
    assert (server.connections, len(server.requests)) == (2, 2)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", None),
        (b"SSH-2.0 hello\r\n\r\n", "not HTTP/1.1"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "not HTTP/1.1"),
    ],
)
def test_an_answer_that_does_not_end_or_is_none_is_an_error(answer: bytes, words: str | None) -> None:
    expected: type[Exception] = BrokenError if words else TimeoutError
    with pytest.raises(expected, match=words):
        talk(Server(answer), lambda client: post(client, seconds=0.2))


def test_interim_answers_chunks_and_a_last_answer_are_read() -> None:
    chunks = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n"
    server = Server(b"HTTP/1.1 100 Continue\r\n\r\n" + chunks)

    async def work(client: KeepAliveClient) -> list[bytes]:
        return [(await post(client)).body for _ in range(2)]

    assert talk(server, work) == [b"ok", b"ok"]
    assert server.connections == 2
