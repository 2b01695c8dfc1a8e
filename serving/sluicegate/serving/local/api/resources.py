"""Objects over HTTP: a path and a method become one call of reading or writing; every error becomes a Status."""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.api import patching, reading
from sluicegate.serving.local.api.errors import RequestError, bad_request, details_of, translated
from sluicegate.serving.local.api.requests import (
    MAX_BODY,
    Form,
    Options,
    Target,
    body,
    content_type,
    document,
    form,
    options,
    parsed_json,
)
from sluicegate.serving.local.api.tables import table
from sluicegate.serving.local.api.targets import Targets
from sluicegate.serving.local.api.watches import watch_lines
from sluicegate.serving.local.api.writing import Deletion, Writer, Written
from sluicegate.serving.local.errors import StoreError
from sluicegate.serving.local.store import Store

_LOG = logging.getLogger(__name__)
_PATCHES = ("application/merge-patch+json", "application/json-patch+json")
Handler = Callable[[Request, Target, Options, Form], Awaitable[Response]]
_STRATEGIC = "application/strategic-merge-patch+json"
_APPLY = frozenset({"application/apply-patch+yaml", "application/apply-patch+cbor"})


def answer(value: JSON, code: int = 200, warnings: tuple[str, ...] = ()) -> Response:
    """A JSON answer; warnings go into ``Warning`` headers, as kubectl prints them."""
    response = Response(msgspec.json.encode(value), code, media_type="application/json")
    for warning in warnings[:20]:
        text = warning[:400].replace("\\", "\\\\").replace('"', '\\"')
        printable = "".join(letter if letter.isprintable() and letter.isascii() else "?" for letter in text)
        response.headers.append("Warning", f'299 - "{printable}"')
    return response


