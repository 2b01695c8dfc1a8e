"""How a server knows a copy, whose answer nobody reads, from a user's request.

Our own Envoy marks copies. Other gateways cannot: there each request names the predictor that is to answer it, and
another predictor's name tells a copy. A predictor that answers users and is mirrored too needs a port of its own for
copies: of those that come there, the ones of its own requests were answered already, and are not counted twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sluicegate.serving.server.exchanges import Handler, Reply, Request, Response

SHADOW = b"x-sluicegate-shadow"
PREDICTOR = b"x-sluicegate-predictor"


def is_copy(headers: Mapping[bytes, bytes], predictor: bytes) -> bool:
    """Whether a gateway mirrored the request with these headers to this ``predictor``."""
    if headers.get(SHADOW, b"").lower() == b"true":
        return True
    answering = headers.get(PREDICTOR, b"")
    return bool(answering and predictor) and answering != predictor


def copies_only(handler: Handler, predictor: bytes) -> Handler:
    """``handler`` behind the port for copies."""

    def handle(request: Request, reply: Reply, wanted: Callable[[], bool]) -> None:
        if predictor and request.headers.get(PREDICTOR) == predictor:
            reply(Response(status=204))
        else:
            handler(replace(request, headers={**request.headers, SHADOW: b"true"}), reply, wanted)

    return handle
