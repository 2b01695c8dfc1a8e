"""One model server, put together: settings to graph, doors and log; started, served, drained.

The port answers from the first moment (``/live``, and 503 on ``/ready``) while the worker thread loads, proves and
warms the model. SIGTERM or SIGINT drains. Exit codes: 0 drained, 78 refused (the last line says why), 1 failed.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.graph.errors import GraphRefused
from sluicegate.serving.graph.hopping import HoppingGraph
from sluicegate.serving.server.connections import Connection, Door
from sluicegate.serving.server.copies import copies_only
from sluicegate.serving.server.courtesies import Courtesies
from sluicegate.serving.server.dispatching import Bounds, Dispatcher
from sluicegate.serving.server.doors import Doors, handler_of
from sluicegate.serving.server.errors import SettingsRefusedError
from sluicegate.serving.server.grpc_door import GrpcDoor
from sluicegate.serving.server.grpc_services import open_grpc
from sluicegate.serving.server.hop_dispatching import HopDispatcher
from sluicegate.serving.server.journal import Journal
from sluicegate.serving.server.metrics import Metrics
from sluicegate.serving.server.predictions import PREDICTING, Behind
from sluicegate.serving.server.redaction import Redaction
from sluicegate.serving.server.request_log import READY, Entry, RequestLog, Sender
from sluicegate.serving.server.router_sharing import SettledFeedback, Sharing, figures_of, sharing_of
from sluicegate.serving.server.serving_state import Served, State
from sluicegate.serving.server.setting_table import TRUTH
from sluicegate.serving.server.settings import Settings, read_settings
from sluicegate.serving.server.specification import metadata_of
from sluicegate.serving.server.starting import serve_graph
from sluicegate.serving.server.unit_thread import UnitThread

try:
    import uvloop
except ImportError:  # it is not made for every platform; asyncio's own loop serves too
    _new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
else:
    _new_loop = uvloop.new_event_loop

REFUSED = 78
"""sysexits' EX_CONFIG: starting it again changes nothing."""
_TICK_SECONDS = 0.1
_LOOK_SECONDS = 1.0
_QUIET_SECONDS = 0.5
"""Draining goes on listening until no request came for so long: the gateway learns of it by /ready."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal; return the exit code."""
    try:
        settings = read_settings(sys.argv[1:] if arguments is None else arguments, os.environ)
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            return runner.run(Server(settings).run())
    except (BundleRefused, GraphRefused, SettingsRefusedError) as error:
        return _ended(f"refused: {error}", REFUSED)
    except OSError as error:
        return _ended(f"failed: {error}", 1)


def _close(doors: tuple[Door, ...]) -> None:
    for door in doors:
        for connection in tuple(door.connections):
            connection.close()


async def _look(graph: HoppingGraph) -> None:
    """Whether the units of other processes are there, until cancelled."""
    try:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await graph.look()
    finally:
        await graph.close()


def _ended(line: str, code: int) -> int:
    sys.stderr.write(" ".join(line.split()) + "\n")
    sys.stderr.flush()
    return code


