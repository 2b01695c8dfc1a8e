"""The API's routes: composed here, served by the plane beside its other doors."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.api import discovery, openapi
from sluicegate.serving.local.api.errors import RequestError
from sluicegate.serving.local.api.resources import Resources, answer
from sluicegate.serving.local.api.targets import Targets
from sluicegate.serving.local.kinds import Kind
from sluicegate.serving.local.store import Store, utc_now


def create_api(store: Store, kinds: Iterable[Kind], *, clock: Callable[[], datetime] = utc_now) -> list[Route]:
    """Routes below ``/version``, ``/api``, ``/apis`` and ``/openapi``: Kubernetes' dialect over the store.

    Watches end when ``store.bell.silence()`` (or ``store.close()``) is called: do so before the HTTP server waits for
    its connections to end.
    """
    targets = Targets(kinds)
    door = _Door(targets, Resources(store, targets, clock))
    paths = ("/version", "/api", "/api/{rest:path}", "/apis", "/apis/{rest:path}", "/openapi/{rest:path}")
    return [Route(path, door) for path in paths]


class _Door:
    """Documents about the API are answered here, objects by ``Resources``."""

    def __init__(self, targets: Targets, resources: Resources) -> None:
        self._documents, self._resources = _documents(targets), resources
        self._swagger = openapi.swagger(targets)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/")
        request = Request(scope)
        if path == "/openapi/v2":
            await self._answer_swagger(request)(scope, receive, send)
        elif path in self._documents:
            await _document(request, self._documents[path])(scope, receive, send)
        elif path.startswith(("/api/", "/apis/")):
            await self._resources(scope, receive, send)
        else:
            await _refusal("NotFound", "the server could not find the requested resource")(scope, receive, send)

    def _answer_swagger(self, request: Request) -> Response:
        accepted = request.headers.get("accept", "*/*")
        if "json" not in accepted and "*/*" not in accepted:
            return _refusal("NotAcceptable", "OpenAPI v2 is served as application/json only; ask for OpenAPI v3")
        return _document(request, lambda: self._swagger)


def _documents(targets: Targets) -> dict[str, Callable[[], JSON]]:
    versions = [(group, version) for group, versions in targets.groups().items() for version in versions]
    documents: dict[str, Callable[[], JSON]] = {
        "/version": discovery.version,
        "/api": discovery.core_versions,
        "/apis": partial(discovery.group_list, targets),
        "/openapi/v3": partial(openapi.index, targets),
    }
    for group, version in versions:
        path = f"/apis/{group}/{version}" if group else f"/api/{version}"
        documents[path] = partial(discovery.resource_list, targets, group, version)
        documents[f"/openapi/v3{path}"] = partial(openapi.document, targets, group, version)
        if group:
            documents[f"/apis/{group}"] = partial(discovery.group, targets, group)
    return documents


def _document(request: Request, write: Callable[[], JSON]) -> Response:
    if request.method not in ("GET", "HEAD"):
        return _refusal("MethodNotAllowed", f"{request.method} is not allowed here (allowed: GET)")
    return answer(write())


def _refusal(reason: str, message: str) -> Response:
    error = RequestError(reason, message)
    return answer(error.status(), error.code)
