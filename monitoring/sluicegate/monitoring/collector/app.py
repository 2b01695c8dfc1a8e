"""The collector put together: its doors over HTTP, and its turn each second.

Doors translate and delegate: bodies are read here, everything that touches the database runs on its thread.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sluicegate.monitoring.collector.errors import (
    CollectorError,
    OverloadedError,
    QuestionError,
    StorageError,
    UnknownDeploymentError,
    UnknownEvidenceError,
)
from sluicegate.monitoring.collector.events import Batch, read_batch, read_binary, read_one
from sluicegate.monitoring.collector.exposition import expose
from sluicegate.monitoring.collector.history import read_question
from sluicegate.monitoring.collector.keeper import Keeper
from sluicegate.monitoring.collector.routers import read_report
from sluicegate.monitoring.collector.turns import Turns
from sluicegate.monitoring.sources.series_json import write_series
from sluicegate.serving.protocol.router_counts import PATH as ROUTERS

MOST_REFUSALS_TOLD = 20
STATUS = {
    UnknownDeploymentError: 404,
    UnknownEvidenceError: 404,
    QuestionError: 400,
    OverloadedError: 429,
    StorageError: 507,
}


class BodyTooLargeError(CollectorError):
    """A body is longer than ``--body-bytes``."""


def make_app(keeper: Keeper, turns: Turns, *, body_bytes: int) -> Starlette:
    """The ASGI application; it owns ``keeper`` and ``turns`` from its start to its end."""
    doors = Doors(keeper, body_bytes)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await keeper.start()
        running = asyncio.create_task(turns.run())
        yield
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await turns.close()
        keeper.close()

    return Starlette(
        routes=[
            Route("/events", doors.events, methods=["POST"]),
            Route("/ready", doors.ready),
            Route("/metrics", doors.metrics),
            Route("/v1/series", doors.series),
            Route("/v1/deployments/{namespace}/{name}", doors.summary),
            Route("/v1/deployments/{namespace}/{name}/drift", doors.drift),
            Route("/v1/deployments/{namespace}/{name}/requests", doors.requests),
            Route("/v1/deployments/{namespace}/{name}/routers", doors.router_counts),
            Route(ROUTERS, doors.keep_router_counts, methods=["POST"]),
            Route("/v1/evidence/{namespace}/{rollout}", doors.evidence, methods=["GET"]),
            Route("/v1/evidence/{namespace}/{rollout}", doors.keep_evidence, methods=["PUT"]),
        ],
        exception_handlers={CollectorError: refuse},
        lifespan=lifespan,
    )


class Doors:
    """One method a path."""

    def __init__(self, keeper: Keeper, body_bytes: int) -> None:
        self._keeper = keeper
        self._body_bytes = body_bytes

    async def events(self, request: Request) -> Response:
        """Take events; 202 once the good ones are committed, with the bad ones named. 400 when none is good."""
        try:
            body = await self._body(request)
        except BodyTooLargeError as error:
            return answer({"error": str(error)}, 413)
        batch = _read(request, body)
        if batch.events:
            await self._keeper.take(batch.events)
        self._keeper.refused(len(batch.refusals))
        if not batch.refusals:
            return answer({"accepted": len(batch.events)}, 202)
        told = list(batch.refusals[:MOST_REFUSALS_TOLD])
        said = {"error": "; ".join(told), "accepted": len(batch.events), "refused": len(batch.refusals)}
        return answer(said, 202 if batch.events else 400)

    async def ready(self, _: Request) -> Response:
        """Whether it takes events in, and how it stands with the gateway."""
        return answer({"ready": True, "gateway": self._keeper.gateway})

    async def metrics(self, _: Request) -> Response:
        """Prometheus' text."""
        text = expose(await self._keeper.figures())
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def series(self, request: Request) -> Response:
        """A rollout's series."""
        return answer(write_series(await self._keeper.series(read_question(request.query_params))))

    async def summary(self, request: Request) -> Response:
        """A deployment's totals."""
        return answer(await self._keeper.summary(**request.path_params))

    async def drift(self, request: Request) -> Response:
        """Newest drift scores of a deployment's predictors, or of one."""
        return answer(
            await self._keeper.drift(**request.path_params, predictor=request.query_params.get("predictor", ""))
        )

    async def requests(self, request: Request) -> Response:
        """The newest events of the request log."""
        text = request.query_params.get("limit", "100")
        if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 1000:
            raise QuestionError(f"limit: found {text[:60]!r}; expected 1 to 1000")
        return answer(await self._keeper.newest_events(**request.path_params, limit=int(text)))

    async def router_counts(self, request: Request) -> Response:
        """What a deployment's routers learnt."""
        return answer(await self._keeper.router_counts(**request.path_params))

    async def keep_router_counts(self, request: Request) -> Response:
        """Keep what routers of one server learnt, and tell it what all others did; after the commit."""
        try:
            body = await self._body(request)
        except BodyTooLargeError as error:
            return answer({"error": str(error)}, 413)
        return answer(await self._keeper.keep_router_counts(read_report(body)))

    async def evidence(self, request: Request) -> Response:
        """A rollout's evidence, byte for byte."""
        return Response(await self._keeper.evidence(**request.path_params), media_type="application/json")

    async def keep_evidence(self, request: Request) -> Response:
        """Keep a rollout's evidence; 204 once it is committed."""
        try:
            body = await self._body(request)
        except BodyTooLargeError as error:
            return answer({"error": str(error)}, 413)
        await self._keeper.keep_evidence(**request.path_params, body=body)
        return Response(status_code=204)

    async def _body(self, request: Request) -> bytes:
        parts, size = [], 0
        async for part in request.stream():
            size += len(part)
            if size > self._body_bytes:
                raise BodyTooLargeError(f"body: longer than {self._body_bytes} bytes; send smaller batches")
            parts.append(part)
        return b"".join(parts)


def answer(value: Any, status: int = 200) -> Response:
    """A JSON answer."""
    return Response(msgspec.json.encode(value), status_code=status, media_type="application/json")


async def refuse(_: Request, error: Exception) -> Response:
    """The answer to an error of this room: the one place where it becomes a status."""
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 400)
    refusal = answer({"error": str(error)}, status)
    if status == 429:
        refusal.headers["retry-after"] = "1"
    return refusal


def _read(request: Request, body: bytes) -> Batch:
    if "ce-id" in request.headers:
        return read_binary(request.headers, body)
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/cloudevents+json" or body.lstrip()[:1] == b"{":
        return read_one(body)
    return read_batch(body)
