"""What one Envoy should get next, kind by kind, so that no request meets a gap. Decides only; ``xds`` talks.

Make before break: routes that name a new cluster, or lean on new servers, are offered once Envoy acknowledged these and
had time to look at them; clusters and servers that only the old routes use stay until the new routes are acknowledged,
and a moment longer. A server goes only when those that came in its place have been looked at. A door that knows nothing
yet takes nothing away: at a stream's beginning Envoy says what it holds.

There may be thousands of clusters: what an event changes is looked at again, never all.
"""

from collections.abc import Iterable
from functools import lru_cache

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.clusters import GRPC_SUFFIX, cluster, endpoints, transport_of
from sluicegate.serving.gateway.envoy import Addresses, Table, differing, digest
from sluicegate.serving.gateway.listener import LISTENER, ROUTE_TABLE
from sluicegate.serving.gateway.messages import packed, packed_cluster
from sluicegate.serving.gateway.routes import Acknowledged, Address, Transport
from sluicegate.serving.gateway.subscriptions import Offer, Subscription

CLUSTERS, ENDPOINTS, LISTENERS, ROUTES = "clusters", "endpoints", "listeners", "routes"
KINDS = (CLUSTERS, ENDPOINTS, LISTENERS, ROUTES)
LINGER_SECONDS = 3.0
"""How long a cluster outlives the routes that named it: requests that chose it may still be tried again."""
WARM_SECONDS = 0.25
"""What Envoy gets to ask a new server whether it is ready; before it has, that server is sent nothing."""
_CLUSTER_VERSIONS: dict[Transport, str] = {"http": digest(cluster("")), "grpc": digest(cluster(GRPC_SUFFIX))}
"""A cluster's definition depends on its name alone, and of that on its end."""


