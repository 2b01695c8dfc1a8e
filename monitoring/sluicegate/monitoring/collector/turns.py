"""What the collector does by itself, once a second: look at the gateway, let detectors see, send alerts.

A turn that fails is logged and does not end the next ones; alerts are sent beside the turns, so that a receiver that
hangs does not keep the gateway from being looked at.
"""

import asyncio
import logging

import httpx

from sluicegate.monitoring.collector.alerts import Alert, send
from sluicegate.monitoring.collector.errors import CollectorError
from sluicegate.monitoring.collector.keeper import Keeper
from sluicegate.monitoring.sources.errors import SourceError
from sluicegate.monitoring.sources.gateway import GatewaySample, GatewayStatistics

TURNS_BETWEEN_FORGETTING = 10
LOG = logging.getLogger(__name__)


class Turns:
    """Runs until cancelled."""

    def __init__(self, keeper: Keeper, gateway: GatewayStatistics | None, *, seconds: float = 1.0) -> None:
        self._keeper = keeper
        self._gateway = gateway
        self._seconds = seconds
        self._turns = 0
        self._client = httpx.AsyncClient(trust_env=False)
        self._sending: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """One turn after the other, evenly spaced however long each takes."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self._turn()
            due = max(due + self._seconds, loop.time())
            await asyncio.sleep(due - loop.time())

    async def close(self) -> None:
        """Let go of connections; alerts not yet taken are sent by the next life."""
        for task in self._sending.values():
            task.cancel()
        await asyncio.gather(*self._sending.values(), return_exceptions=True)
        await self._client.aclose()
        if self._gateway is not None:
            await self._gateway.close()

    async def _turn(self) -> None:
        for part in (self._record, self._watch, self._forget):
            try:
                await part()
            except Exception:
                # One part's failure must neither stop the others nor the next second's look at the gateway.
                LOG.exception("a part of this second's work failed")
        self._turns += 1

    async def _record(self) -> None:
        await self._keeper.record(*await self._look())

    async def _watch(self) -> None:
        for alert in await self._keeper.watch():
            if alert.id not in self._sending:
                self._sending[alert.id] = asyncio.create_task(self._send(alert))

    async def _forget(self) -> None:
        if self._turns % TURNS_BETWEEN_FORGETTING == 0:
            await self._keeper.forget()

    async def _look(self) -> tuple[GatewaySample | None, str]:
        if self._gateway is None:
            return None, ""
        try:
            return await self._gateway.read(), ""
        except SourceError as error:
            return None, str(error)

    async def _send(self, alert: Alert) -> None:
        try:
            finished = await send(self._client, alert)
            await self._keeper.settle(alert, finished=finished)
        except CollectorError as error:
            LOG.warning("what became of the alert to %s is not recorded: %s", alert.url, error)
        finally:
            del self._sending[alert.id]
