"""The bundled Envoy: every deployment's route in one table, handed out by the leader's xDS door.

A table is published only once each deployment that was there at the beginning has its route in it: a new leader's first
table must not cut off those that it has not looked at yet. Until then Envoy goes on with what it has. Envoy reads a
table as a whole, so that of a large one not every version is offered: what changed meanwhile comes with the next.
"""

import time
from collections.abc import Callable, Iterable, Mapping

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.checking import check
from sluicegate.serving.gateway.routes import Route
from sluicegate.serving.gateway.xds import XdsDoor
from sluicegate.serving.operator.cluster.cache import Key
from sluicegate.serving.operator.ports import InForce

Table = dict[Key, Route]
SECONDS_PER_ROUTE = 0.0005
"""Between two tables, for each route in them: half a second with a thousand."""


class BundledEnvoy:
    """``Gateway`` over ``door``. ``expected`` are the deployments there are; ``changed`` is told, at ``look``, whose
    route came into force. ``seconds_per_route``: how long tables are kept apart; ``look`` offers what waits.
    """

    def __init__(
        self,
        door: XdsDoor,
        *,
        expected: Iterable[Key],
        changed: Callable[[Key], None],
        seconds_per_route: float = 0.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._door, self._changed = door, changed
        self._seconds_per_route, self._monotonic = seconds_per_route, monotonic
        self._offered_at, self._waits = float("-inf"), False
        self._awaited = set(expected)
        self._routes: Table = {}
        self._published: dict[str, Table] = {}
        self._version = ""
        self._in_force: Table = {}
        self._unsettled: set[Key] = set()
        """Deployments that were told that their route is not in force yet."""
        self._rejected = ""
        # Where nothing is deployed, the table is empty, and Envoy waits for that one too.
        self._offer()

    async def publish(self, route: Route, services: Mapping[str, str], owner: JSON) -> None:  # noqa: ARG002  the port's
        """As the port says. Raises InvalidRouteError for a route that contradicts itself, and keeps the one before."""
        key = (route.namespace, route.name)
        if self._routes.get(key) == route and key not in self._awaited:
            return
        check((route,))
        self._routes[key] = route
        self._awaited.discard(key)
        self._offer()

    async def withdraw(self, namespace: str, name: str) -> None:
        """As the port says."""
        key = (namespace, name)
        if self._routes.pop(key, None) is not None or key in self._awaited:
            self._awaited.discard(key)
            self._offer()

    def in_force(self, namespace: str, name: str) -> InForce:
        """As the port says. Before Envoy acknowledged a table of this door, nothing is known."""
        acknowledged, key = self._door.acknowledged(), (namespace, name)
        table = self._published.get(acknowledged.version, self._in_force)
        route, settled = table.get(key), self._is_settled(key, table)
        (self._unsettled.discard if settled else self._unsettled.add)(key)
        return InForce(
            settled=settled,
            traffic=acknowledged.traffic.get(key, {}) if acknowledged.version else None,
            mirror={mirror.predictor: mirror.percentage for mirror in route.mirrors} if route is not None else {},
            rejected=acknowledged.rejected,
        )

    def look(self) -> None:
        """Tell of deployments whose route came into force since the last look, or was refused."""
        if self._waits:
            self._offer()
        acknowledged = self._door.acknowledged()
        if acknowledged.rejected != self._rejected:
            self._rejected = acknowledged.rejected
            self._tell(self._unsettled)
        table = self._published.get(acknowledged.version)
        if table is None:
            return
        if table is not self._in_force:
            before, self._in_force = self._in_force, table
            self._published = {acknowledged.version: table, self._version: self._published[self._version]}
            self._tell(key for key in before.keys() | table.keys() if before.get(key) is not table.get(key))
        # One that went from a route to another and back has a table in force that was so before.
        self._tell(key for key in self._unsettled if self._is_settled(key, table))

    def _is_settled(self, key: Key, table: Table) -> bool:
        return bool(self._version) and not self._awaited and table.get(key) == self._routes.get(key)

    def _tell(self, keys: Iterable[Key]) -> None:
        for key in sorted(keys):
            self._unsettled.discard(key)
            self._changed(key)

    def _offer(self) -> None:
        if self._awaited:
            return
        now = self._monotonic()
        self._waits = now < self._offered_at + self._seconds_per_route * len(self._routes)
        if self._waits:
            return
        self._offered_at = now
        table = dict(self._routes)
        self._version = self._door.publish(tuple(table[key] for key in sorted(table)))
        self._published[self._version] = table
