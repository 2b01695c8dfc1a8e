"""Web pages and senders of CloudEvents get the headers that Seldon gives them; nobody else does."""

import pytest

from sluicegate.serving.server.courtesies import Courtesies
from sluicegate.serving.server.exchanges import Request, Response
from sluicegate.serving.server.routing import Call, Router

ANSWER = Response(headers=b"seldon-puid: p\r\n")
CE = {b"ce-specversion": b"1.0"}


def _answered(courtesies: Courtesies, headers: dict[bytes, bytes], method: str = "POST") -> list[str]:
    router = Router([("POST", "/p", lambda call: call.reply(ANSWER))], courtesies=courtesies)
    answers: list[Response] = []
    body = {b"content-length": b"0", **headers}
    request = Request(method=method, path="/p", headers=body, body=b"", received=0.0)
    router.route(Call(request=request, reply=answers.append, wanted=lambda: True))
    return answers[0].headers.decode().splitlines()


def test_a_page_may_read_the_answer() -> None:
    """Any page, unless some are named."""
    assert _answered(Courtesies(), {b"origin": b"http://a"})[1:] == ["access-control-allow-origin: *"]
    only = Courtesies(origins=frozenset({b"http://a"}))
    assert _answered(only, {b"origin": b"http://a"})[1:] == ["access-control-allow-origin: http://a", "vary: Origin"]
    assert _answered(only, {b"origin": b"http://b"}) == ["seldon-puid: p"]


def test_a_page_is_told_what_it_may_send() -> None:
    told = _answered(Courtesies(headers=b"content-type, x-mine"), {b"origin": b"http://a"}, "OPTIONS")

    assert "access-control-allow-methods: GET, POST, OPTIONS" in told
    assert "access-control-allow-headers: content-type, x-mine" in told


def test_an_event_is_answered_as_an_event() -> None:
    """With the puid as its id."""
    told = _answered(Courtesies(deployment=b"dep", namespace=b"ns"), CE)[1:]

    assert told == [
        "ce-id: p",
        "ce-specversion: 0.3",
        "ce-path: /p",
        "ce-type: seldon.dep.ns.response",
        "ce-source: seldon.dep",
    ]


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_nobody_else_gets_any_of_it(method: str) -> None:
    assert not [line for line in _answered(Courtesies(), {}, method) if line.startswith(("ce-", "access-"))]
