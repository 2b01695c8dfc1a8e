"""How a server knows a copy from a user's request."""

import pytest

from sluicegate.serving.gateway.listener import SHADOW_HEADER
from sluicegate.serving.gateway.services import PREDICTOR_HEADER
from sluicegate.serving.server.exchanges import Request
from sluicegate.serving.server.predictions import is_copy

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

    assert is_copy(request, own) is expected
