"""The operator, put together: caches, lease, queue, controller, gateway, and the doors at which others ask it.

Every replica watches, answers health, metrics and the webhook; only the leader writes and feeds gateways. A part that
breaks ends the process, loudly, and Kubernetes begins anew; at SIGTERM the lease is handed on at once.
"""

import asyncio
import logging
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sluicegate.serving.api.resources import CLUSTER_RESOURCES
from sluicegate.serving.gateway.listener import Front
from sluicegate.serving.gateway.routes import Address
from sluicegate.serving.gateway.xds import XdsDoor
from sluicegate.serving.operator.clock import SystemClock
from sluicegate.serving.operator.cluster.access import Access, connect, from_kubeconfig, in_cluster
from sluicegate.serving.operator.cluster.cache import Key
from sluicegate.serving.operator.cluster.caches import ALWAYS, WHERE_SERVED, Caches
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.cluster.election import Election
from sluicegate.serving.operator.cluster.queue import WorkQueue
from sluicegate.serving.operator.controller import Controller
from sluicegate.serving.operator.errors import ClusterError, SettingsRefusedError
from sluicegate.serving.operator.events import EventRecorder
from sluicegate.serving.operator.gateways.beside import BesideEnvoy
from sluicegate.serving.operator.gateways.bundled import SECONDS_PER_ROUTE, BundledEnvoy
from sluicegate.serving.operator.gateways.choosing import choose
from sluicegate.serving.operator.gateways.envoys import Envoys
from sluicegate.serving.operator.gateways.faces import Face
from sluicegate.serving.operator.gateways.written import WrittenRoutes
from sluicegate.serving.operator.metrics import Metrics
from sluicegate.serving.operator.process import Process
from sluicegate.serving.operator.settings import Installation
from sluicegate.serving.operator.targets import judged_servers
from sluicegate.serving.operator.webhook import serve_webhook

GATEWAY_LOOK = 0.1
"""Seconds between looks at what Envoy acknowledged."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the cluster has: the chosen gateway's face (None: the bundled Envoy), and the kinds to watch."""

    face: Face | None
    kinds: tuple[str, ...]


