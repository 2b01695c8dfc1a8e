"""What one Envoy should get next, kind by kind, so that no request meets a gap. Decides only; ``xds`` talks.

Make before break: routes that name a new cluster, or lean on new servers, are offered once Envoy acknowledged these;
clusters and servers that only the old routes use stay until the new routes are acknowledged, and a moment longer.
Envoy polls by REST: the version in its next poll is what it holds. It repeats the old one when it refused, or when the
answer got lost; the same answer ignored twice is a refusal. A new Envoy starts with empty versions and gets all again;
one that is killed before it acknowledged anything has refused nothing, and its successor is told by its connection.
There may be thousands of clusters, each with a poll of its own: what a poll changes is looked at again, never all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.clusters import cluster, endpoints
from sluicegate.serving.gateway.envoy import Addresses, Table, differing, digest
from sluicegate.serving.gateway.routes import Acknowledged, Address

LISTENERS, CLUSTERS, ENDPOINTS, ROUTES = "listeners", "clusters", "endpoints", "routes"
Key = tuple[str, str]
"""Kind, and for endpoints the cluster's name."""
LINGER_SECONDS = 3.0
"""How long a cluster outlives the routes that named it: requests that chose it may still be tried again."""
SETTLE_SECONDS = 1.0
"""How long a new door listens to an old Envoy before it answers: its polls for endpoints tell which clusters it has."""
PATIENCE = 2
"""Equal answers ignored before that counts as a refusal."""
RETRY_SECONDS = 10.0
"""Until something refused is offered once more: answers may also have been lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One answer to a poll."""

    version: str
    resources: tuple[JSON, ...]


@dataclass(slots=True)
class Subscription:
    """What Envoy said and was told last about one key."""

    held: str = ""
    sent: str | None = None
    refused: str = ""
    ignored: int = 0
    retry_at: float = 0.0

    def heard(self, version: str, now: float, *, fresh: bool) -> None:
        """Envoy polls again and holds ``version``; a ``fresh`` connection with an empty one is a new Envoy's."""
        restarted = not version and (fresh or bool(self.held))
        if version == self.sent or restarted:
            self.refused, self.ignored = "", 0
        elif self.sent is not None:
            self.ignored = self.ignored + 1 if self.refused == self.sent else 1
            self.refused, self.retry_at = self.sent, now + RETRY_SECONDS
        self.held, self.sent = version, None

    def refuses(self, version: str) -> bool:
        """Whether ``version`` came back unused too often to be by chance."""
        return self.refused == version and self.ignored >= PATIENCE

    def shuns(self, version: str, now: float) -> bool:
        """Whether there is no use in offering ``version`` now."""
        return self.refuses(version) and now < self.retry_at


