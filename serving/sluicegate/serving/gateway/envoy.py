"""A table of routes as Envoy resources: what the xDS door hands out. Pure.

Clusters and endpoints follow from their names and addresses alone (``clusters.py``), and the listener is fixed at
start, so a table is its routes and its addresses. Equal tables have equal versions, whichever process renders them.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.checking import check
from sluicegate.serving.gateway.clusters import cluster_name, mirror_name, others_name
from sluicegate.serving.gateway.messages import encoded_entries, packed_table
from sluicegate.serving.gateway.route_table import entries_of, route_table, version_entry
from sluicegate.serving.gateway.routes import TRANSPORTS, Address, Route

Addresses = tuple[Address, ...]
Traffic = dict[tuple[str, str], dict[str, int]]
"""Percent by predictor, for each (namespace, name)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One deployment's share of a table, rendered; tables that follow one another share those that did not change."""

    route: Route
    entries: list[JSON]
    encoded: bytes
    """``entries`` as Envoy is sent them."""
    addresses: dict[str, Addresses]
    entries_version: str
    servers_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All deployments' routes, rendered. ``addresses`` has every cluster that ``routes`` names."""

    version: str
    routes_version: str
    routes: bytes
    """Packed."""
    addresses: dict[str, Addresses]
    names: frozenset[str]
    """Of ``addresses``."""
    traffic: Traffic
    parts: dict[tuple[str, str], Part]


def render(routes: tuple[Route, ...], before: Table | None = None) -> Table:
    """The table for ``routes``. Of ``before``, an earlier one, is kept what is the same: a thousand deployments are
    not rendered anew because of one.

    Raises InvalidRouteError: weights that sum neither to 100 nor to 0, a predictor twice or unknown, a broken pattern,
    a host that is no IP address.
    """
    known = before.parts if before is not None else {}
    ordered = {_key(route): route for route in sorted(routes, key=_key)}
    kept = {key: known[key] for key, route in ordered.items() if key in known and known[key].route == route}
    check(routes if len(ordered) < len(routes) else tuple(ordered[key] for key in ordered.keys() - kept.keys()))
    parts = {key: kept.get(key) or _part(route) for key, route in ordered.items()}
    routes_version = digest([route_table([]), *(part.entries_version for part in parts.values())])
    answer = encoded_entries([version_entry(routes_version)])
    addresses = {name: servers for part in parts.values() for name, servers in part.addresses.items()}
    return Table(
        version=digest([routes_version, *(part.servers_version for part in parts.values())]),
        routes_version=routes_version,
        routes=packed_table([answer, *(part.encoded for part in parts.values())]),
        addresses=addresses,
        names=frozenset(addresses),
        traffic={key: {one.predictor: one.weight for one in part.route.backends} for key, part in parts.items()},
        parts=parts,
    )


def differing(tables: Iterable[Table]) -> set[str]:
    """Names of the clusters of deployments that are not the same in all of these."""
    tables = tuple(tables)
    if len(tables) < 2:
        return set()
    keys = {key for table in tables for key in table.parts}
    found: set[str] = set()
    for key in keys:
        parts = [table.parts.get(key) for table in tables]
        if any(part is not parts[0] for part in parts):
            found.update(name for part in parts if part is not None for name in part.addresses)
    return found


def digest(content: object) -> str:
    """A version: the same content always has the same one."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _key(route: Route) -> tuple[str, str]:
    return (route.namespace, route.name)


def _part(route: Route) -> Part:
    entries, addresses = entries_of(route), dict(_clusters(route))
    servers = {name: [str(one) for one in addresses[name]] for name in sorted(addresses)}
    return Part(
        route=route,
        entries=entries,
        encoded=encoded_entries(entries),
        addresses=addresses,
        entries_version=digest(entries),
        servers_version=digest(servers),
    )


def _clusters(route: Route) -> list[tuple[str, Addresses]]:
    mirrored = {mirror.predictor for mirror in route.mirrors}
    return [
        (name(route.namespace, route.name, backend.predictor, transport), backend.servers(transport))
        for backend in route.backends
        for transport in TRANSPORTS
        if transport == "http" or backend.servers(transport)
        for name in (cluster_name, others_name, *((mirror_name,) if backend.predictor in mirrored else ()))
    ]
