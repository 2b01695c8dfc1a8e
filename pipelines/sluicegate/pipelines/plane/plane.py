"""The plane's process: store, API, gateway's door, controller, supervisor and triggers on one event loop.

Started by the keeper. Killed anywhere, it is started again, reads its store, and finds its children by their records;
ended by SIGTERM, it ends them all. A part of it that breaks ends the process, loudly, and the keeper begins anew.
"""

import asyncio
import logging
import os
import signal
import socket
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import uvicorn
from starlette.applications import Starlette

from sluicegate.pipelines import shipped
from sluicegate.pipelines.plane.components import component_specs, write_bootstrap
from sluicegate.pipelines.plane.environment import plane_environment
from sluicegate.pipelines.plane.errors import PortError
from sluicegate.pipelines.plane.home import HOST, Home, PlaneFile, Ports
from sluicegate.pipelines.plane.keeping import keep_the_keeper
from sluicegate.pipelines.plane.kinds import plane_kinds
from sluicegate.pipelines.plane.kubeconfig import write_kubeconfig
from sluicegate.pipelines.plane.secrets import secret_reader
from sluicegate.pipelines.plane.status import StatusDoor
from sluicegate.pipelines.plane.workflow_runs import WorkflowRuns
from sluicegate.pipelines.triggers.cloudevents import EventsDoor
from sluicegate.pipelines.triggers.pipeline_runs import PipelineRuns
from sluicegate.pipelines.triggers.registry import RegistryKeeper
from sluicegate.serving.gateway.binary import find_envoy
from sluicegate.serving.gateway.listener import Front
from sluicegate.serving.gateway.routes import Address
from sluicegate.serving.gateway.xds import XdsDoor
from sluicegate.serving.local.api.app import create_api
from sluicegate.serving.local.controller import Controller
from sluicegate.serving.local.servers import ServerSettings, SupervisedServers
from sluicegate.serving.local.store import Store
from sluicegate.serving.local.supervisor import Supervisor
from sluicegate.serving.runtime.catalogue import PREPACKAGED

_log = logging.getLogger(__name__)


class SystemClock:
    """The machine's clocks."""

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        return time.monotonic()

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()


class Plane:
    """Everything of one home, put together by ``run``."""

    def __init__(self, home: Home, plane: PlaneFile) -> None:
        self._home, self._ports = home, plane.ports
        addresses = plane.ports.addresses()
        environment = plane_environment(home, plane.ports)
        self._store = Store(home.path / "state.sqlite")
        self._supervisor = Supervisor(home.path)
        front = Front(address=Address(host=HOST, port=plane.ports.gateway))
        self._xds = XdsDoor(front)
        servers = SupervisedServers(
            self._supervisor,
            settings=ServerSettings(log_url=f"{addresses['collector']}/events"),
            secrets=secret_reader(self._store),
        )
        known = frozenset(PREPACKAGED)
        self._controller = Controller(
            store=self._store,
            servers=servers,
            gateway=self._xds,
            clock=SystemClock(),
            known_implementations=known,
            gateway_url=addresses["gateway"],
        )
        self._workflows = WorkflowRuns(self._store, self._supervisor, environment)
        self._pipelines = PipelineRuns(self._store, self._supervisor, home.path, environment)
        self._registry = RegistryKeeper(self._store, addresses["mlflow"])
        self._app = self._compose(known)

    def _compose(self, known: frozenset[str]) -> Starlette:
        status = StatusDoor(
            home=self._home,
            ports=self._ports,
            supervisor=self._supervisor,
            acknowledged=self._xds.acknowledged,
            registry=self._registry.status,
        )
        events = EventsDoor(self._store, self._pipelines)
        api = create_api(self._store, plane_kinds(self._store, known))
        return Starlette(routes=[*status.routes(), *events.routes(), *api])

    async def run(self) -> None:
        """Until SIGTERM or SIGINT (then all children are ended), or until a part breaks (raises; they live on)."""
        listening = _listen(self._ports)
        write_bootstrap(self._home, self._ports)
        write_kubeconfig(self._home, self._ports)
        install_templates(self._store, shipped.workflow_templates())
        self._supervisor.apply(component_specs(self._home, self._ports, find_envoy()))
        server = _Server(uvicorn.Config(self._app, log_config=None, access_log=False, timeout_graceful_shutdown=3))
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        self._registry.start()
        parts = [
            _named("stop", stop.wait()),
            _named("api", server.serve(sockets=[listening])),
            _named("gateway's door", self._xds.serve(HOST, self._ports.xds)),
            _named("supervisor", self._supervisor.run()),
            _named("controller", self._controller.run()),
            _named("workflows", self._workflows.run()),
            _named("pipelines", self._pipelines.run()),
            _named("keeper", keep_the_keeper(self._home)),
        ]
        self._home.write_pid(os.getpid())
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            if not stop.is_set():
                _raise_first(parts)
            await self._leave(server, parts)
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)
            self._store.close()

    async def _leave(self, server: uvicorn.Server, parts: list[asyncio.Task[Any]]) -> None:
        _log.info("ending all processes")
        for part in parts[4:]:
            part.cancel()
        # Workflows that end put their traffic back through the API, so it goes last.
        await self._supervisor.stop()
        self._registry.stop()
        self._store.bell.silence()
        server.should_exit = True
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(parts[1]), 5.0)
        self._home.write_pid(0)


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the plane has an order in which things end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def install_templates(store: Store, templates: Mapping[str, dict[str, Any]]) -> None:
    """Bring the shipped WorkflowTemplates into the API; a release replaces those of the release before."""
    for template in templates.values():
        name = template["metadata"]["name"]
        current = store.get("WorkflowTemplate", "default", name)
        if current is None:
            store.create(template)
        elif current.get("spec") != template.get("spec"):
            store.replace(current | {"spec": template["spec"]})


def _named(name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    return asyncio.create_task(work, name=name)


def _raise_first(parts: list[asyncio.Task[Any]]) -> None:
    done = next(part for part in parts if part.done())
    _log.error("the plane's %s ended", done.get_name())
    done.result()


def _listen(ports: Ports) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, ports.api))
    except OSError as error:
        raise PortError(f"port {ports.api} of api: {error.strerror}; choose another one with --api-port") from error
    return listening