class Delivery:
    """The state of one Envoy's subscriptions. Not safe for threads; times are seconds of any steady clock."""

    def __init__(self, listener: JSON) -> None:
        self._listener, self._listener_version = packed(listener), digest(listener)
        self._kinds = {kind: Subscription() for kind in KINDS}
        self._newest: Table | None = None
        self._alive: dict[str, Table] = {}
        """Tables by routes' version that Envoy may be using: acknowledged, or on the way."""
        self._good: Table | None = None
        self._lingering: dict[str, tuple[float, Addresses]] = {}
        self._known: dict[str, Addresses] = {}
        """Servers that Envoy acknowledged, by cluster."""
        self._on_the_way: dict[str, Addresses] = {}
        """Servers that it was sent last, by cluster."""
        self._warming: dict[str, float] = {}
        """Until when Envoy looks at new servers, by cluster."""
        self._version = ""
        self.behind: set[str] = set()
        """Clusters whose servers Envoy does not hold as it should."""

    def publish(self, table: Table) -> None:
        """From now on ``table`` is what should be in force."""
        first, before = self._newest is None, self._tables()
        self._newest = table
        if table.routes_version in self._alive:
            self._alive[table.routes_version] = table
        self._recognise(self._routes_held)
        self._review({*table.names, *self._kinds[ENDPOINTS].names} if first else self._touched(before))

    def begin(self) -> None:
        """Envoy opened a new stream, and will say what it holds."""
        for each in self._kinds.values():
            each.begin()

    def told(self, kind: str, subscribed: list[str], unsubscribed: list[str], held: dict[str, str], now: float) -> None:
        """Envoy asks for these names of a kind from now on; ``held`` are versions, said once on each stream."""
        first = not self._kinds[kind].asked
        if first and kind == CLUSTERS and not held:
            self._forget()
        self._kinds[kind].told(subscribed, unsubscribed, held)
        if kind == ROUTES:
            before = self._tables()
            self._heard_routes(now)
            self._review(self._touched(before))
        elif kind == ENDPOINTS:
            self._heard_names(unsubscribed, held)
            self._review({*subscribed, *unsubscribed, *held})

    def taken(self, kind: str, nonce: str, now: float) -> None:
        """Envoy has what it was sent under this number."""
        before = self._tables()
        offer = self._kinds[kind].taken(nonce)
        if offer is None:
            return
        if kind == CLUSTERS:
            self._heard_clusters(offer)
        elif kind == ENDPOINTS:
            self._heard_endpoints(offer, now)
        elif kind == ROUTES:
            self._heard_routes(now)
            self._review(self._touched(before))

    def refused(self, kind: str, nonce: str, words: str, now: float) -> bool:
        """Envoy does not take what it was sent under this number; False when another was sent last."""
        found = self._kinds[kind].turned_down(nonce, words, now)
        if found and kind == ROUTES:
            self._review(self._touched(()))
        return found

    def offer(self, kind: str, now: float) -> Offer | None:
        """What to send of a kind; None as long as Envoy has what it should have, or owes an answer."""
        subscription = self._kinds[kind]
        if not subscription.asked or subscription.sent or self._newest is None:
            return None
        self._pass(now)
        found = {
            CLUSTERS: self._clusters_offer,
            ENDPOINTS: self._endpoints_offer,
            LISTENERS: self._listeners_offer,
            ROUTES: self._routes_offer,
        }[kind](now)
        # Envoy waits for a first answer even where there is nothing.
        needed = found is not None and (found.versions or found.removed or not subscription.answered)
        return found if needed else None

    def send(self, kind: str, offer: Offer) -> str:
        """``offer`` is on its way; returns its number."""
        nonce = self._kinds[kind].send(offer)
        if kind == ENDPOINTS:
            self._on_the_way = {name: self._servers(name) or () for name in offer.versions}
        elif kind == ROUTES:
            before, version = self._tables(), offer.versions[ROUTE_TABLE]
            self._alive |= {each.routes_version: each for each in before if each.routes_version == version}
            self._review(self._touched(before))
        return nonce

    def next_at(self, now: float) -> float | None:
        """When time alone may give something to send."""
        retries = [each.retry_at for kind in self._kinds.values() for each in kind.refused.values()]
        lingering = [until for until, _ in self._lingering.values()]
        return min((each for each in (*retries, *lingering, *self._warming.values()) if each > now), default=None)

    @property
    def answers(self) -> bool:
        """Whether Envoy has any routes: before that it does not listen to users."""
        return bool(self._routes_held)

    def acknowledged(self) -> Acknowledged:
        """What is in force."""
        if self._newest and self._in_force(self._newest):
            self._version = self._newest.version
        elif self._newest and self._version == self._newest.version and self._strayed(self._newest):
            self._version = ""
        return Acknowledged(
            version=self._version,
            traffic=self._good.traffic if self._good else {},
            rejected=self._complaint(),
        )

    def _complaint(self) -> str:
        """Envoy's words about the first thing that it should have and refused."""
        for kind, subscription in self._kinds.items():
            for name, each in sorted(subscription.refused.items()):
                if each.version == self._wanted_version(kind, name):
                    return each.words or f"Envoy refused {kind} {name}; its log says why"
        return ""

    def _wanted_version(self, kind: str, name: str) -> str:
        if kind == ROUTES:
            return self._newest.routes_version if self._newest else ""
        if kind == ENDPOINTS:
            return self._endpoints_version(name)
        if kind == CLUSTERS:
            return _cluster_version(name) if name in self._wanted_clusters() else ""
        return self._listener_version

    def _forget(self) -> None:
        """A new Envoy, which holds nothing: neither does it answer by former routes."""
        for each in self._kinds.values():
            each.held.clear()
        self._known.clear()
        self._warming.clear()
        self._review(self._touched(()))

    def _heard_clusters(self, offer: Offer) -> None:
        for name in offer.removed:
            self._kinds[ENDPOINTS].held.pop(name, None)
            self._known.pop(name, None)
        # A cluster that is defined anew waits for its servers anew.
        for name in offer.versions:
            self._kinds[ENDPOINTS].held.pop(name, None)
        self._review({*offer.removed, *offer.versions})

    def _heard_names(self, unsubscribed: list[str], held: dict[str, str]) -> None:
        for name in unsubscribed:
            self._known.pop(name, None)
        for name, version in held.items():
            servers = self._answering(name)
            if servers is not None and _endpoints(name, servers)[0] == version:
                self._known[name] = servers

    def _heard_endpoints(self, offer: Offer, now: float) -> None:
        for name in offer.versions:
            servers = self._on_the_way[name]
            if set(servers) - set(self._known.get(name, ())):
                self._warming[name] = now + WARM_SECONDS
            self._known[name] = servers
        self._review(offer.versions)

    def _heard_routes(self, now: float) -> None:
        version = self._routes_held
        self._recognise(version)
        table = self._alive.get(version)
        if table is None:
            return
        for old in self._alive.values():
            for name in old.addresses.keys() - table.addresses.keys():
                self._lingering[name] = (now + LINGER_SECONDS, old.addresses[name])
        self._alive, self._good = {version: table}, table

    def _recognise(self, version: str) -> None:
        """After this door's restart, Envoy may already hold exactly what is wanted."""
        if self._newest and version == self._newest.routes_version:
            self._alive.setdefault(version, self._newest)
            self._good = self._newest

    def _pass(self, now: float) -> None:
        """What is over by time."""
        over = {name for name, (until, _) in self._lingering.items() if until <= now}
        warm = {name for name, until in self._warming.items() if until <= now}
        for name in over:
            del self._lingering[name]
        for name in warm:
            del self._warming[name]
        if over or warm:
            self._review(over | warm)

    def _clusters_offer(self, now: float) -> Offer:
        subscription, names = self._kinds[CLUSTERS], self._wanted_clusters()
        lacking = [name for name in sorted(names) if subscription.lacks(name, _cluster_version(name), now)]
        return Offer(
            versions={name: _cluster_version(name) for name in lacking},
            removed=tuple(subscription.held.keys() - names),
            resource=packed_cluster,
        )

    def _endpoints_offer(self, now: float) -> Offer:
        subscription = self._kinds[ENDPOINTS]
        wanted = {name: self._endpoints_version(name) for name in sorted(self.behind & subscription.names)}
        contents = {name: _endpoints(name, self._servers(name) or ())[1] for name in wanted}
        return Offer(
            versions={name: version for name, version in wanted.items() if subscription.lacks(name, version, now)},
            resource=contents.__getitem__,
        )

    def _listeners_offer(self, now: float) -> Offer:
        subscription, version = self._kinds[LISTENERS], self._listener_version
        return Offer(
            versions={LISTENER: version} if subscription.lacks(LISTENER, version, now) else {},
            removed=tuple(subscription.held.keys() - {LISTENER}),
            resource=lambda _: self._listener,
        )

    def _routes_offer(self, now: float) -> Offer | None:
        """The newest table as soon as what it leans on is there; until then, for a new Envoy, the last good one."""
        subscription = self._kinds[ROUTES]
        for table in (self._newest, self._good):
            if table and self._ready(table) and not subscription.shuns(ROUTE_TABLE, table.routes_version, now):
                if table.routes_version == self._routes_held:
                    return None
                content = {ROUTE_TABLE: table.routes}
                return Offer(versions={ROUTE_TABLE: table.routes_version}, resource=content.__getitem__)
        return None

    def _wanted_clusters(self) -> frozenset[str]:
        tables = {id(table): table for table in (self._newest, *self._alive.values()) if table}
        known = self._routes_held in self._alive
        if known and not self._lingering and len(tables) == 1:
            return next(iter(tables.values())).names
        names = frozenset(self._lingering).union(*(table.names for table in tables.values()))
        # Routes of a former door, unknown to this one: whatever Envoy has may be named in them.
        return names if known else names | self._kinds[CLUSTERS].held.keys()

    def _endpoints_version(self, name: str) -> str:
        servers = self._servers(name)
        return "" if servers is None else _endpoints(name, servers)[0]

    def _servers(self, name: str) -> Addresses | None:
        """Those that answer, and while those are new to Envoy, what it has; None where nothing is known of ``name``."""
        answering, known = self._answering(name), self._known.get(name, ())
        if answering is None or not known:
            return answering
        waits = name in self._warming or not set(answering) <= set(known)
        return _union([answering, known]) if waits else answering

    def _answering(self, name: str) -> Addresses | None:
        """The newest servers; the old ones too while routes that lean on them are in force."""
        newest = self._newest.addresses.get(name) if self._newest else None
        old = [table.addresses[name] for table in self._alive.values() if name in table.addresses]
        if newest is not None and (self._holds_newest() or self._refuses_newest()):
            return newest
        if newest is None and not old:
            return self._lingering[name][1] if name in self._lingering else None
        return _union([newest or (), *old])

    def _holds_newest(self) -> bool:
        return bool(self._newest and self._routes_held == self._newest.routes_version)

    def _refuses_newest(self) -> bool:
        return bool(self._newest and self._kinds[ROUTES].refuses(ROUTE_TABLE, self._newest.routes_version))

    def _ready(self, table: Table) -> bool:
        return self._kinds[CLUSTERS].held.keys() >= table.names and self._has_servers(table)

    def _has_servers(self, table: Table) -> bool:
        return not any(name in table.names for name in (*self.behind, *self._warming))

    def _in_force(self, table: Table) -> bool:
        routes = self._kinds[ROUTES]
        return self._routes_held == table.routes_version and routes.sent is None and self._has_servers(table)

    def _strayed(self, table: Table) -> bool:
        """Whether Envoy has other routes, or was sent some: ``table`` was wanted once, then another, now again."""
        routes = self._kinds[ROUTES]
        sent = routes.sent.versions.get(ROUTE_TABLE, "") if routes.sent else ""
        return not {self._routes_held, sent} <= {"", table.routes_version}

    def _tables(self) -> tuple[Table, ...]:
        return tuple(table for table in (self._newest, self._good, *self._alive.values()) if table)

    def _touched(self, before: tuple[Table, ...]) -> Iterable[str]:
        """Clusters whose wanted servers may be others than they were under the tables ``before``."""
        return differing({id(table): table for table in (*before, *self._tables())}.values()) | self._lingering.keys()

    @property
    def _routes_held(self) -> str:
        return self._kinds[ROUTES].held.get(ROUTE_TABLE, "")

    def _review(self, names: Iterable[str]) -> None:
        held = self._kinds[ENDPOINTS].held
        for name in names:
            version = self._endpoints_version(name)
            (self.behind.add if version and held.get(name) != version else self.behind.discard)(name)


def _cluster_version(name: str) -> str:
    return _CLUSTER_VERSIONS[transport_of(name)]


@lru_cache(maxsize=20_000)
def _endpoints(name: str, servers: Addresses) -> tuple[str, bytes]:
    """Version and content."""
    resource = endpoints(name, servers)
    return digest(resource), packed(resource)


def _union(groups: list[Addresses]) -> Addresses:
    unique: dict[Address, None] = {address: None for group in groups for address in group}
    return tuple(unique)