class Delivery:
    """The state of one Envoy's subscriptions. Not safe for threads; times are seconds of any steady clock."""

    def __init__(self, listener: JSON) -> None:
        self._listener = Offer(version=digest(listener), resources=(listener,))
        self._subscriptions: dict[Key, Subscription] = {}
        self._newest: Table | None = None
        self._alive: dict[str, Table] = {}
        """Tables by routes' version that Envoy may be using: acknowledged, or on the way."""
        self._good: Table | None = None
        self._lingering: dict[str, tuple[float, Addresses]] = {}
        self._cluster_sets: dict[str, frozenset[str]] = {}
        self._settled_at: float | None = None
        self._version = ""
        self._suspects: set[Key] = set()
        """Keys that were once answered in vain."""
        self.behind: set[str] = set()
        """Clusters whose servers Envoy does not hold as it should."""
        self.words = ""
        """Why Envoy refused something, as far as it is known."""

    def publish(self, table: Table) -> None:
        """From now on ``table`` is what should be in force."""
        if self._newest is None or self._newest.version != table.version:
            self.words = ""
        first, before = self._newest is None, self._tables()
        self._newest = table
        if table.routes_version in self._alive:
            self._alive[table.routes_version] = table
        self._recognise(self._held((ROUTES, "")))
        self._review({*table.names, *self._subscribed()} if first else self._touched(before))

    def heard(self, key: Key, version: str, now: float, *, fresh: bool = False) -> None:
        """Envoy polls for ``key`` and holds ``version`` of it. ``fresh``: the connection never polled before."""
        if key == (CLUSTERS, ""):
            self._heard_clusters(version, now)
        subscription = self._subscriptions.setdefault(key, Subscription())
        subscription.heard(version, now, fresh=fresh)
        (self._suspects.add if subscription.ignored else self._suspects.discard)(key)
        if key == (ROUTES, ""):
            before = self._tables()
            self._heard_routes(version, now)
            self._review(self._touched(before))
        elif key[0] == ENDPOINTS:
            self._review((key[1],))

    def offer(self, key: Key, now: float) -> Offer | None:
        """What to answer the pending poll for ``key``; None as long as Envoy has what it should have."""
        subscription = self._subscriptions.setdefault(key, Subscription())
        found = self._target(key, now) if self._newest else None
        if found is None or found.version == subscription.held:
            return None
        return None if subscription.shuns(found.version, now) else found

    def sent(self, key: Key, offer: Offer) -> None:
        """``offer`` is on its way."""
        self._subscriptions[key].sent = offer.version
        if key == (ROUTES, "") and self._newest:
            before = self._tables()
            tables = [table for table in (self._newest, self._good) if table]
            self._alive |= {table.routes_version: table for table in tables if table.routes_version == offer.version}
            self._review(self._touched(before))

    def shunned_until(self, key: Key, now: float) -> float | None:
        """When something that Envoy refused is offered again to the pending poll for ``key``; None: nothing was."""
        return self._subscriptions[key].retry_at if key in self._suspects and self._refuses(key, now) else None

    @property
    def answers(self) -> bool:
        """Whether Envoy has any routes: before that it does not listen to users."""
        return bool(self._held((ROUTES, "")))

    def refused(self) -> tuple[Key, ...]:
        """Keys whose wanted content Envoy does not take."""
        return tuple(
            key for key in sorted(self._suspects) if self._subscriptions[key].refuses(self._wanted_version(key))
        )

    def acknowledged(self) -> Acknowledged:
        """What is in force."""
        if self._newest and self._in_force(self._newest):
            self._version = self._newest.version
        elif self._newest and self._version == self._newest.version and self._strayed(self._newest):
            self._version = ""
        refused = self.refused()
        return Acknowledged(
            version=self._version,
            traffic=self._good.traffic if self._good else {},
            rejected=(self.words or f"Envoy refused {refused}; its log says why") if refused else "",
        )

    def _wanted_version(self, key: Key) -> str:
        kind, name = key
        if kind == ROUTES:
            return self._newest.routes_version if self._newest else ""
        if kind == CLUSTERS:
            return _clusters(self._wanted_clusters()).version
        offer = self._endpoints_offer(name) if kind == ENDPOINTS else self._listener
        return offer.version if offer else ""

    def _heard_clusters(self, version: str, now: float) -> None:
        if not version:
            lost = self._subscribed()
            self._subscriptions = {key: one for key, one in self._subscriptions.items() if key == (CLUSTERS, "")}
            self._suspects &= {(CLUSTERS, "")}
            self._review({*lost, *self._touched(())})
        if self._settled_at is None:
            self._settled_at = now + (SETTLE_SECONDS if version else 0)
        names = self._cluster_sets.get(version)
        if names is not None:
            self._cluster_sets = {version: names}
            lost = self._subscribed() - names
            for name in lost:
                del self._subscriptions[ENDPOINTS, name]
                self._suspects.discard((ENDPOINTS, name))
            self._review(lost)

    def _heard_routes(self, version: str, now: float) -> None:
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

    def _target(self, key: Key, now: float) -> Offer | None:
        kind, name = key
        if kind == ROUTES:
            return self._routes_offer(now)
        if kind == CLUSTERS:
            return self._clusters_offer(now)
        return self._endpoints_offer(name) if kind == ENDPOINTS else self._listener

    def _routes_offer(self, now: float) -> Offer | None:
        """The newest table as soon as what it leans on is there; until then, for a new Envoy, the last good one."""
        shuns = self._subscriptions[ROUTES, ""].shuns
        for table in (self._newest, self._good):
            if table and self._ready(table) and not shuns(table.routes_version, now):
                return Offer(version=table.routes_version, resources=(table.routes,))
        return None

    def _clusters_offer(self, now: float) -> Offer | None:
        if self._settled_at is None or now < self._settled_at:
            return None
        if over := [name for name, one in self._lingering.items() if one[0] <= now]:
            self._lingering = {name: one for name, one in self._lingering.items() if one[0] > now}
            self._review(over)
        names = self._wanted_clusters()
        found = _clusters(names)
        self._cluster_sets[found.version] = names
        return found

    def _wanted_clusters(self) -> frozenset[str]:
        tables = {id(table): table for table in (self._newest, *self._alive.values()) if table}
        known = self._held((ROUTES, "")) in self._alive
        if known and not self._lingering and len(tables) == 1:
            return next(iter(tables.values())).names
        names = frozenset(self._lingering).union(*(table.names for table in tables.values()))
        # Routes of a former door, unknown to this one: whatever Envoy polls endpoints for may be named in them.
        return names if known else names | self._subscribed()

    def _endpoints_offer(self, name: str) -> Offer | None:
        addresses = self._servers(name)
        if addresses is None:
            return None
        return _endpoints(name, addresses)

    def _servers(self, name: str) -> Addresses | None:
        """The newest servers; the old ones too while routes that lean on them are in force."""
        newest = self._newest.addresses.get(name) if self._newest else None
        old = [table.addresses[name] for table in self._alive.values() if name in table.addresses]
        if newest is not None and (self._holds_newest() or self._refuses_newest()):
            return newest
        if newest is None and not old:
            return self._lingering[name][1] if name in self._lingering else None
        return _union([newest or (), *old])

    def _holds_newest(self) -> bool:
        return bool(self._newest and self._held((ROUTES, "")) == self._newest.routes_version)

    def _refuses_newest(self) -> bool:
        subscription = self._subscriptions.get((ROUTES, ""))
        return bool(subscription and self._newest and subscription.refuses(self._newest.routes_version))

    def _ready(self, table: Table) -> bool:
        names = self._cluster_sets.get(self._held((CLUSTERS, "")), frozenset())
        return names >= table.names and self._has_servers(table)

    def _has_servers(self, table: Table) -> bool:
        return not any(name in table.names for name in self.behind)

    def _has_endpoints(self, name: str) -> bool:
        offer = self._endpoints_offer(name)
        return offer is None or self._held((ENDPOINTS, name)) == offer.version

    def _in_force(self, table: Table) -> bool:
        routes = self._subscriptions.get((ROUTES, ""))
        # A poll that was just answered with something else still names the version from before.
        holds = routes is not None and routes.held == table.routes_version and routes.sent is None
        return holds and self._has_servers(table)

    def _strayed(self, table: Table) -> bool:
        """Whether Envoy has other routes, or was sent some: ``table`` was wanted once, then another, now again."""
        routes = self._subscriptions.get((ROUTES, ""))
        return routes is not None and not {routes.held, routes.sent or ""} <= {"", table.routes_version}

    def _tables(self) -> tuple[Table, ...]:
        return tuple(table for table in (self._newest, self._good, *self._alive.values()) if table)

    def _touched(self, before: tuple[Table, ...]) -> Iterable[str]:
        """Clusters whose wanted servers may be others than they were under the tables ``before``."""
        return differing({id(table): table for table in (*before, *self._tables())}.values()) | self._lingering.keys()

    def _subscribed(self) -> frozenset[str]:
        return frozenset(name for kind, name in self._subscriptions if kind == ENDPOINTS)

    def _review(self, names: Iterable[str]) -> None:
        for name in names:
            (self.behind.discard if self._has_endpoints(name) else self.behind.add)(name)

    def _refuses(self, key: Key, now: float) -> bool:
        return self._subscriptions[key].shuns(self._wanted_version(key), now)

    def _held(self, key: Key) -> str:
        subscription = self._subscriptions.get(key)
        return subscription.held if subscription else ""


@lru_cache(maxsize=8)
def _clusters(names: frozenset[str]) -> Offer:
    ordered = sorted(names)
    # A cluster's definition depends on its name alone.
    return Offer(version=digest([cluster(""), ordered]), resources=tuple(cluster(name) for name in ordered))


@lru_cache(maxsize=20_000)
def _endpoints(name: str, addresses: Addresses) -> Offer:
    resource = endpoints(name, addresses)
    return Offer(version=digest(resource), resources=(resource,))


def _union(groups: list[Addresses]) -> Addresses:
    unique: dict[Address, None] = {address: None for group in groups for address in group}
    return tuple(unique)
