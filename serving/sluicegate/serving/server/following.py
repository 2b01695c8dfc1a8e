"""Requests that are followed from their coming to their answer: by traces, by lines on stdout, or by both.

Nothing of this is there, nor costs anything, unless it is asked for: the app then puts these wraps around the doors'
handlers and around the dispatcher. A followed request is known again by its headers, which go wherever it goes.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter, time
from typing import Any, Literal, Protocol

from sluicegate.serving.graph.execution import NO_HEADERS
from sluicegate.serving.graph.units import Headers
from sluicegate.serving.protocol.messages import Feedback, Message
from sluicegate.serving.server.dispatching import Around, Dispatching, Result
from sluicegate.serving.server.exchanges import Handler, Reply, Request, Response
from sluicegate.serving.server.grpc_calls import Call, Handle, code_of, status_of

GONE = 499
"""The client went before it was answered; no status says so, and proxies write this one."""
_PUID = b"seldon-puid: "
_PROBES = ("Live", "Ready")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """How a request came: ``scheme`` of its URL, ``route`` is its path without names of models; ``at`` when, in seconds
    since 1970.
    """

    door: Literal["http", "grpc"]
    method: str
    path: str
    route: str = ""
    scheme: str = "http"
    at: float
    received: float


class Followed(dict[bytes, bytes]):
    """A request's headers, with what became known of it."""

    __slots__ = ("beginning", "done", "puid", "rows", "span")

    def __init__(self, headers: Headers, beginning: Beginning) -> None:
        super().__init__(headers)
        self.beginning = beginning
        self.puid = ""
        self.rows: int | None = None
        self.span: Any = None
        self.done = False


class Follower(Protocol):
    """Who is told of requests."""

    def begin(self, request: Followed) -> None:
        """One came. May change its headers."""

    def end(self, request: Followed, status: int, code: str) -> None:
        """It was answered with this status of HTTP; ``code`` is the one of gRPC, if it came by that."""


class Inside(Protocol):
    """What a follower that goes along into the graph makes of what is given to it."""

    def message(self, message: Message, request: Followed) -> Message:
        """The message, so that units know the request by it."""

    def feedback(self, feedback: Feedback, request: Followed) -> Feedback:
        """The same of a feedback."""


@dataclass(frozen=True, slots=True)
class Following:
    """All followers of one server."""

    followers: tuple[Follower, ...]
    inside: Inside | None = None
    scheme: str = "http"

    def begin(self, headers: Headers, beginning: Beginning) -> Followed:
        """A request's headers from now on."""
        request = Followed(headers, beginning)
        for follower in self.followers:
            follower.begin(request)
        return request

    def end(self, request: Followed, status: int, code: str = "") -> None:
        """Once for each request; what comes later is nothing."""
        if not request.done:
            request.done = True
            for follower in self.followers:
                follower.end(request, status, code)

    def http(self, handler: Handler, route_of: Callable[[str], str]) -> Handler:
        """``handler``, followed; what asks for a state (health, metrics, documents) is not."""

        def handle(request: Request, reply: Reply, wanted: Callable[[], bool]) -> None:
            if request.method != "POST" and not request.query:
                handler(request, reply, wanted)
                return
            beginning = Beginning(
                door="http",
                method=request.method,
                path=request.path,
                route=route_of(request.path),
                scheme=self.scheme,
                at=time() - (perf_counter() - request.received),
                received=request.received,
            )
            headers = self.begin(request.headers, beginning)

            def answered(response: Response) -> None:
                reply(response)
                headers.puid = headers.puid or _puid(response)
                self.end(headers, response.status)

            followed = Request(
                method=request.method,
                path=request.path,
                headers=headers,
                body=request.body,
                received=request.received,
                query=request.query,
            )
            try:
                handler(followed, answered, wanted)
            except Exception:
                self.end(headers, 500)
                raise

        return handle

    def grpc(self, services: Mapping[str, Mapping[str, Handle]]) -> dict[str, dict[str, Handle]]:
        """Handlers by service and method, followed, but for those that ask whether the server is there."""
        return {
            service: {
                name: handle if name.endswith(_PROBES) else self._called(handle) for name, handle in methods.items()
            }
            for service, methods in services.items()
        }

    def _called(self, handle: Handle) -> Handle:
        async def called(call: Call, request: Any) -> Any:
            beginning = Beginning(
                door="grpc", method=call.method[1:], path=call.method, at=call.at, received=call.received
            )
            call.headers = headers = self.begin(call.headers, beginning)
            try:
                made = await handle(call, request)
            except Exception as error:
                headers.puid = call.puid
                self.end(headers, status_of(error), code_of(error).name)
                raise
            except asyncio.CancelledError:
                headers.puid = call.puid
                self.end(headers, GONE, "CANCELLED")
                raise
            headers.puid = call.puid
            self.end(headers, 200, "OK")
            return made

        return called


class FollowedDispatcher(Around):
    """``Dispatching`` that tells followers how large a request is, and that its client went."""

    def __init__(self, inner: Dispatching, following: Following) -> None:
        super().__init__(inner)
        self._following = following

    def submit(
        self,
        message: Message,
        done: Callable[[Result], None],
        wanted: Callable[[], bool],
        headers: Headers = NO_HEADERS,
    ) -> None:
        """As the port says."""
        if isinstance(headers, Followed):
            headers.rows, headers.puid = message.rows, message.meta.puid
            if self._following.inside is not None:
                message = self._following.inside.message(message, headers)
            wanted = self._told_when_gone(wanted, headers)
        super().submit(message, done, wanted, headers)

    def tell(
        self, feedback: Feedback, done: Callable[[BaseException | None], None], headers: Headers = NO_HEADERS
    ) -> None:
        """As the port says."""
        if isinstance(headers, Followed) and self._following.inside is not None:
            feedback = self._following.inside.feedback(feedback, headers)
        super().tell(feedback, done, headers)

    def _told_when_gone(self, wanted: Callable[[], bool], request: Followed) -> Callable[[], bool]:
        def still() -> bool:
            if wanted():
                return True
            self._following.end(request, GONE)
            return False

        return still


def _puid(response: Response) -> str:
    return response.headers.partition(_PUID)[2].partition(b"\r\n")[0].decode("latin-1")
