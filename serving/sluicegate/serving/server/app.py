"""One model server, put together: settings to graph, doors and log; started, served, drained.

The port answers from the first moment (``/live``, and 503 on ``/ready``) while the worker thread loads, proves and
warms the model. SIGTERM or SIGINT drains. Exit codes: 0 drained, 78 refused (the last line says why), 1 failed.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.graph.errors import GraphRefused
from sluicegate.serving.graph.hopping import HoppingGraph
from sluicegate.serving.server.dispatching import Bounds, Dispatcher
from sluicegate.serving.server.doors import Doors
from sluicegate.serving.server.errors import SettingsRefusedError
from sluicegate.serving.server.following import FollowedDispatcher
from sluicegate.serving.server.grpc_services import grpc_door
from sluicegate.serving.server.hop_dispatching import HopDispatcher
from sluicegate.serving.server.metrics import Metrics, exposition
from sluicegate.serving.server.observing import Observing, observing
from sluicegate.serving.server.ports import Ports, courtesies_of, http_doors
from sluicegate.serving.server.predictions import PREDICTING, Behind
from sluicegate.serving.server.redaction import Redaction
from sluicegate.serving.server.request_log import READY, Entry, Sender, log_of
from sluicegate.serving.server.router_sharing import SettledFeedback, Sharing, figures_of, sharing_of
from sluicegate.serving.server.serving_state import Served, State
from sluicegate.serving.server.setting_table import TRUTH
from sluicegate.serving.server.settings import Settings, names_of, read_settings
from sluicegate.serving.server.specification import metadata_of
from sluicegate.serving.server.starting import serve_graph
from sluicegate.serving.server.tls import Certificates, certificates_of
from sluicegate.serving.server.unit_thread import UnitThread
from sluicegate.serving.server.workers.fleet import Fleet
from sluicegate.serving.server.workers.place import Place, place_of

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
        given = sys.argv[1:] if arguments is None else arguments
        settings, place = read_settings(given, os.environ), place_of(os.environ)
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            if settings.workers > 1 and place.number is None:
                return runner.run(Fleet(settings, given).run())
            return runner.run(Server(settings, place).run())
    except (BundleRefused, GraphRefused, SettingsRefusedError) as error:
        return _ended(f"refused: {error}", REFUSED)
    except OSError as error:
        return _ended(f"failed: {error}", 1)


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

    def __init__(self, settings: Settings, place: Place) -> None:
        self._settings, self._place = settings, place
        always = {} if place.number is None else {"worker": place.number}
        self._seen: Observing = observing(settings, os.environ, always)
        self._journal = self._seen.journal(settings.output, always)
        self._certificates = certificates_of(settings)
        self._state = State()
        self._worker = UnitThread()
        self._log = log_of(settings)
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
        self._looking: asyncio.Task[None] | None = None
        self._sharing: Sharing | None = None

    async def run(self) -> int:
        """Listen, load, serve, drain. Raises what refuses the model."""
        loop = asyncio.get_running_loop()
        await self._place.join(lambda: exposition(self._metrics), self._stop.set)
        ports = self._ports(loop)
        ticking = asyncio.create_task(self._tick(ports))
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stop.set)
            await self._serve(ports, loop)
            await self._drain(ports)
            self._journal.say("drained", unfinished=ports.in_flight)
        finally:
            ticking.cancel()
            if self._looking is not None:
                self._looking.cancel()
            if self._sharing is not None:
                await self._sharing.end()
            ports.leave()
            ports.cut()
            await self._place.leave()
            self._end()
        return 0

    async def _serve(self, ports: Ports, loop: asyncio.AbstractEventLoop) -> None:
        """From listening, which comes last where others serve already, to the signal."""
        if not self._place.late:
            await self._open(ports)
        given = (self._settings, self._worker, self._metrics, self._seen.spans)
        loading = loop.run_in_executor(self._worker, serve_graph, *given)
        if not await self._unless_stopped(loading):
            return
        served = loading.result()
        await self._prepare(served, loop)
        if self._place.late:
            await self._open(ports)
        if await self._unless_stopped(asyncio.ensure_future(self._place.loaded())):
            self._state.phase = "ready"
            self._journal.say("ready", model=served.name, version=served.version, digest=served.digest or "")
            self._announce(served)
            await self._stop.wait()

    async def _unless_stopped(self, awaited: "asyncio.Future[Any]") -> bool:
        """Whether it was done before the server was told to stop."""
        stopped = asyncio.ensure_future(self._stop.wait())
        both: list[asyncio.Future[Any]] = [awaited, stopped]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        return awaited.done()

    async def _open(self, ports: Ports) -> None:
        await ports.open()
        self._journal.say("listening", host=self._settings.host, port=self._settings.http_port)

    def _ports(self, loop: asyncio.AbstractEventLoop) -> Ports:
        settings = self._settings
        doors = Doors(
            behind=self._behind,
            worker=self._worker,
            loop=loop,
            figures=self._place.figures,
            queue=settings.queue,
            timeout_seconds=settings.request_timeout_seconds,
            courtesies=courtesies_of(settings),
            metadata=metadata_of(settings),
        )
        return Ports(
            settings=settings,
            http=http_doors(doors, settings, self._seen.http),
            grpc=grpc_door(self._behind, self._worker, settings, self._certificates, self._seen.following),
            context=self._certificates.context if self._certificates else None,
        )

    async def _prepare(self, served: Served, loop: asyncio.AbstractEventLoop) -> None:
        settings, state = self._settings, self._state
        bounds = Bounds(
            batch_rows=max(1, settings.batch_rows),
            batch_bytes=settings.batch_bytes,
            inline_rows=served.inline_rows,
            queue=settings.queue,
            queue_bytes=settings.queue_bytes,
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
            state.dispatcher = Dispatcher(served.graph, loop, self._worker, bounds, self._metrics.called)
        if self._sharing is not None:
            state.dispatcher = SettledFeedback(state.dispatcher, self._sharing)
        if self._seen.following is not None:
            state.dispatcher = FollowedDispatcher(state.dispatcher, self._seen.following)
        self._metrics.load_seconds |= served.load_seconds
        state.served = served
        names = {node.name for node in served.plan.nodes} | {served.name, settings.deployment, settings.model_name}
        state.names = frozenset(names - {""})
        self._sender = self._sender_of(served)

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

    async def _tick(self, ports: Ports) -> None:
        """Ten times a second look for requests that waited too long; once for connections, every fifth for new keys."""
        turn = 0
        while True:
            now = perf_counter()
            if turn % 10 == 0:
                ports.tick(now)
            if turn % 50 == 0 and self._certificates is not None:
                self._look_at(self._certificates)
            if self._state.dispatcher is not None:
                self._state.dispatcher.sweep(now)
            turn += 1
            await asyncio.sleep(_TICK_SECONDS)

    def _look_at(self, certificates: Certificates) -> None:
        told = certificates.look()
        if told:
            self._journal.say("certificate", state=told)

    async def _drain(self, ports: Ports) -> None:
        """Not ready; answer until it is quiet or half the time is gone; then close the port and finish."""
        self._state.phase = "draining"
        self._journal.say("draining", in_flight=self._in_flight())
        ports.begin_draining()
        start = perf_counter()
        half = start + self._settings.drain_seconds / 2
        quiet_since, seen = start, self._predictions()
        while perf_counter() < half and perf_counter() - quiet_since < _QUIET_SECONDS:
            await asyncio.sleep(_TICK_SECONDS / 2)
            if self._predictions() != seen or self._in_flight():
                quiet_since, seen = perf_counter(), self._predictions()
        await ports.close(start + self._settings.drain_seconds - perf_counter())

    def _in_flight(self) -> int:
        return self._state.dispatcher.in_flight if self._state.dispatcher else 0

    def _waiting(self) -> int:
        return self._state.dispatcher.waiting if self._state.dispatcher else 0

    def _predictions(self) -> int:
        served = (histogram for key, histogram in self._metrics.requests.items() if key[0] in PREDICTING)
        return sum(sum(histogram.counts) for histogram in served)

    def _end(self) -> None:
        self._seen.stop(2.0)
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
                drop=names_of(settings.log_drop), hash=names_of(settings.log_hash), key=settings.log_hash_key.encode()
            ),
        )

    def _metrics_of(self) -> Metrics:
        settings = self._settings
        log = self._log
        gauges: dict[str, tuple[str, Callable[[], float]]] = {
            "sluicegate_requests_in_flight": ("Requests that wait or are with the model", self._in_flight),
            "sluicegate_queue_length": ("Requests that wait for the model", self._waiting),
            **self._seen.gauges(),
        }
        if log is not None:
            gauges["sluicegate_request_log_dropped_total"] = ("Events that were not delivered", lambda: log.dropped)
            gauges["sluicegate_request_log_waiting"] = ("Events that wait to be sent", lambda: log.waiting)
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
