"""A table of routes as Envoy resources: what the xDS door hands out. Pure.

Clusters and endpoints follow from their names and addresses alone (``clusters.py``), and the listener is fixed at
start, so a table is its routes and its addresses. Equal tables have equal versions, whichever process renders them.
"""

import hashlib
import ipaddress
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.clusters import cluster_name, mirror_name, others_name
from sluicegate.serving.gateway.errors import InvalidRouteError
from sluicegate.serving.gateway.route_table import route_table
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
    servers = {name: [f"{one.host} {one.port}" for one in addresses[name]] for name in sorted(addresses)}
    return Table(
        version=digest([table, servers]),
        routes_version=digest(table),
        routes=table,
        addresses=addresses,
        traffic={
            (route.namespace, route.name): {backend.predictor: backend.weight for backend in route.backends}
            for route in routes
        },
    )


def digest(content: object) -> str:
    """A version: the same content always has the same one."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def check(routes: tuple[Route, ...]) -> None:
    """Raise InvalidRouteError for the first route that contradicts itself."""
    twice = [key for key, count in Counter((route.namespace, route.name) for route in routes).items() if count > 1]
    if twice:
        raise InvalidRouteError(*twice[0], "is in the table twice; give one route for each deployment")
    for route in routes:
        for fault in _faults(route):
            raise InvalidRouteError(route.namespace, route.name, fault)


def _clusters(route: Route) -> list[tuple[str, Addresses]]:
    mirrored = {mirror.predictor for mirror in route.mirrors}
    return [
        (name(route.namespace, route.name, backend.predictor), backend.addresses)
        for backend in route.backends
        for name in (cluster_name, others_name, *((mirror_name,) if backend.predictor in mirrored else ()))
    ]


def _faults(route: Route) -> Iterator[str]:
    names = [backend.predictor for backend in route.backends]
    total = sum(backend.weight for backend in route.backends)
    if any(not 0 <= backend.weight <= 100 for backend in route.backends) or total not in {0, 100}:
        yield f"weights {[backend.weight for backend in route.backends]} must be 0 to 100 each and sum to 100"
    if len(names) != len(set(names)):
        yield f"predictors {names} must be different"
    for host in sorted({address.host for backend in route.backends for address in backend.addresses}):
        if not _is_ip(host):
            yield f"host {host!r} must be an IP address; Envoy looks up no names here"
    for predictor in _mentioned(route):
        if predictor not in names:
            yield f"predictor {predictor!r} of a mirror or header route is not among the backends {names}"
    for mirror in route.mirrors:
        if not 0 <= mirror.percentage <= 100:
            yield f"mirror percentage {mirror.percentage} must be 0 to 100"
    for header in route.header_routes:
        if header.match == "regex" and not _compiles(header.value):
            yield f"pattern {header.value!r} of header {header.header!r} is no regular expression"


def _mentioned(route: Route) -> list[str]:
    return [mirror.predictor for mirror in route.mirrors] + [header.predictor for header in route.header_routes]


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
