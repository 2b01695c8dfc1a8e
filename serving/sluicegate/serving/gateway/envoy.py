"""A table of routes as Envoy resources: what the xDS door hands out. Pure.

The listener is fixed at start; the other three follow ``publish``. Names and versions are in ``xds``.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.clusters import cluster, cluster_name, endpoints, mirror_name
from sluicegate.serving.gateway.errors import InvalidRouteError
from sluicegate.serving.gateway.route_table import route_table
from sluicegate.serving.gateway.routes import Address, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Everything that follows the routes. ``clusters`` and ``endpoints`` have the same keys: cluster names."""

    route_table: JSON
    clusters: dict[str, JSON]
    endpoints: dict[str, JSON]


def render(routes: tuple[Route, ...]) -> Resources:
    """Resources for ``routes``.

    Raises InvalidRouteError: weights that sum neither to 100 nor to 0, a predictor twice or unknown, a broken pattern.
    """
    check(routes)
    addresses = {name: backend for route in routes for name, backend in _clusters(route)}
    return Resources(
        route_table=route_table(routes),
        clusters={name: cluster(name) for name in sorted(addresses)},
        endpoints={name: endpoints(name, backend) for name, backend in sorted(addresses.items())},
    )


def traffic(routes: tuple[Route, ...]) -> dict[tuple[str, str], dict[str, int]]:
    """Percent by predictor, for each (namespace, name)."""
    return {
        (route.namespace, route.name): {backend.predictor: backend.weight for backend in route.backends}
        for route in routes
    }


def check(routes: tuple[Route, ...]) -> None:
    """Raise InvalidRouteError for the first route that contradicts itself."""
    twice = [key for key, count in Counter((route.namespace, route.name) for route in routes).items() if count > 1]
    if twice:
        raise InvalidRouteError(*twice[0], "is in the table twice; give one route for each deployment")
    for route in routes:
        for fault in _faults(route):
            raise InvalidRouteError(route.namespace, route.name, fault)


def _clusters(route: Route) -> list[tuple[str, tuple[Address, ...]]]:
    mirrored = {mirror.predictor for mirror in route.mirrors}
    return [
        (name(route.namespace, route.name, backend.predictor), backend.addresses)
        for backend in route.backends
        for name in ((cluster_name, mirror_name) if backend.predictor in mirrored else (cluster_name,))
    ]


def _faults(route: Route) -> Iterator[str]:
    names = [backend.predictor for backend in route.backends]
    total = sum(backend.weight for backend in route.backends)
    if any(not 0 <= backend.weight <= 100 for backend in route.backends) or total not in {0, 100}:
        yield f"weights {[backend.weight for backend in route.backends]} must be 0 to 100 each and sum to 100"
    if len(names) != len(set(names)):
        yield f"predictors {names} must be different"
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
