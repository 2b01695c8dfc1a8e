"""The door at which Envoy gets its resources: one stream of the incremental xDS protocol for each Envoy, over gRPC.

Plane or operator ``serve`` it and call ``publish``; ``delivery`` decides what an Envoy gets when, ``fleet`` what all of
them have. All but ``serve`` may be called from any thread. One Envoy must always come to the same door.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import grpc

from sluicegate.serving.gateway.clusters import CLUSTER_TYPE, ENDPOINTS_TYPE
from sluicegate.serving.gateway.delivery import CLUSTERS, ENDPOINTS, KINDS, LISTENERS, ROUTES, Delivery
from sluicegate.serving.gateway.envoy import Table, render
from sluicegate.serving.gateway.errors import DoorError
from sluicegate.serving.gateway.fleet import Fleet
from sluicegate.serving.gateway.listener import LISTENER_TYPE, Front, listener
from sluicegate.serving.gateway.messages import DeltaDiscoveryRequest, DeltaDiscoveryResponse
from sluicegate.serving.gateway.route_table import ROUTES_TYPE
from sluicegate.serving.gateway.routes import Acknowledged, Route
from sluicegate.serving.gateway.subscriptions import Offer

SERVICE, METHOD = "envoy.service.discovery.v3.AggregatedDiscoveryService", "DeltaAggregatedResources"
_TYPES = {CLUSTERS: CLUSTER_TYPE, ENDPOINTS: ENDPOINTS_TYPE, LISTENERS: LISTENER_TYPE, ROUTES: ROUTES_TYPE}
_KINDS = {url: kind for kind, url in _TYPES.items()}
_OPTIONS = (
    ("grpc.so_reuseport", 0),  # a second door at the same port is refused instead of getting half of the Envoys
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # An Envoy whose machine is gone without a word does not count for longer than this.
    ("grpc.keepalive_time_ms", 5_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    # Envoy asks likewise whether the door is there, see ``bootstrap``.
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
    ("grpc.http2.max_ping_strikes", 0),
)
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Stream:
    """One Envoy's; a later one of the same Envoy takes its place, and ends it."""

    loop: asyncio.AbstractEventLoop
    event: asyncio.Event = field(default_factory=asyncio.Event)
    node: str = ""
    delivery: Delivery | None = None
    ended: bool = False


