"""A followed request is told of once, at its beginning and at its end, however it ends."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from sluicegate.serving.graph.execution import NO_HEADERS
from sluicegate.serving.graph.units import Headers
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.server.errors import OverloadedError
from sluicegate.serving.server.exchanges import Request, Response
from sluicegate.serving.server.following import GONE, Followed, FollowedDispatcher, Following
from sluicegate.serving.server.grpc_calls import Call, call_of

MESSAGE = Message(content="x", form="strData")


@dataclass
class Remembering:
    """A follower."""

    begun: list[Followed] = field(default_factory=list)
    ended: list[tuple[int, str]] = field(default_factory=list)

    def begin(self, request: Followed) -> None:
        """Mark it."""
        request[b"marked"] = b"1"
        self.begun.append(request)

    def end(self, _: Followed, status: int, code: str) -> None:
        """Remember how."""
        self.ended.append((status, code))


class Held:
    """A dispatcher that keeps what it is given."""

    in_flight = waiting = 0

    def __init__(self) -> None:
        self.wanted: Callable[[], bool] = lambda: True
        self.headers: Headers = NO_HEADERS

    def submit(self, _: Message, __: Any, wanted: Callable[[], bool], headers: Headers = NO_HEADERS) -> None:
        """Keep it."""
        self.wanted, self.headers = wanted, headers

    def tell(self, *_: Any) -> None:
        """Nothing."""

    def sweep(self, now: float) -> None:
        """Nothing."""


@pytest.fixture
def seen() -> Remembering:
    return Remembering()


@pytest.fixture
def following(seen: Remembering) -> Following:
    return Following((seen,), scheme="https")


def request(method: str = "POST", query: bytes = b"") -> Request:
    return Request(method=method, path="/v2/models/m/infer", headers={b"a": b"1"}, body=b"", received=0.0, query=query)


def test_an_answer_ends_it_and_its_id_is_known(following: Following, seen: Remembering) -> None:
    got: list[Any] = []

    def handler(asked: Request, reply: Callable[[Response], None], _: Any) -> None:
        got.append(asked.headers)
        reply(Response(status=404, headers=b"a: b\r\nseldon-puid: mine\r\n"))

    following.http(handler, lambda _: "/v2/models/{model}/infer")(request(), got.append, lambda: True)

    (told,) = seen.begun
    assert (seen.ended, told.puid, got[0] is told, got[0][b"marked"]) == ([(404, "")], "mine", True, b"1")
    assert (told.beginning.route, told.beginning.scheme) == ("/v2/models/{model}/infer", "https")


def test_what_asks_for_a_state_is_not_followed(following: Following, seen: Remembering) -> None:
    handle = following.http(lambda _, reply, __: reply(Response()), str)
    handle(request("GET"), lambda _: None, lambda: True)
    assert seen.begun == []

    handle(request("GET", b"json={}"), lambda _: None, lambda: True)
    assert len(seen.begun) == 1


def test_a_handler_that_raises_is_a_500(following: Following, seen: Remembering) -> None:
    def handler(*_: Any) -> None:
        raise ValueError("a fault of ours")

    with pytest.raises(ValueError, match="ours"):
        following.http(handler, str)(request(), lambda _: None, lambda: True)

    assert seen.ended == [(500, "")]


def test_a_client_that_went_ends_it_once(following: Following, seen: Remembering) -> None:
    """Whoever finds it out, and however often."""
    held = Held()
    dispatcher = FollowedDispatcher(held, following)
    headers = following.begin({}, None)  # type: ignore[arg-type]  # nobody reads its beginning
    there = [True]
    dispatcher.submit(MESSAGE, lambda _: None, lambda: there[0], headers)
    assert (held.wanted(), seen.ended, headers.rows) == (True, [], 1)

    there[0] = False

    assert (held.wanted(), held.wanted(), seen.ended) == (False, False, [(GONE, "")])


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (None, (200, "OK")),
        (OverloadedError("too many"), (429, "RESOURCE_EXHAUSTED")),
        (asyncio.CancelledError(), (GONE, "CANCELLED")),
    ],
)
def test_a_call_ends_as_it_was_answered(
    following: Following, seen: Remembering, raised: BaseException | None, told: tuple[int, str]
) -> None:
    async def handle(call: Call, _: Any) -> str:
        assert call.headers[b"marked"] == b"1"
        call.puid = "mine"
        if raised is not None:
            raise raised
        return "answer"

    methods = following.grpc({"s.S": {"Predict": handle, "ServerReady": handle}})["s.S"]
    call = call_of("/s.S/Predict", (("a", "1"),), b"")

    if raised is None:
        assert asyncio.run(methods["Predict"](call, None)) == "answer"  # type: ignore[arg-type]
    else:
        with pytest.raises(type(raised)):
            asyncio.run(methods["Predict"](call, None))  # type: ignore[arg-type]

    assert (seen.ended, seen.begun[0].puid, methods["ServerReady"] is handle) == ([told], "mine", True)
