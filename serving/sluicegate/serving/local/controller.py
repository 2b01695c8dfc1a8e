"""The embedded operator's loop: what is stored → pure ``reconcile`` → servers, gateway, status.

Level-triggered: a pass reads everything, decides, writes what differs; it remembers nothing but leases and the last
table it published, so it may be killed anywhere and started again. ``pipelines.plane`` puts it together.
"""

import asyncio

from sluicegate.serving.local.ports import Clock, Gateway, ObjectStore, Servers


class Controller:
    """Runs ``SeldonDeployment`` and ``ModelRollout``.

    ``known_implementations`` are the prepackaged servers that this plane can start, ``gateway_url`` is where users
    reach it (``http://127.0.0.1:8003``), as written to ``status.address``.
    """

    def __init__(
        self,
        *,
        store: ObjectStore,
        servers: Servers,
        gateway: Gateway,
        clock: Clock,
        known_implementations: frozenset[str],
        gateway_url: str,
    ) -> None:
        self._store, self._servers, self._gateway, self._clock = store, servers, gateway, clock
        self._known_implementations, self._gateway_url = known_implementations, gateway_url

    def reconcile(self) -> None:
        """One pass over everything; returns at once."""

    async def run(self) -> None:
        """Pass after pass until cancelled: on every change, and at least every half second."""
        while True:
            self.reconcile()
            await asyncio.sleep(0.5)
