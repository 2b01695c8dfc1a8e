"""How a server knows a copy from a user's request."""

from collections.abc import Callable

import pytest

from sluicegate.serving.gateway.listener import SHADOW_HEADER
from sluicegate.serving.gateway.services import PREDICTOR_HEADER
from sluicegate.serving.server.copies import copies_only, is_copy
from sluicegate.serving.server.exchanges import Reply, Request, Response

SHADOW, PREDICTOR = SHADOW_HEADER.encode(), PREDICTOR_HEADER.encode()


@pytest.mark.parametrize(
    ("headers", "own", "expected"),
    [
        pytest.param({}, b"new", False, id="no mark"),
        pytest.param({SHADOW: b"True"}, b"new", True, id="marked by our Envoy"),
        pytest.param({PREDICTOR: b"old"}, b"new", True, id="another predictor answers it"),
        pytest.param({PREDICTOR: b"new"}, b"new", False, id="this predictor answers it"),
        pytest.param({PREDICTOR: b"old"}, b"", False, id="a server that knows no name of its own"),
    ],
)
def test_a_copy_is_known_by_its_marks(headers: dict[bytes, bytes], own: bytes, expected: bool) -> None:
    """By our Envoy's header, or by the name of the predictor that is to answer."""
    request = Request(method="POST", path="/", headers=headers, body=b"", received=0.0)

    assert is_copy(request.headers, own) is expected


@pytest.mark.parametrize(("answering", "handled"), [(b"old", True), (b"new", False)])
def test_at_the_port_for_copies_all_are_copies_and_ones_own_are_left_out(answering: bytes, handled: bool) -> None:
    """What this predictor answered itself is acknowledged and goes no further."""
    reached: list[Request] = []
    answers: list[Response] = []

    def handler(request: Request, reply: Reply, wanted: Callable[[], bool]) -> None:
        reached.append(request)

    request = Request(method="POST", path="/", headers={PREDICTOR: answering}, body=b"", received=0.0)
    copies_only(handler, b"new")(request, answers.append, lambda: True)

    assert [is_copy(one.headers, b"new") for one in reached] == ([True] if handled else [])
    assert [one.status for one in answers] == ([] if handled else [204])
