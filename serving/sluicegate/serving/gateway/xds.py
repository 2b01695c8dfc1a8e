"""The door at which Envoy asks for its resources: REST xDS with long polling.

Plane or operator mount ``routes()`` in their API and call ``publish``; ``delivery`` decides what an Envoy gets when,
``fleet`` what all of them have. A poll is held until there is something new for it or the time is over (304). All but
the polls may be called from any thread. One Envoy's polls must all reach the same door.
"""

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as HttpRoute

from sluicegate.serving.gateway.complaints import last_refusal
from sluicegate.serving.gateway.delivery import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Delivery, Key, Offer
from sluicegate.serving.gateway.envoy import render
from sluicegate.serving.gateway.fleet import Fleet
from sluicegate.serving.gateway.listener import Front, listener
from sluicegate.serving.gateway.routes import Acknowledged, Route

HOLD_SECONDS = 25.0
"""How long a poll is held; Envoy gives up after ``clusters.POLL_TIMEOUT``."""
_GLANCE_SECONDS = 0.25
"""How often a held poll looks at the clock: clusters leave by time, not by an event."""
_MOST_PEERS = 10_000
"""How many connections are remembered, the latest: an Envoy holds one for each cluster."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiter:
    loop: asyncio.AbstractEventLoop
    event: asyncio.Event


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
        hold_seconds: float = HOLD_SECONDS,
        elsewhere: Mapping[str, Front] | None = None,
    ) -> None:
        fronts = dict(elsewhere or {})
        self._fleet = Fleet(lambda node: listener(fronts.get(node, front)))
        self._gateway_log = gateway_log
        self._hold = hold_seconds
        self._lock = threading.Lock()
        self._waiters: set[_Waiter] = set()
        self._counter = itertools.count()
        self._turns: dict[tuple[str, Key], int] = {}
        """The newest poll of each kind: an older one, whose client went away unnoticed, ends."""
        self._peers: dict[tuple[str, int], bool] = {}
        self._closed = False

    def publish(self, routes: tuple[Route, ...]) -> str:
        """Ask for ``routes`` to be in force; returns the version that ``acknowledged`` will then have.

        Raises InvalidRouteError, with nothing changed. Before the first call, a running Envoy keeps what it has.
        """
        table = render(routes)
        with self._lock:
            self._fleet.publish(table)
        self._wake()
        return table.version

    def acknowledged(self) -> Acknowledged:
        """What every Envoy has in force. ``rejected`` has the words of those who refused something."""
        with self._lock:
            return self._fleet.acknowledged(time.monotonic())

    def by_node(self) -> dict[str, Acknowledged]:
        """What each Envoy has in force that polls here."""
        with self._lock:
            return self._fleet.by_node(time.monotonic())

    def expect(self, nodes: frozenset[str]) -> None:
        """Count nothing as acknowledged before these Envoys have it too, heard of or not."""
        with self._lock:
            self._fleet.expect(nodes)

    def close(self) -> None:
        """Let all held polls go, so that the server which holds them can stop. Envoy keeps what it has."""
        self._closed = True
        self._wake()

    def routes(self) -> list[HttpRoute]:
        """Paths to mount in an ASGI application."""
        return [
            HttpRoute(f"/v3/discovery:{kind}", self._poll, methods=["POST"], name=kind)
            for kind in (LISTENERS, CLUSTERS, ENDPOINTS, ROUTES)
        ]

    async def _poll(self, request: Request) -> Response:
        try:
            document = await request.json()
            poll = _read(request.url.path.rpartition(":")[2], document, fresh=self._is_fresh(request))
        except (ValueError, AttributeError, TypeError):
            return JSONResponse({"message": "expected a DiscoveryRequest of Envoy in JSON"}, status_code=400)
        except ClientDisconnect:
            return Response(status_code=304)
        with self._lock:
            delivery = self._fleet.opened(poll.node, time.monotonic())
        try:
            turn = self._heard(poll, delivery)
            offer = await self._next_offer(request, poll, delivery, turn)
        finally:
            with self._lock:
                self._fleet.closed(poll.node, time.monotonic())
        return Response(status_code=304) if offer is None else JSONResponse(_answer(offer))

    def _is_fresh(self, request: Request) -> bool:
        """Whether this connection never polled before. An Envoy reuses its own; a new one has none to reuse."""
        peer = (request.client.host, request.client.port) if request.client else ("", 0)
        with self._lock:
            known = self._peers.pop(peer, False)
            self._peers[peer] = True
            while len(self._peers) > _MOST_PEERS:
                del self._peers[next(iter(self._peers))]
        return not known

    def _heard(self, poll: _Poll, delivery: Delivery) -> int:
        with self._lock:
            before = delivery.refused()
            delivery.heard(poll.key, poll.held, time.monotonic(), fresh=poll.fresh)
            self._turns[poll.node, poll.key] = turn = next(self._counter)
            if poll.key in delivery.refused() and poll.key not in before:
                what = " ".join(poll.key).strip()
                delivery.words = poll.told or self._read_log() or f"Envoy refused {what}; see its log"
                _log.error("the gateway %s refused %s: %s", poll.node, what, delivery.words)
        # What one kind acknowledges may be what another kind waits for.
        self._wake()
        return turn

    def _read_log(self) -> str:
        return last_refusal(self._gateway_log) if self._gateway_log else ""

    async def _next_offer(self, request: Request, poll: _Poll, delivery: Delivery, turn: int) -> Offer | None:
        waiter = _Waiter(asyncio.get_running_loop(), asyncio.Event())
        gone = asyncio.ensure_future(request.receive())
        end = time.monotonic() + self._hold
        self._waiters.add(waiter)
        try:
            while not self._closed and not gone.done() and self._is_last(poll, turn) and time.monotonic() < end:
                waiter.event.clear()
                if offer := self._take(poll.key, delivery):
                    return offer
                woken = asyncio.ensure_future(waiter.event.wait())
                await asyncio.wait({woken, gone}, timeout=_GLANCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
            return None
        finally:
            self._waiters.discard(waiter)
            gone.cancel()
            if self._is_last(poll, turn):
                del self._turns[poll.node, poll.key]

    def _is_last(self, poll: _Poll, turn: int) -> bool:
        return self._turns.get((poll.node, poll.key)) == turn

    def _take(self, key: Key, delivery: Delivery) -> Offer | None:
        with self._lock:
            offer = delivery.offer(key, time.monotonic())
            if offer is not None:
                delivery.sent(key, offer)
            return offer

    def _wake(self) -> None:
        for waiter in list(self._waiters):
            waiter.loop.call_soon_threadsafe(waiter.event.set)


def _read(kind: str, document: dict[str, Any], *, fresh: bool) -> _Poll:
    names = ",".join(document.get("resource_names", []))
    return _Poll(
        node=str((document.get("node") or {}).get("id", "")),
        key=(kind, names if kind == ENDPOINTS else ""),
        held=str(document.get("version_info", "")),
        told=str((document.get("error_detail") or {}).get("message", "")),
        fresh=fresh,
    )


def _answer(offer: Offer) -> dict[str, Any]:
    return {"version_info": offer.version, "resources": list(offer.resources)}
