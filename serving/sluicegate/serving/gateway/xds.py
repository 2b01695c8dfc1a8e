"""The door at which Envoy asks for its resources: REST xDS with long polling.

Plane or operator mount ``routes()`` in their API and call ``publish``; ``delivery`` decides what an Envoy gets when,
``fleet`` what all of them have. A poll is held until there is something new for it or the time is over (304). All but
the polls may be called from any thread. One Envoy's polls must all reach the same door.
"""

import asyncio
import logging
import random
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as HttpRoute

from sluicegate.serving.gateway.complaints import last_refusal
from sluicegate.serving.gateway.delivery import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Delivery, Key, Offer
from sluicegate.serving.gateway.envoy import Table, render
from sluicegate.serving.gateway.fleet import Fleet
from sluicegate.serving.gateway.listener import Front, listener
from sluicegate.serving.gateway.routes import Acknowledged, Route

HOLD_SECONDS, ENDPOINTS_HOLD_SECONDS = 25.0, 280.0
"""How long a poll is held; Envoy gives up after ``clusters.POLL_TIMEOUT`` and ``ENDPOINTS_POLL_TIMEOUT``."""
_GLANCE_SECONDS = 0.25
"""How often a held poll for clusters looks at the clock: they leave by time, not by an event."""
_MOST_PEERS = 50_000
"""How many connections are remembered, the latest: an Envoy holds one for each cluster."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    """A held poll."""

    loop: asyncio.AbstractEventLoop
    event: asyncio.Event


class _Node(msgspec.Struct, frozen=True):
    id: str = ""


class _Status(msgspec.Struct, frozen=True):
    message: str = ""


class _Request(msgspec.Struct, frozen=True):
    """What is read of a DiscoveryRequest; most of it is the list of Envoy's extensions."""

    version_info: str = ""
    node: _Node = _Node()
    resource_names: list[str] = []
    error_detail: _Status = _Status()


@dataclass(frozen=True, slots=True)
class _Poll:
    """One DiscoveryRequest: who asks for what, holding which version."""

    node: str
    key: Key
    held: str
    told: str
    fresh: bool
    """Whether its connection never polled before."""


