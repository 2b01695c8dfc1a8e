"""A table of routes as Envoy resources: what the xDS door hands out. Pure.

Clusters and endpoints follow from their names and addresses alone (``clusters.py``), and the listener is fixed at
start, so a table is its routes and its addresses. Equal tables have equal versions, whichever process renders them.
"""

import hashlib
import json
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.checking import check
from sluicegate.serving.gateway.clusters import cluster_name, mirror_name, others_name
from sluicegate.serving.gateway.route_table import route_table, with_version
from sluicegate.serving.gateway.routes import Address, Route

Addresses = tuple[Address, ...]
Traffic = dict[tuple[str, str], dict[str, int]]
"""Percent by predictor, for each (namespace, name)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """All deployments' routes, rendered. ``addresses`` has every cluster that ``routes`` names."""

    version: str
    routes_version: str
    routes: JSON
    addresses: dict[str, Addresses]
    traffic: Traffic


def render(routes: tuple[Route, ...]) -> Table:
    """The table for ``routes``.

    Raises InvalidRouteError: weights that sum neither to 100 nor to 0, a predictor twice or unknown, a broken pattern,
    a host that is no IP address.
    """
    check(routes)
    addresses = {name: servers for route in routes for name, servers in _clusters(route)}
    table = route_table(routes)
    routes_version = digest(table)
    servers = {name: [f"{one.host} {one.port}" for one in addresses[name]] for name in sorted(addresses)}
    return Table(
        version=digest([table, servers]),
        routes_version=routes_version,
        routes=with_version(table, routes_version),
        addresses=addresses,
        traffic={
            (route.namespace, route.name): {backend.predictor: backend.weight for backend in route.backends}
            for route in routes
        },
    )


def digest(content: object) -> str:
    """A version: the same content always has the same one."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _clusters(route: Route) -> list[tuple[str, Addresses]]:
    mirrored = {mirror.predictor for mirror in route.mirrors}
    return [
        (name(route.namespace, route.name, backend.predictor), backend.addresses)
        for backend in route.backends
        for name in (cluster_name, others_name, *((mirror_name,) if backend.predictor in mirrored else ()))
    ]
