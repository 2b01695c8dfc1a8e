"""Requests to the API server: JSON in, JSON out, one path for all kinds, and every refusal an error of this room.

Writes are server-side apply under our own field manager, so that what others own survives; status and the rollout's
swap are replaced under the resourceVersion that was read.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal

import httpx
import msgspec

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import Resource
from sluicegate.serving.operator.cluster.requests import Request, about
from sluicegate.serving.operator.errors import (
    ClusterError,
    ConflictError,
    ExpiredError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)

FIELD_MANAGER = "sluicegate-operator"
PAGE = 500
WATCH_SECONDS = 240
ONLY_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_MISFITS = ("failed to create typed patch object", "unable to convert unstructured object")
"""How the API server says, with code 500, that a field is unknown or of another type: the same again will not help."""
WatchType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]


Told = Callable[[Request, int], None]
"""Told of each request, and of the answer's code; 0 when nobody answered."""


class Cluster:
    """An API server. Every call raises the errors of ``operator.errors``; ``told`` hears of each."""

    def __init__(self, client: httpx.AsyncClient, *, told: Told = lambda _request, _code: None) -> None:
        self._client, self._told = client, told

    async def close(self) -> None:
        """Let go of all connections."""
        await self._client.aclose()

    async def serves(self, resource: Resource) -> bool:
        """Whether this kind exists here; Gateway API, Istio and KEDA are found out so."""
        try:
            found = await self._call(Request(verb="discover", resource=resource))
        except NotFoundError:
            return False
        return any(each.get("name") == resource.plural for each in found.get("resources", ()))

    async def get(self, resource: Resource, namespace: str, name: str) -> JSON:
        """One object."""
        return await self._call(Request(verb="get", resource=resource, namespace=namespace, name=name))

    async def metadata(self, resource: Resource, namespace: str, name: str) -> JSON:
        """An object without spec and status, which are large in some kinds."""
        request = Request(verb="get", resource=resource, namespace=namespace, name=name)
        return await self._call(request, headers={"Accept": ONLY_METADATA})

    async def list(self, resource: Resource, namespace: str | None, *, labels: str = "") -> tuple[list[JSON], str]:
        """All objects, page by page, and the resourceVersion from which a watch goes on."""
        items: list[JSON] = []
        query = {"limit": str(PAGE)} | ({"labelSelector": labels} if labels else {})
        while True:
            page = await self._call(Request(verb="list", resource=resource, namespace=namespace), query=query)
            items += page.get("items") or ()
            meta = page.get("metadata", {})
            if not meta.get("continue"):
                return items, str(meta.get("resourceVersion", ""))
            query = query | {"continue": meta["continue"]}

    async def watch(
        self, resource: Resource, namespace: str | None, version: str, *, labels: str = ""
    ) -> AsyncIterator[tuple[WatchType, JSON]]:
        """Changes since ``version``, until the server ends the stream. ExpiredError: list again."""
        query = {"watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true"}
        query |= {"timeoutSeconds": str(WATCH_SECONDS)} | ({"labelSelector": labels} if labels else {})
        timeout = httpx.Timeout(15.0, read=WATCH_SECONDS + 15.0)
        request, path = Request(verb="watch", resource=resource, namespace=namespace), resource.path(namespace)
        try:
            async with self._client.stream("GET", path, params=query, timeout=timeout) as answer:
                self._told(request, answer.status_code)
                if answer.status_code != 200:
                    await answer.aread()
                    raise _refusal(request, answer)
                async for line in answer.aiter_lines():
                    change = msgspec.json.decode(line)
                    if change["type"] == "ERROR":
                        raise _error(request, int(change["object"].get("code", 500)), change["object"])
                    yield change["type"], change["object"]
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise UnreachableError(f"WATCH {path}: the stream broke ({type(error).__name__}: {error})") from error

    async def apply(self, obj: JSON, *, dry_run: bool = False) -> JSON:
        """Server-side apply: make these fields so, and take those from anybody else who claims them."""
        query = {"fieldManager": FIELD_MANAGER, "force": "true"} | ({"dryRun": "All"} if dry_run else {})
        request = about("patch", obj, dry_run=dry_run)
        return await self._call(request, obj, query=query, content_type="application/apply-patch+yaml")

    async def patch_json(self, obj: JSON, operations: Sequence[JSON]) -> JSON:
        """Carry out a JSON patch (RFC 6902) on an object."""
        return await self._call(about("patch", obj), operations, content_type="application/json-patch+json")

    async def create(self, obj: JSON) -> JSON:
        """Write a new object. ConflictError when the name is taken."""
        return await self._call(about("create", obj), obj, query={"fieldManager": FIELD_MANAGER})

    async def replace(self, obj: JSON, *, status: bool = False) -> JSON:
        """Write all of an object (or only its status). ConflictError when somebody wrote since it was read."""
        request = about("update", obj, subresource="status" if status else "")
        return await self._call(request, obj, query={"fieldManager": FIELD_MANAGER})

    async def delete(self, obj: JSON) -> None:
        """Delete this very object, and in the background what it owns. One that is gone is fine."""
        uid = obj["metadata"].get("uid")
        options = {"propagationPolicy": "Background"} | ({"preconditions": {"uid": uid}} if uid else {})
        try:
            await self._call(about("delete", obj), options)
        except NotFoundError:
            return

    async def _call(
        self,
        request: Request,
        body: JSON | Sequence[JSON] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> JSON:
        content = None if body is None else msgspec.json.encode(body)
        headers = {**(headers or {}), **({"Content-Type": content_type} if body is not None else {})}
        try:
            answer = await self._client.request(
                request.method, request.path, params=query, content=content, headers=headers
            )
        except httpx.HTTPError as error:
            self._told(request, 0)
            said = f"{request.method} {request.path}: no answer ({type(error).__name__}: {error})"
            raise UnreachableError(said) from error
        self._told(request, answer.status_code)
        if not answer.is_success:
            raise _refusal(request, answer)
        found: Any = msgspec.json.decode(answer.content)
        return dict(found)


def _refusal(request: Request, answer: httpx.Response) -> ClusterError:
    try:
        status = dict(msgspec.json.decode(answer.content))
    except (msgspec.DecodeError, TypeError, ValueError):
        status = {"message": answer.text[:300]}
    return _error(request, answer.status_code, status)


def _error(request: Request, code: int, status: JSON) -> ClusterError:
    method = "WATCH" if request.verb == "watch" else request.method
    message = f"{method} {request.path}: {code} {status.get('message', '')}".rstrip()
    match code:
        case 404:
            return NotFoundError(message)
        case 409:
            return ConflictError(message)
        case 410:
            return ExpiredError(message)
        case 500 if any(words in message for words in _MISFITS):
            return RefusedError(message)
        case 429 | 500 | 502 | 503 | 504:
            return UnreachableError(message)
        case _:
            causes = (status.get("details") or {}).get("causes") or ()
            return RefusedError(message, tuple((str(c.get("field", "")), str(c.get("message", ""))) for c in causes))
