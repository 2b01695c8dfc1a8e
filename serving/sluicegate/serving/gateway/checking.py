"""What makes a route impossible to follow, whichever gateway is asked to."""

import ipaddress
import re
from collections import Counter
from collections.abc import Iterator

from sluicegate.serving.gateway.errors import InvalidRouteError
from sluicegate.serving.gateway.routes import Route


def check(routes: tuple[Route, ...]) -> None:
    """Raise InvalidRouteError for the first route that contradicts itself."""
    twice = [key for key, count in Counter((route.namespace, route.name) for route in routes).items() if count > 1]
    if twice:
        raise InvalidRouteError(*twice[0], "is in the table twice; give one route for each deployment")
    for route in routes:
        for fault in _faults(route):
            raise InvalidRouteError(route.namespace, route.name, fault)


def _faults(route: Route) -> Iterator[str]:
    names = [backend.predictor for backend in route.backends]
    total = sum(backend.weight for backend in route.backends)
    if any(not 0 <= backend.weight <= 100 for backend in route.backends) or total not in {0, 100}:
        yield f"weights {[backend.weight for backend in route.backends]} must be 0 to 100 each and sum to 100"
    if len(names) != len(set(names)):
        yield f"predictors {names} must be different"
    for host in sorted({address.host for backend in route.backends for address in backend.addresses}):
        if not is_ip(host):
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


def is_ip(host: str) -> bool:
    """Whether ``host`` is an address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