class Operator:
    """One replica. ``run`` is its whole life."""

    def __init__(self, process: Process, installation: Installation, *, access: Access, found: Found) -> None:
        self._process, self._clock, self._face = process, SystemClock(), found.face
        self._installation = replace(installation, foreign_gateway=found.face is not None)
        self._namespace = process.namespace or access.namespace
        self._queue, self._metrics = WorkQueue(), Metrics()
        self._cluster = Cluster(connect(access), told=self._metrics.told)
        self._caches = Caches(
            self._cluster,
            namespace=process.watch_namespace or None,
            kinds=found.kinds,
            changed=self._queue.add,
            controller_id=process.controller_id,
        )
        self._election = Election(
            self._cluster,
            name=process.lease,
            namespace=self._namespace,
            mine=process.identity,
            monotonic=self._clock.monotonic,
            wall=self._clock.now,
        )
        self._envoys = Envoys(self._cluster, self._namespace)
        front = Front(address=Address(host="0.0.0.0", port=process.front_port))
        self._xds = XdsDoor(front, expected=self._envoys.answering)

    async def run(self) -> None:
        """Until SIGTERM or SIGINT, or until a part breaks (raises)."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        parts = [
            _named("stop", stop.wait()),
            _named("caches", self._caches.run()),
            _named("gateway's pods", self._envoys.run()),
            _named("election", self._election.run()),
            _named("leading", self._lead()),
            _named("health", self._health_server().serve()),
            _named("gateway's door", self._xds.serve(self._process.host, self._process.xds_port)),
            *([_named("webhook", self._webhook())] if self._process.webhook_port else []),
        ]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                _raise_first(parts)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            with suppress(ClusterError):
                await self._election.release()
            await self._cluster.close()

    async def _lead(self) -> None:
        """Wait for complete caches and the lease, then look at everything once, and at what changes for ever."""
        await asyncio.gather(self._caches.complete(), self._envoys.synced.wait())
        _LOG.info("caches are complete: %s", self._caches.sizes)
        await self._election.leads.wait()
        keys = self._known_keys()
        gateway = self._gateway(keys)
        controller = Controller(
            cluster=self._cluster,
            caches=self._caches,
            gateway=gateway,
            queue=self._queue,
            events=EventRecorder(self._cluster, now=self._clock.now),
            clock=self._clock,
            installation=self._installation,
        )
        for key in keys:
            self._queue.add(key)

        async def look(key: Key) -> None:
            # A process that was frozen wakes up in the middle of something, and others may lead by now.
            self._election.insist()
            with self._metrics.look():
                await controller.reconcile(key)

        async with asyncio.TaskGroup() as group:
            for _ in range(self._process.workers):
                group.create_task(self._queue.work(look))
            group.create_task(_watch(gateway))

    def _gateway(self, keys: list[Key]) -> BundledEnvoy | BesideEnvoy:
        if self._face is None:
            return BundledEnvoy(self._xds, expected=keys, changed=self._queue.add, seconds_per_route=SECONDS_PER_ROUTE)
        written = WrittenRoutes(self._cluster, self._caches, self._face, again=self._queue.add_after)
        return BesideEnvoy(written, self._xds, known=self._known_keys, changed=self._queue.add)

    def _known_keys(self) -> list[Key]:
        mine = self._caches.mine(self._caches.deployments)
        return [(each["metadata"]["namespace"], each["metadata"]["name"]) for each in mine]

    def _health(self) -> Starlette:
        async def live(_request: Request) -> Response:
            return PlainTextResponse("ok")

        async def ready(_request: Request) -> Response:
            complete = self._caches.is_complete
            return PlainTextResponse("ok" if complete else "lists are not complete yet", 200 if complete else 503)

        async def metrics(_request: Request) -> Response:
            text = self._metrics.exposition(self._caches, len(self._queue), leads=self._election.leads.is_set)
            return Response(text, media_type="text/plain; version=0.0.4")

        async def servers(_request: Request) -> Response:
            return JSONResponse(judged_servers(self._caches))

        async def leading(_request: Request) -> Response:
            leads = self._election.leads.is_set()
            return PlainTextResponse("ok" if leads else "another replica leads", 200 if leads else 503)

        answers = {"/livez": live, "/readyz": ready, "/metrics": metrics, "/servers": servers, "/leading": leading}
        return Starlette(routes=[Route(path, answer) for path, answer in answers.items()])

    async def _webhook(self) -> None:
        await serve_webhook(
            self._cluster,
            self._caches,
            self._installation,
            self._clock,
            self._process,
            namespace=self._namespace,
        )

    def _health_server(self) -> uvicorn.Server:
        config = uvicorn.Config(
            self._health(),
            host=self._process.host,
            port=self._process.http_port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=3,
        )
        return _Server(config)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the operator has an order in which things end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(process: Process, installation: Installation) -> None:
    """Find the cluster, and run. Raises SettingsRefusedError and ClusterError."""
    access = in_cluster()
    if access is None:
        if not process.kubeconfig:
            raise SettingsRefusedError("no cluster: this is no pod with a service account, and KUBECONFIG is not set")
        access = from_kubeconfig(process.kubeconfig)
    await Operator(process, installation, access=access, found=await _found(process, access)).run()


async def _found(process: Process, access: Access) -> Found:
    cluster = Cluster(connect(access))
    try:
        served = [kind for kind in WHERE_SERVED if await cluster.serves(CLUSTER_RESOURCES[kind])]
        face = await choose(process.wish, cluster)
    finally:
        await cluster.close()
    return Found(face=face, kinds=(*ALWAYS, *served, *((*face.kinds, "EndpointSlice") if face is not None else ())))


async def _watch(gateway: BundledEnvoy | BesideEnvoy) -> None:
    while True:
        gateway.look()
        await asyncio.sleep(GATEWAY_LOOK)


def _named(name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.create_task(work, name=name)


def _raise_first(parts: list[asyncio.Task[Any]]) -> None:
    done = next(part for part in parts if part.done())
    _LOG.error("the operator's %s ended", done.get_name())
    done.result()