class XdsDoor:
    """The configuration of one gateway, be it one Envoy or several that listen alike.

    ``elsewhere``: fronts of Envoys, by node id, that cannot listen where all others do. ``expected`` says, by node id,
    whom nothing is acknowledged without, heard of here or not.
    """

    def __init__(
        self,
        front: Front,
        *,
        elsewhere: Mapping[str, Front] | None = None,
        expected: Callable[[], frozenset[str]] = frozenset,
    ) -> None:
        fronts = dict(elsewhere or {})
        self._fleet = Fleet(lambda node: listener(fronts.get(node, front)), expected)
        self._lock = threading.Lock()
        self._streams: dict[str, _Stream] = {}
        self._table: Table | None = None

    def publish(self, routes: tuple[Route, ...]) -> str:
        """Ask for ``routes`` to be in force; returns the version that ``acknowledged`` will then have.

        Raises InvalidRouteError, with nothing changed. Before the first call, a running Envoy keeps what it has.
        """
        table = render(routes, self._table)
        with self._lock:
            self._table = table
            self._fleet.publish(table)
            for stream in self._streams.values():
                _ring(stream)
        return table.version

    def acknowledged(self) -> Acknowledged:
        """What every Envoy has in force. ``rejected`` has the words of those who refused something."""
        with self._lock:
            return self._fleet.acknowledged(time.monotonic())

    def by_node(self) -> dict[str, Acknowledged]:
        """What each Envoy has in force that has a stream here."""
        with self._lock:
            return self._fleet.by_node(time.monotonic())

    def has_anybody(self) -> bool:
        """Whether an Envoy has a stream here, or had one a moment ago."""
        with self._lock:
            return self._fleet.has_anybody(time.monotonic())

    async def serve(self, host: str, port: int) -> None:
        """Answer Envoys at this address until cancelled; they keep what they have. Raises DoorError: it is taken."""
        server = grpc.aio.server(options=_OPTIONS)
        handler = grpc.stream_stream_rpc_method_handler(
            self._stream, DeltaDiscoveryRequest.FromString, DeltaDiscoveryResponse.SerializeToString
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),))
        try:
            server.add_insecure_port(f"{host}:{port}")
        except RuntimeError as error:
            raise DoorError(f"port {port} of the gateway's configuration cannot be listened at: {error}") from error
        await server.start()
        try:
            await server.wait_for_termination()
        finally:
            await server.stop(None)

    async def _stream(self, requests: AsyncIterator[Any], _context: object) -> AsyncIterator[Any]:
        stream = _Stream(asyncio.get_running_loop())
        reading = asyncio.create_task(self._read(requests, stream))
        try:
            while not stream.ended:
                stream.event.clear()
                for answer in self._answers(stream):
                    yield answer
                with suppress(TimeoutError):
                    await asyncio.wait_for(stream.event.wait(), self._pause(stream))
        finally:
            reading.cancel()
            self._leave(stream)

    async def _read(self, requests: AsyncIterator[Any], stream: _Stream) -> None:
        try:
            async for request in requests:
                with self._lock:
                    self._hear(request, stream)
                stream.event.set()
        finally:
            stream.ended = True
            stream.event.set()

    def _hear(self, request: Any, stream: _Stream) -> None:
        if stream.delivery is None:
            self._join(stream, request.node.id)
        kind, now = _KINDS.get(request.type_url), time.monotonic()
        if kind is None or stream.delivery is None or stream.ended:
            return
        if request.HasField("error_detail"):
            words = request.error_detail.message
            if stream.delivery.refused(kind, request.response_nonce, words, now):
                _log.error("the gateway %s refused %s: %s", stream.node, kind, words)
        elif request.response_nonce:
            stream.delivery.taken(kind, request.response_nonce, now)
        subscribed, unsubscribed = list(request.resource_names_subscribe), list(request.resource_names_unsubscribe)
        held = dict(request.initial_resource_versions)
        if subscribed or unsubscribed or not request.response_nonce:
            stream.delivery.told(kind, subscribed, unsubscribed, held, now)

    def _join(self, stream: _Stream, node: str) -> None:
        stream.node, stream.delivery = node, self._fleet.joined(node, time.monotonic())
        if before := self._streams.get(node):
            before.ended = True
            _ring(before)
        self._streams[node] = stream

    def _leave(self, stream: _Stream) -> None:
        with self._lock:
            if stream.delivery is not None:
                self._fleet.left(stream.node, time.monotonic())
            if self._streams.get(stream.node) is stream:
                del self._streams[stream.node]

    def _answers(self, stream: _Stream) -> list[Any]:
        with self._lock:
            delivery = stream.delivery
            if delivery is None or stream.ended:
                return []
            offers = {kind: delivery.offer(kind, time.monotonic()) for kind in KINDS}
            return [_answer(kind, offer, delivery.send(kind, offer)) for kind, offer in offers.items() if offer]

    def _pause(self, stream: _Stream) -> float | None:
        with self._lock:
            now = time.monotonic()
            until = stream.delivery.next_at(now) if stream.delivery is not None else None
            return None if until is None else max(until - now, 0.001)


def _ring(stream: _Stream) -> None:
    # The loop of a stream may have ended with its server.
    with suppress(RuntimeError):
        stream.loop.call_soon_threadsafe(stream.event.set)


def _answer(kind: str, offer: Offer, nonce: str) -> Any:
    answer = DeltaDiscoveryResponse(type_url=_TYPES[kind], nonce=nonce, removed_resources=offer.removed)
    for name, version in offer.versions.items():
        resource = answer.resources.add(name=name, version=version)
        resource.resource.MergeFromString(offer.resource(name))
    return answer