class Resources:
    """The ASGI application of everything below ``/api/v1`` and ``/apis/<group>/<version>`` that names objects."""

    def __init__(self, store: Store, targets: Targets, clock: Callable[[], datetime]) -> None:
        self._store, self._targets, self._clock = store, targets, clock
        self._writer = Writer(store)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; whatever happens, the client gets a Status."""
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except RequestError as error:
            response = answer(error.status(), error.code)
        except ClientDisconnect:
            return
        except Exception:  # noqa: BLE001
            # A rule of a kind that fails must cost this request only.
            _LOG.exception("%s %s failed", request.method, request.url.path)
            broken = RequestError("InternalError", "the server failed on this request; its log says why")
            response = answer(broken.status(), broken.code)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        target = self._targets.find(request.url.path)
        chosen = options(request.query_params, target.kind)
        liked = form(request.headers.get("accept", ""))
        handle = self._handler(request.method, target)
        try:
            return await handle(request, target, chosen, liked)
        except StoreError as error:
            raise translated(error, target.kind) from error

    def _handler(self, method: str, target: Target) -> Handler:
        on_one: dict[str, Handler] = {"GET": self._get, "HEAD": self._get, "PUT": self._put, "PATCH": self._patch}
        on_all: dict[str, Handler] = {"GET": self._list, "HEAD": self._list}
        if target.namespace is not None or not target.kind.namespaced:
            on_all |= {"POST": self._post, "DELETE": self._delete_all}
        if not target.subresource:
            on_one["DELETE"] = self._delete
        handlers = on_one if target.name else on_all
        if method not in handlers:
            words = f"{method} is not allowed on this resource (allowed: {', '.join(handlers)})"
            raise RequestError("MethodNotAllowed", words, details_of(target.kind, target.name))
        return handlers[method]

    async def _get(self, _request: Request, target: Target, chosen: Options, liked: Form) -> Response:
        if chosen.watch:
            return self._stream(target, chosen.only(target.name), liked)
        return self._shown(target, chosen, liked, reading.one(self._store, target))

    async def _list(self, _request: Request, target: Target, chosen: Options, liked: Form) -> Response:
        if chosen.watch:
            return self._stream(target, chosen, liked)
        items, metadata = reading.many(self._store, target, chosen)
        if liked == "table":
            return answer(table(target.kind, items, metadata, now=self._clock(), include=chosen.include))
        if liked == "metadata":
            kind = {"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata}
            return answer(kind | {"items": [reading.partial(item) for item in items]})
        return answer(reading.listed(target, items, metadata))

    async def _post(self, request: Request, target: Target, chosen: Options, liked: Form) -> Response:
        written = await run_in_threadpool(self._writer.create, target, await document(request), chosen)
        return self._shown(target, chosen, liked, written.object, 201, written.warnings)

    async def _put(self, request: Request, target: Target, chosen: Options, liked: Form) -> Response:
        written = await run_in_threadpool(self._writer.replace, target, await document(request), chosen)
        return self._shown(target, chosen, liked, written.object, 200, written.warnings)

    async def _patch(self, request: Request, target: Target, chosen: Options, liked: Form) -> Response:
        change = _change(content_type(request), target, await body(request))
        written = await run_in_threadpool(self._writer.patch, target, change, chosen)
        return self._shown(target, chosen, liked, written.object, 200, written.warnings)

    async def _delete(self, request: Request, target: Target, chosen: Options, _liked: Form) -> Response:
        deletion, asked = _deletion(await document(request), request, chosen)
        written = await run_in_threadpool(self._writer.delete, target, deletion, asked)
        return answer(_farewell(target, written), 200, written.warnings)

    async def _delete_all(self, request: Request, target: Target, chosen: Options, _liked: Form) -> Response:
        deletion, asked = _deletion(await document(request), request, chosen)
        items, metadata = reading.many(self._store, target, asked)
        for item in items:
            named = Target(
                kind=target.kind,
                version=target.version,
                namespace=target.namespace,
                name=item["metadata"]["name"],
            )
            await run_in_threadpool(self._writer.delete, named, deletion, asked)
        return answer(reading.listed(target, items, metadata))

    def _stream(self, target: Target, chosen: Options, liked: Form) -> Response:
        render = reading.renderer(target, liked, chosen.include, self._clock)
        lines = watch_lines(self._store, target, chosen, render)
        return StreamingResponse(lines, media_type="application/json")

    def _shown(
        self,
        target: Target,
        chosen: Options,
        liked: Form,
        obj: JSON,
        code: int = 200,
        warnings: tuple[str, ...] = (),
    ) -> Response:
        render = reading.renderer(target, liked, chosen.include, self._clock)
        return answer(render(obj), code, warnings)


def _change(media_type: str, target: Target, read: bytes) -> Callable[[JSON], Any]:
    """The function that a patch's body is."""
    if media_type in _APPLY:
        raise RequestError(
            "UnsupportedMediaType",
            "server-side apply is not offered here (there are no field managers): apply without --server-side",
        )
    known = (*_PATCHES, *((_STRATEGIC,) if target.kind.is_core else ()))
    if media_type not in known:
        raise RequestError(
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: " + ", ".join(known),
        )
    patch = parsed_json(read)
    apply = {
        "application/merge-patch+json": patching.merge_patch,
        "application/json-patch+json": patching.json_patch,
        _STRATEGIC: patching.strategic_patch,
    }[media_type]

    def change(current: JSON) -> Any:
        changed = apply(current, patch)
        if len(msgspec.json.encode(changed)) > MAX_BODY:
            raise RequestError("RequestEntityTooLarge", f"the patched object is larger than {MAX_BODY} bytes")
        return changed

    return change


def _deletion(value: Any, request: Request, chosen: Options) -> tuple[Deletion, Options]:
    """DeleteOptions from body and query; foreground is background here: all goes in one transaction."""
    given = {} if value is None else value
    preconditions = given.get("preconditions") or {} if isinstance(given, dict) else None
    if not isinstance(preconditions, dict):
        raise bad_request("the body: expected DeleteOptions")
    policy = given.get("propagationPolicy") or request.query_params.get("propagationPolicy") or "Background"
    if str(policy) not in ("Background", "Foreground", "Orphan"):
        raise bad_request(f"propagationPolicy: found {policy!r}, expected Background, Foreground or Orphan")
    dry_run = given.get("dryRun") or []
    if dry_run not in ([], ["All"]):
        raise bad_request(f"dryRun: found {dry_run!r}, expected ['All']")
    orphan = policy == "Orphan" or given.get("orphanDependents") is True
    uid, version = preconditions.get("uid") or "", preconditions.get("resourceVersion") or ""
    deletion = Deletion(uid=str(uid), resource_version=str(version), orphan=orphan)
    return deletion, chosen.with_dry_run(dry_run=chosen.dry_run or bool(dry_run))


def _farewell(target: Target, written: Written) -> JSON:
    """What a deletion answers: the object while finalizers hold it, else success with its uid."""
    metadata = written.object["metadata"]
    if metadata.get("finalizers"):
        return target.kind.served(written.object, target.version)
    details = details_of(target.kind, target.name, uid=metadata["uid"])
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
