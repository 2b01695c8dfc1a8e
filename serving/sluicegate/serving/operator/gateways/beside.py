"""The bundled Envoys beside a gateway of the cluster: those that are there go on following.

So a change of gateways costs no request: first the operator writes routes for the new one, then users move, then the
old Envoys go. Where no Envoy asks, nothing is drawn for one.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.routes import Route
from sluicegate.serving.gateway.xds import XdsDoor
from sluicegate.serving.operator.cluster.cache import Key
from sluicegate.serving.operator.gateways.bundled import SECONDS_PER_ROUTE, BundledEnvoy
from sluicegate.serving.operator.ports import Gateway, InForce


class BesideEnvoy:
    """``Gateway`` as ``chosen``; ``known`` are the deployments that there are, ``changed`` is told whom to look at."""

    def __init__(
        self, chosen: Gateway, door: XdsDoor, *, known: Callable[[], Iterable[Key]], changed: Callable[[Key], None]
    ) -> None:
        self._chosen, self._door, self._known, self._changed = chosen, door, known, changed
        self._bundled: BundledEnvoy | None = None

    async def publish(self, route: Route, services: Mapping[str, str], owner: JSON) -> None:
        """As the port says, to both."""
        await self._chosen.publish(route, services, owner)
        if self._bundled is not None:
            await self._bundled.publish(route, services, owner)

    async def withdraw(self, namespace: str, name: str) -> None:
        """As the port says, to both."""
        await self._chosen.withdraw(namespace, name)
        if self._bundled is not None:
            await self._bundled.withdraw(namespace, name)

    def in_force(self, namespace: str, name: str) -> InForce:
        """What the chosen one does; settled once the Envoys have followed, too."""
        found = self._chosen.in_force(namespace, name)
        if self._bundled is None or not self._door.has_anybody():
            return found
        return replace(found, settled=found.settled and self._bundled.in_force(namespace, name).settled)

    def look(self) -> None:
        """Notice the first Envoy that asks, and what came into force since the last look."""
        if self._bundled is not None:
            self._bundled.look()
        elif self._door.has_anybody():
            known = tuple(self._known())
            self._bundled = BundledEnvoy(
                self._door, expected=known, changed=self._changed, seconds_per_route=SECONDS_PER_ROUTE
            )
            for key in known:
                self._changed(key)