class XdsDoor:
    """The configuration of one gateway, be it one Envoy or several that listen alike.

    ``gateway_log``: where Envoy writes its log, read for its words when it refuses. ``elsewhere``: fronts of Envoys, by
    node id, that cannot listen where all others do.
    """

    def __init__(
        self,
        front: Front,
        *,
        gateway_log: Path | None = None,
        hold_seconds: float | None = None,
        elsewhere: Mapping[str, Front] | None = None,
    ) -> None:
        fronts = dict(elsewhere or {})
        self._fleet = Fleet(lambda node: listener(fronts.get(node, front)))
        self._gateway_log = gateway_log
        self._holds = (hold_seconds or HOLD_SECONDS, hold_seconds or ENDPOINTS_HOLD_SECONDS)
        self._lock = threading.Lock()
        self._waiters: dict[tuple[str, Key], _Waiter] = {}
        """The newest poll of each kind: an older one, whose client went away unnoticed, ends."""
        self._table: Table | None = None
        self._peers: dict[tuple[str, int], bool] = {}
        self._closed = False

    def publish(self, routes: tuple[Route, ...]) -> str:
        """Ask for ``routes`` to be in force; returns the version that ``acknowledged`` will then have.

        Raises InvalidRouteError, with nothing changed. Before the first call, a running Envoy keeps what it has.
        """
        table = render(routes, self._table)
        with self._lock:
            self._table = table
            self._fleet.publish(table)
            for node, delivery in self._fleet.deliveries():
                self._wake(node, delivery)
        return table.version

    def acknowledged(self) -> Acknowledged:
        """What every Envoy has in force. ``rejected`` has the words of those who refused something."""
        with self._lock:
            return self._fleet.acknowledged(time.monotonic())

    def by_node(self) -> dict[str, Acknowledged]:
        """What each Envoy has in force that polls here."""
        with self._lock:
            return self._fleet.by_node(time.monotonic())

    def has_anybody(self) -> bool:
        """Whether an Envoy polls here, or did a moment ago."""
        with self._lock:
            return self._fleet.has_anybody(time.monotonic())

    def expect(self, nodes: frozenset[str]) -> None:
        """Count nothing as acknowledged before these Envoys have it too, heard of or not."""
        with self._lock:
            self._fleet.expect(nodes)

    def close(self) -> None:
        """Let all held polls go, so that the server which holds them can stop. Envoy keeps what it has."""
        self._closed = True
        with self._lock:
            for waiter in self._waiters.values():
                _ring(waiter)

    def routes(self) -> list[HttpRoute]:
        """Paths to mount in an ASGI application."""
        return [
            HttpRoute(f"/v3/discovery:{kind}", self._poll, methods=["POST"], name=kind)
            for kind in (LISTENERS, CLUSTERS, ENDPOINTS, ROUTES)
        ]

    async def _poll(self, request: Request) -> Response:
        try:
            # Most of it is Envoy's list of extensions: nothing to be kept for as long as the poll is held.
            poll = _read(request.url.path.rpartition(":")[2], await _body(request), fresh=self._is_fresh(request))
        except msgspec.MsgspecError:
            return JSONResponse({"message": "expected a DiscoveryRequest of Envoy in JSON"}, status_code=400)
        except ClientDisconnect:
            return Response(status_code=304)
        # Polls for endpoints outlive a machine that is gone without a word: they do not say that an Envoy is there.
        counts = poll.key[0] != ENDPOINTS
        with self._lock:
            delivery = self._fleet.opened(poll.node, time.monotonic(), counts=counts)
        try:
            waiter = self._heard(poll, delivery)
            offer = await self._next_offer(request, poll, delivery, waiter)
        finally:
            with self._lock:
                self._fleet.closed(poll.node, time.monotonic(), counts=counts)
        if offer is None:
            return Response(status_code=304)
        return Response(msgspec.json.encode(_answer(offer)), media_type="application/json")

    def _is_fresh(self, request: Request) -> bool:
        """Whether this connection never polled before. An Envoy reuses its own; a new one has none to reuse."""
        peer = (request.client.host, request.client.port) if request.client else ("", 0)
        with self._lock:
            known = self._peers.pop(peer, False)
            self._peers[peer] = True
            while len(self._peers) > _MOST_PEERS:
                del self._peers[next(iter(self._peers))]
        return not known

    def _heard(self, poll: _Poll, delivery: Delivery) -> _Waiter:
        waiter = _Waiter(asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            before = delivery.refused()
            delivery.heard(poll.key, poll.held, time.monotonic(), fresh=poll.fresh)
            if older := self._waiters.pop((poll.node, poll.key), None):
                _ring(older)
            self._waiters[poll.node, poll.key] = waiter
            if poll.key in delivery.refused() and poll.key not in before:
                what = " ".join(poll.key).strip()
                delivery.words = poll.told or self._read_log() or f"Envoy refused {what}; see its log"
                _log.error("the gateway %s refused %s: %s", poll.node, what, delivery.words)
            # What one kind acknowledges may be what another kind waits for.
            if poll.key[0] != ENDPOINTS:
                self._wake(poll.node, delivery)
            elif routes := self._waiters.get((poll.node, (ROUTES, ""))):
                _ring(routes)
        return waiter

    def _read_log(self) -> str:
        return last_refusal(self._gateway_log) if self._gateway_log else ""

    async def _next_offer(self, request: Request, poll: _Poll, delivery: Delivery, waiter: _Waiter) -> Offer | None:
        gone = asyncio.ensure_future(request.receive())
        end = time.monotonic() + self._held_for(poll.key)
        try:
            while not self._closed and not gone.done() and self._is_last(poll, waiter) and time.monotonic() < end:
                waiter.event.clear()
                if offer := self._take(poll, delivery):
                    return offer
                woken = asyncio.ensure_future(waiter.event.wait())
                pause = self._pause(poll.key, delivery, end)
                await asyncio.wait({woken, gone}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
            return None
        finally:
            gone.cancel()
            with self._lock:
                if self._is_last(poll, waiter):
                    del self._waiters[poll.node, poll.key]

    def _held_for(self, key: Key) -> float:
        """Thousands of polls that began together must not end together."""
        usual, longest = self._holds
        return longest * random.uniform(0.5, 1) if key[0] == ENDPOINTS else usual  # noqa: S311  no secret

    def _pause(self, key: Key, delivery: Delivery, end: float) -> float:
        now = time.monotonic()
        with self._lock:
            again = now + _GLANCE_SECONDS if key == (CLUSTERS, "") else delivery.shunned_until(key, now)
        return max(min(end, again or end) - now, 0)

    def _is_last(self, poll: _Poll, waiter: _Waiter) -> bool:
        return self._waiters.get((poll.node, poll.key)) is waiter

    def _take(self, poll: _Poll, delivery: Delivery) -> Offer | None:
        with self._lock:
            offer = delivery.offer(poll.key, time.monotonic())
            if offer is not None:
                delivery.sent(poll.key, offer)
                if poll.key == (ROUTES, ""):
                    self._wake(poll.node, delivery)
            return offer

    def _wake(self, node: str, delivery: Delivery) -> None:
        """Let the polls of an Envoy look again whose answer may have come."""
        keys = [(kind, "") for kind in (LISTENERS, CLUSTERS, ROUTES)] + [(ENDPOINTS, name) for name in delivery.behind]
        for key in keys:
            if waiter := self._waiters.get((node, key)):
                _ring(waiter)


def _ring(waiter: _Waiter) -> None:
    # The loop of a held poll may have ended with its server.
    with suppress(RuntimeError):
        waiter.loop.call_soon_threadsafe(waiter.event.set)


async def _body(request: Request) -> bytes:
    return b"".join([part async for part in request.stream()])


def _read(kind: str, body: bytes, *, fresh: bool) -> _Poll:
    request = msgspec.json.decode(body, type=_Request)
    names = ",".join(request.resource_names)
    return _Poll(
        node=request.node.id,
        key=(kind, names if kind == ENDPOINTS else ""),
        held=request.version_info,
        told=request.error_detail.message,
        fresh=fresh,
    )


def _answer(offer: Offer) -> dict[str, Any]:
    return {"version_info": offer.version, "resources": list(offer.resources)}