class Server:
    """One process's server."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._journal = Journal(settings.output)
        self._state = State()
        self._worker = UnitThread()
        self._log = RequestLog(settings.log_url, queue_size=settings.log_queue) if settings.log_url else None
        self._sender = self._sender_of(None)
        self._metrics = self._metrics_of()
        self._behind = Behind(
            state=self._state,
            metrics=self._metrics,
            log=self._log,
            sender=lambda: self._sender,
            predictor=settings.predictor.encode(),
            metrics_shown=TRUTH[settings.metrics_in_answers],
        )
        self._stop = asyncio.Event()
        self._grpc: GrpcDoor | None = None
        self._looking: asyncio.Task[None] | None = None
        self._sharing: Sharing | None = None

    async def run(self) -> int:
        """Listen, load, serve, drain. Raises what refuses the model."""
        loop = asyncio.get_running_loop()
        doors = self._doors(loop)
        listeners = [await self._listen(loop, door, port) for port, door in doors.items()]
        self._grpc = await open_grpc(self._behind, self._worker, self._settings)
        self._journal.say("listening", host=self._settings.host, port=self._settings.http_port)
        ticking = asyncio.create_task(self._tick(tuple(doors.values())))
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stop.set)
            await self._load(loop)
            await self._stop.wait()
            await self._drain(tuple(doors.values()), listeners)
            self._journal.say("drained", unfinished=sum(door.in_flight for door in doors.values()))
        finally:
            ticking.cancel()
            if self._looking is not None:
                self._looking.cancel()
            if self._sharing is not None:
                await self._sharing.end()
            for listener in listeners:
                listener.close()
            self._end(tuple(doors.values()))
        return 0

    def _doors(self, loop: asyncio.AbstractEventLoop) -> dict[int, Door]:
        """By port: one for everybody, and if asked for one that gets copies only."""
        door, settings = self._door(loop), self._settings
        if not settings.shadow_port:
            return {settings.http_port: door}
        handler = copies_only(door.handler, settings.predictor.encode())
        return {settings.http_port: door, settings.shadow_port: replace(door, handler=handler, connections=set())}

    def _door(self, loop: asyncio.AbstractEventLoop) -> Door:
        settings = self._settings
        doors = Doors(
            behind=self._behind,
            worker=self._worker,
            loop=loop,
            queue=settings.queue,
            timeout_seconds=settings.request_timeout_seconds,
            courtesies=Courtesies(
                origins=frozenset(origin.encode() for origin in _names(settings.cors_origins)),
                headers=settings.cors_headers.encode(),
                deployment=settings.deployment.encode(),
                namespace=settings.namespace.encode(),
            ),
            metadata=metadata_of(settings),
        )
        return Door(
            handler=handler_of(doors.router()),
            body_bytes=settings.max_body_bytes,
            keep_alive_seconds=settings.keep_alive_seconds,
            receive_seconds=settings.receive_seconds,
        )

    async def _listen(self, loop: asyncio.AbstractEventLoop, door: Door, port: int) -> asyncio.Server:
        host, option = self._settings.host, "--http-port" if port == self._settings.http_port else "--shadow-port"
        try:
            return await loop.create_server(lambda: Connection(door), host, port, backlog=1024)
        except OSError as error:
            raise OSError(f"cannot listen on {host} port {port}: {error.strerror}; free it or give {option}") from error

    async def _load(self, loop: asyncio.AbstractEventLoop) -> None:
        loading = asyncio.ensure_future(loop.run_in_executor(self._worker, serve_graph, self._settings, self._worker))
        stopped = asyncio.ensure_future(self._stop.wait())
        awaited: list[asyncio.Future[Any]] = [loading, stopped]
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if loading.done():
            await self._begin(loading.result(), loop)

    async def _begin(self, served: Served, loop: asyncio.AbstractEventLoop) -> None:
        settings, state = self._settings, self._state
        bounds = Bounds(
            batch_rows=max(1, settings.batch_rows),
            inline_rows=served.inline_rows,
            queue=settings.queue,
            timeout_seconds=settings.request_timeout_seconds,
        )
        self._sharing = sharing_of(served.graph.units, settings)
        if self._sharing is not None:
            self._metrics.labelled.update(figures_of(self._sharing))
            await self._sharing.begin()
        if isinstance(served.graph, HoppingGraph):
            state.dispatcher = HopDispatcher(served.graph, loop, bounds)
            await served.graph.look()
            self._looking = asyncio.create_task(_look(served.graph))
        else:
            state.dispatcher = Dispatcher(served.graph, loop, self._worker, bounds)
        if self._sharing is not None:
            state.dispatcher = SettledFeedback(state.dispatcher, self._sharing)
        state.served = served
        names = {node.name for node in served.plan.nodes} | {served.name, settings.deployment, settings.model_name}
        state.names = frozenset(names - {""})
        self._sender = self._sender_of(served)
        state.phase = "ready"
        self._journal.say("ready", model=served.name, version=served.version, digest=served.digest or "")
        self._announce(served)

    def _announce(self, served: Served) -> None:
        if self._log is None:
            return
        self._log.start()
        bundle = served.model.bundle
        data = {
            "model": served.name,
            "version": served.version,
            "digest": served.digest,
            "classes": list(served.classes),
            "profile": bundle.reference_profile() if bundle else None,
        }
        self._log.offer(Entry(type=READY, request_id="", data=data), self._sender)

    async def _tick(self, doors: tuple[Door, ...]) -> None:
        """Ten times a second look for requests that waited too long, once for connections."""
        turn = 0
        while True:
            now = perf_counter()
            for door in doors if turn % 10 == 0 else ():
                door.tick(now)
            if self._state.dispatcher is not None:
                self._state.dispatcher.sweep(now)
            turn += 1
            await asyncio.sleep(_TICK_SECONDS)

    async def _drain(self, doors: tuple[Door, ...], listeners: list[asyncio.Server]) -> None:
        """Not ready; answer until it is quiet or half the time is gone; then close the port and finish."""
        self._state.phase = "draining"
        self._journal.say("draining", in_flight=self._in_flight())
        for door in doors:
            door.draining = True
        start = perf_counter()
        half = start + self._settings.drain_seconds / 2
        quiet_since, seen = start, self._predictions()
        while perf_counter() < half and perf_counter() - quiet_since < _QUIET_SECONDS:
            await asyncio.sleep(_TICK_SECONDS / 2)
            if self._predictions() != seen or self._in_flight():
                quiet_since, seen = perf_counter(), self._predictions()
        for listener in listeners:
            listener.close()
        deadline = start + self._settings.drain_seconds
        if self._grpc is not None:
            await self._grpc.stop(deadline - perf_counter())
        while any(door.in_flight for door in doors) and perf_counter() < deadline:  # noqa: ASYNC110  (a count has no event)
            await asyncio.sleep(_TICK_SECONDS / 2)
        _close(doors)
        await asyncio.sleep(0)

    def _in_flight(self) -> int:
        return self._state.dispatcher.in_flight if self._state.dispatcher else 0

    def _predictions(self) -> int:
        served = (histogram for key, histogram in self._metrics.requests.items() if key[0] in PREDICTING)
        return sum(sum(histogram.counts) for histogram in served)

    def _end(self, doors: tuple[Door, ...]) -> None:
        _close(doors)
        if self._log is not None:
            self._log.stop(2.0)
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _sender_of(self, served: Served | None) -> Sender:
        settings = self._settings
        attributes = {
            "modelid": settings.name if served is None else served.model.unit.name,
            "inferenceservicename": settings.deployment,
            "namespace": settings.namespace,
            "endpoint": settings.predictor,
            "modelversion": settings.model_version if served is None else served.version,
        }
        return Sender(
            source=f"http://{settings.host}:{settings.http_port}/",
            attributes={name: value for name, value in attributes.items() if value},
            columns=served.model.signature.columns if served else (),
            classes=served.classes if served else (),
            redaction=Redaction(
                drop=_names(settings.log_drop), hash=_names(settings.log_hash), key=settings.log_hash_key.encode()
            ),
        )

    def _metrics_of(self) -> Metrics:
        settings = self._settings
        log = self._log
        gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "sluicegate_requests_in_flight": ("Requests that wait or are with the model", self._in_flight)
        }
        if log is not None:
            gauges["sluicegate_request_log_dropped_total"] = ("Events that were not delivered", lambda: log.dropped)
            gauges["sluicegate_request_log_sent_total"] = ("Events that the collector took", lambda: log.sent)
        return Metrics(
            identity=(
                ("deployment_name", settings.deployment),
                ("predictor_name", settings.predictor),
                ("predictor_version", settings.predictor_version),
            ),
            unit=(
                ("model_name", settings.name),
                ("model_image", settings.image),
                ("model_version", settings.model_version),
            ),
            gauges=gauges,
        )


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())
