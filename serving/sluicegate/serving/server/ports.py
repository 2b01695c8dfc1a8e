"""All that one server listens on: its HTTP ports with their doors, and the gRPC port; for ``app``."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter

from sluicegate.serving.server.connections import Connection, Door
from sluicegate.serving.server.copies import copies_only
from sluicegate.serving.server.courtesies import Courtesies
from sluicegate.serving.server.doors import Doors, handler_of
from sluicegate.serving.server.exchanges import Handler
from sluicegate.serving.server.grpc_door import GrpcDoor
from sluicegate.serving.server.settings import Settings, names_of

_POLL_SECONDS = 0.05


@dataclass(slots=True, kw_only=True)
class Ports:
    """``http``: doors by their port, ``grpc`` if there is to be one; ``context``: TLS for all but metrics."""

    settings: Settings
    http: Mapping[int, Door]
    grpc: GrpcDoor | None
    context: ssl.SSLContext | None
    listeners: list[asyncio.Server] = field(default_factory=list)

    async def open(self) -> None:
        """Listen on all of them. Raises OSError."""
        for port, door in self.http.items():
            self.listeners.append(await self._listen(door, port))
        if self.grpc is not None:
            await self.grpc.start(self.settings.host, self.settings.grpc_port)

    def tick(self, now: float) -> None:
        """Once a second."""
        for door in self.http.values():
            door.tick(now)

    def begin_draining(self) -> None:
        """From now on an answer is its connection's last."""
        for door in self.http.values():
            door.draining = True

    async def close(self, seconds: float) -> None:
        """Listen no more, finish what is under way, for so long at most."""
        deadline = perf_counter() + seconds
        self.leave()
        if self.grpc is not None:
            await self.grpc.stop(deadline - perf_counter())
        while self.in_flight and perf_counter() < deadline:  # noqa: ASYNC110  (a count has no event)
            await asyncio.sleep(_POLL_SECONDS)
        self.cut()
        await asyncio.sleep(0)

    def leave(self) -> None:
        """Listen no more."""
        for listener in self.listeners:
            listener.close()

    def cut(self) -> None:
        """End all connections."""
        for door in self.http.values():
            for connection in tuple(door.connections):
                connection.close()

    @property
    def in_flight(self) -> int:
        """HTTP connections with a request under way."""
        return sum(door.in_flight for door in self.http.values())

    async def _listen(self, door: Door, port: int) -> asyncio.Server:
        settings, loop = self.settings, asyncio.get_running_loop()
        options = {settings.http_port: "--http-port", settings.own_metrics_port: "--metrics-port"}
        try:
            return await loop.create_server(
                lambda: Connection(door),
                settings.host,
                port,
                backlog=1024,
                ssl=None if port == settings.own_metrics_port else self.context,
                reuse_port=settings.workers > 1 or None,
            )
        except OSError as error:
            info = f"cannot listen on {settings.host} port {port}: {error.strerror}; free it or give"
            raise OSError(f"{info} {options.get(port, '--shadow-port')}") from error


def http_doors(
    doors: Doors, settings: Settings, followed: Callable[[Handler, Callable[[str], str]], Handler]
) -> dict[int, Door]:
    """By port: one for everybody; if asked for, one that gets copies only, and one of metrics and health.

    ``followed`` is laid around what answers requests, and told how to find a path's route.
    """
    router = doors.router()
    door = Door(
        handler=followed(handler_of(router), router.pattern_of),
        body_bytes=settings.max_body_bytes,
        keep_alive_seconds=settings.keep_alive_seconds,
        receive_seconds=settings.receive_seconds,
    )
    found = {settings.http_port: door}
    if settings.shadow_port:
        handler = copies_only(door.handler, settings.predictor.encode())
        found[settings.shadow_port] = replace(door, handler=handler, connections=set())
    if settings.own_metrics_port:
        found[settings.own_metrics_port] = replace(door, handler=handler_of(doors.watching()), connections=set())
    return found


def courtesies_of(settings: Settings) -> Courtesies:
    """What browsers and brokers are told beside an answer."""
    return Courtesies(
        origins=frozenset(origin.encode() for origin in names_of(settings.cors_origins)),
        headers=settings.cors_headers.encode(),
        deployment=settings.deployment.encode(),
        namespace=settings.namespace.encode(),
    )
