"""The webhook's HTTPS server: one path a kind, and two for the kubelet.

A broken review is answered 400 with words. ``/readyz`` is ready when the caches that a review may ask are complete;
an operator that is not ready gets no reviews, as Services leave it out.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sluicegate.serving.operator.admission.errors import BrokenReviewError
from sluicegate.serving.operator.admission.reviewer import Reviewer
from sluicegate.serving.operator.admission.subjects import SUBJECTS, Subject
from sluicegate.serving.operator.admission.tls import ServedCertificate

LARGEST_BODY = 8 * 1024 * 1024
"""Bytes. A review holds the object as sent (the API server takes 3 MiB) and, at an update, the stored one."""
IDLE_SECONDS = 120
"""Longer than the API server keeps an idle connection (90 s), so that it never sends into one that we just closed."""
_LOG = logging.getLogger(__name__)


class _TooLargeError(Exception):
    pass


def create_door(reviewer: Reviewer) -> Starlette:
    """The application."""

    async def ready(_request: Request) -> Response:
        missing = reviewer.missing()
        return PlainTextResponse(f"waits for {missing}\n" if missing else "ok\n", 503 if missing else 200)

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    routes: list[BaseRoute] = [Route("/readyz", ready), Route("/livez", alive)]
    routes += [Route(subject.path, _endpoint(reviewer, subject), methods=["POST"]) for subject in SUBJECTS]
    return Starlette(routes=routes, exception_handlers={Exception: _failed})


class Server(uvicorn.Server):
    """``serve(sockets=[…])`` until ``should_exit`` is set; reviews under way are answered first."""

    def __init__(self, door: Starlette, certificate: ServedCertificate) -> None:
        settings = uvicorn.Config(
            door,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=10,
            timeout_keep_alive=IDLE_SECONDS,
        )
        settings.load()
        # Given whole instead of as files, since files could not be changed while it serves.
        settings.ssl = certificate.context
        super().__init__(settings)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the whole operator's."""
        yield


def _endpoint(reviewer: Reviewer, subject: Subject) -> Callable[[Request], Awaitable[Response]]:
    async def review(request: Request) -> Response:
        try:
            answered = await reviewer.review(await _body(request), subject)
        except BrokenReviewError as error:
            return PlainTextResponse(f"{error}\n", 400)
        except _TooLargeError:
            return PlainTextResponse(f"a review has at most {LARGEST_BODY} bytes\n", 413)
        return Response(msgspec.json.encode(answered), media_type="application/json")

    return review


async def _body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            raise _TooLargeError
        parts.append(part)
    return b"".join(parts)


async def _failed(request: Request, error: Exception) -> Response:
    _LOG.error("review at %s failed", request.url.path, exc_info=error)
    return PlainTextResponse("the operator failed at this review; its log says how\n", 500)
