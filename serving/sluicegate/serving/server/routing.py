"""From method and path to a handler: a dictionary for fixed paths, patterns for those with a name in them."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from sluicegate.serving.protocol.seldon import failure
from sluicegate.serving.server.courtesies import NO_COURTESIES, Courtesies
from sluicegate.serving.server.exchanges import JSON_TYPE, Reply, Request, Response, json_response
from sluicegate.serving.server.http_codecs import JSON_LENGTH

_OTHERS = ("/v1/", "/v2/")
"""Paths of Open Inference and TensorFlow, whose clients read errors of another form."""
_MULTIPART = b"multipart/"
_UNREAD_TYPES = (_MULTIPART, b"application/octet-stream", b"application/cloudevents-batch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request with its way back. ``arguments`` are the path's named parts."""

    request: Request
    reply: Reply
    wanted: Callable[[], bool]
    arguments: dict[str, str] = field(default_factory=dict)


Handle = Callable[[Call], None]


class Router:
    """All routes: (method, path, handler); ``{name}`` in a path stands for one segment.

    ``forms``: paths that take a multipart.
    """

    def __init__(
        self,
        routes: Iterable[tuple[str, str, Handle]],
        *,
        forms: frozenset[str] = frozenset(),
        courtesies: Courtesies = NO_COURTESIES,
    ) -> None:
        self._forms, self._courtesies = forms, courtesies
        self._fixed: dict[str, dict[str, Handle]] = {}
        patterns: dict[str, dict[str, Handle]] = {}
        routes = tuple(routes)
        self.routes = tuple((method, path) for method, path, _ in routes)
        """Methods and paths."""
        for method, path, handle in routes:
            (patterns if "{" in path else self._fixed).setdefault(path, {})[method] = handle
        self._patterns = [(_pattern(path), path, methods) for path, methods in patterns.items()]

    def route(self, call: Call) -> None:
        """Hand the call over, or answer why not."""
        request = call.request
        if b"origin" in request.headers or b"ce-specversion" in request.headers:
            call = replace(call, reply=self._courtesies.reply(request, call.reply))
        methods, arguments = self._find(request.path)
        if methods is None:
            info = f"path: found {request.path[:200]!r}; expected a route of this server, such as /api/v1.0/predictions"
            told = {"error": info} if request.path.startswith(_OTHERS) else failure(404, "NOT_FOUND", info)
            call.reply(json_response(told, 404))
            return
        handle = methods.get("GET" if request.method == "HEAD" else request.method)
        refusal = _refusal(request, methods) if handle is None else self._unreadable(request)
        if refusal is not None or handle is None:
            call.reply(refusal or Response(status=405))
            return
        handle(replace(call, arguments=arguments) if arguments else call)

    def pattern_of(self, path: str) -> str:
        """The route that a path is, without the names in it; nothing for what is none."""
        if path in self._fixed:
            return path
        return next((route for pattern, route, _ in self._patterns if pattern.fullmatch(path)), "")

    def _find(self, path: str) -> tuple[dict[str, Handle] | None, dict[str, str]]:
        fixed = self._fixed.get(path) or (self._fixed.get(path[:-1]) if path.endswith("/") else None)
        if fixed is not None:
            return fixed, {}
        for pattern, _, methods in self._patterns:
            match = pattern.fullmatch(path)
            if match:
                return methods, {name: unquote(text) for name, text in match.groupdict().items()}
        return None, {}

    def _unreadable(self, request: Request) -> Response | None:
        if request.method != "POST":
            return None
        headers = request.headers
        if b"content-length" not in headers and b"transfer-encoding" not in headers and not request.query:
            info = "found neither Content-Length nor a chunked body; expected a JSON body"
            return json_response(failure(411, "LENGTH_REQUIRED", info), 411)
        kind = headers.get(b"content-type", JSON_TYPE)
        if kind == JSON_TYPE or JSON_LENGTH in headers:
            return None
        kind = kind.lower()
        if kind.startswith(_UNREAD_TYPES) and not (kind.startswith(_MULTIPART) and request.path in self._forms):
            info = f"Content-Type: found {kind[:80].decode('latin-1')}; expected application/json"
            return json_response(failure(415, "UNSUPPORTED_MEDIA_TYPE", info), 415)
        return None


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)) + "/?")


def _refusal(request: Request, methods: dict[str, Handle]) -> Response:
    allowed = sorted({*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])})
    header = b"allow: %b\r\n" % ", ".join(allowed).encode()
    if request.method == "OPTIONS":
        return Response(status=204, headers=header)
    info = f"method: found {request.method}; expected {' or '.join(methods)}"
    return json_response(failure(405, "METHOD_NOT_ALLOWED", info), 405, header)
