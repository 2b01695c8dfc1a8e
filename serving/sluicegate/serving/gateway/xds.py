"""The door at which Envoy asks for its resources: REST xDS with long polling.

The plane mounts ``routes()`` in its API and calls ``publish``; ``delivery`` decides what Envoy gets when. A poll is
held until there is something new for it or the time is over (304). ``publish``, ``acknowledged`` and ``close`` may be
called from any thread.
"""

import asyncio
import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as HttpRoute

from sluicegate.serving.gateway.complaints import last_refusal
from sluicegate.serving.gateway.delivery import CLUSTERS, ENDPOINTS, LISTENERS, ROUTES, Delivery, Key, Offer
from sluicegate.serving.gateway.envoy import render
from sluicegate.serving.gateway.listener import Front, listener
from sluicegate.serving.gateway.routes import Acknowledged, Route

HOLD_SECONDS = 25.0
"""How long a poll is held; Envoy gives up after ``clusters.POLL_TIMEOUT``."""
_GLANCE_SECONDS = 0.25
"""How often a held poll looks at the clock: clusters leave by time, not by an event."""
_MOST_PEERS = 10_000
"""How many connections are remembered, the latest: Envoy holds one for each cluster."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiter:
    loop: asyncio.AbstractEventLoop
    event: asyncio.Event


class XdsDoor:
    """One gateway's configuration. ``gateway_log``: where Envoy writes its log, read for its words when it refuses."""

    def __init__(self, front: Front, *, gateway_log: Path | None = None, hold_seconds: float = HOLD_SECONDS) -> None:
        self._delivery = Delivery(listener(front))
        self._gateway_log = gateway_log
        self._hold = hold_seconds
        self._lock = threading.Lock()
        self._waiters: set[_Waiter] = set()
        self._turns: dict[Key, int] = {}
        self._peers: dict[tuple[str, int], bool] = {}
        self._closed = False

    def publish(self, routes: tuple[Route, ...]) -> str:
        """Ask for ``routes`` to be in force; returns the version that ``acknowledged`` will then have.

        Raises InvalidRouteError, with nothing changed. Before the first call, a running Envoy keeps what it has.
        """
        table = render(routes)
        with self._lock:
            self._delivery.publish(table)
        self._wake()
        return table.version

    def acknowledged(self) -> Acknowledged:
        """What Envoy has in force. ``rejected`` has its words when it refused something that was published."""
        with self._lock:
            return self._delivery.acknowledged()

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
        kind = request.url.path.rpartition(":")[2]
        try:
            document = await request.json()
            key = (kind, _names(document) if kind == ENDPOINTS else "")
            held = str(document.get("version_info", ""))
        except (ValueError, AttributeError, TypeError):
            return JSONResponse({"message": "expected a DiscoveryRequest of Envoy in JSON"}, status_code=400)
        except ClientDisconnect:
            return Response(status_code=304)
        turn = self._heard(key, held, document, fresh=self._is_fresh(request))
        offer = await self._next_offer(request, key, turn)
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

    def _heard(self, key: Key, held: str, document: dict[str, Any], *, fresh: bool) -> int:
        with self._lock:
            before = self._delivery.refused()
            self._delivery.heard(key, held, time.monotonic(), fresh=fresh)
            self._turns[key] = turn = self._turns.get(key, 0) + 1
            if key in self._delivery.refused() and key not in before:
                told = (document.get("error_detail") or {}).get("message", "")
                self._delivery.words = told or self._read_log() or f"Envoy refused {' '.join(key).strip()}; see its log"
                _log.error("the gateway refused %s: %s", " ".join(key).strip(), self._delivery.words)
        # What one kind acknowledges may be what another kind waits for.
        self._wake()
        return turn

    def _read_log(self) -> str:
        return last_refusal(self._gateway_log) if self._gateway_log else ""

    async def _next_offer(self, request: Request, key: Key, turn: int) -> Offer | None:
        waiter = _Waiter(asyncio.get_running_loop(), asyncio.Event())
        gone = asyncio.ensure_future(request.receive())
        end = time.monotonic() + self._hold
        self._waiters.add(waiter)
        try:
            while not self._closed and not gone.done() and self._turns[key] == turn and time.monotonic() < end:
                waiter.event.clear()
                if offer := self._take(key):
                    return offer
                woken = asyncio.ensure_future(waiter.event.wait())
                await asyncio.wait({woken, gone}, timeout=_GLANCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
            return None
        finally:
            self._waiters.discard(waiter)
            gone.cancel()

    def _take(self, key: Key) -> Offer | None:
        with self._lock:
            offer = self._delivery.offer(key, time.monotonic())
            if offer is not None:
                self._delivery.sent(key, offer)
            return offer

    def _wake(self) -> None:
        for waiter in list(self._waiters):
            waiter.loop.call_soon_threadsafe(waiter.event.set)


def _names(document: dict[str, Any]) -> str:
    return ",".join(document.get("resource_names", []))


def _answer(offer: Offer) -> dict[str, Any]:
    return {"version_info": offer.version, "resources": list(offer.resources)}
