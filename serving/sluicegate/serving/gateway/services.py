"""What a gateway of the cluster is told about a predictor's Service, and what marks a copy there. Pure.

Gateway API and Istio can mirror a request but not change the copy. So each request is marked on its way with the
predictor that is to answer it; the copy carries the same mark, and a server that finds another predictor's name there
has a copy before it. This fails for one case only, a predictor that answers users and is mirrored too: copies of its
own requests look like originals. Such copies go to a port of their own (``shadow_http``, ``shadow_grpc``) where the
server has one; where it has none, that mirror is left out, with a warning.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.errors import InvalidRouteError
from sluicegate.serving.gateway.listener import SHADOW_HEADER
from sluicegate.serving.gateway.routes import Backend, Mirror, Route, Transport

PREDICTOR_HEADER = "x-sluicegate-predictor"
"""On every request: the predictor that answers it. On a copy it names another one than the server's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A predictor's Service. ``shadow_http`` and ``shadow_grpc``: ports that get copies only; 0 where there is none."""

    name: str
    http: int = 8000
    grpc: int = 5001
    shadow_http: int = 0
    shadow_grpc: int = 0

    def port(self, transport: Transport) -> int:
        """Where users' requests go."""
        return self.http if transport == "http" else self.grpc

    def shadow_port(self, transport: Transport) -> int:
        """Where copies go, and nothing else; 0 where there is no such port."""
        return self.shadow_http if transport == "http" else self.shadow_grpc


Services = Mapping[str, Service]
"""By predictor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """Objects for the API server, in an order in which they may be written, and what they cannot do as asked."""

    objects: tuple[JSON, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a group of rules leads: ``shares`` by weight, copies to ``mirrors``; ``header`` is empty in one of them."""

    name: str
    shares: tuple[Backend, ...]
    mirrors: tuple[Mirror, ...] = ()
    unmarked: tuple[Mirror, ...] = ()
    """Mirrors left out, because their copies could not be told from users' requests."""


def require_services(route: Route, services: Services) -> None:
    """Raise InvalidRouteError when a predictor of ``route`` has no Service."""
    for backend in route.backends:
        if backend.predictor not in services:
            raise InvalidRouteError(
                route.namespace, route.name, f"predictor {backend.predictor!r} has no Service; give one for each"
            )


def target(route: Route, services: Services, transport: Transport, predictor: str = "") -> Target:
    """The weighted target, or with ``predictor`` the one that a header chooses."""
    shares = tuple(
        [Backend(predictor=predictor, weight=100)] if predictor else [one for one in route.backends if one.weight]
    )
    answering = {share.predictor for share in shares}
    mirrors = [one for one in route.mirrors if one.percentage and shares and answering != {one.predictor}]
    unmarked = [
        one for one in mirrors if one.predictor in answering and not services[one.predictor].shadow_port(transport)
    ]
    return Target(
        name=predictor,
        shares=shares,
        mirrors=tuple(one for one in mirrors if one not in unmarked),
        unmarked=tuple(unmarked),
    )


def mirror_warnings(targets: list[Target]) -> list[str]:
    """A sentence for each mirror that is left out."""
    names = sorted({mirror.predictor for one in targets for mirror in one.unmarked})
    return [
        f"predictor {name} answers users and is mirrored too, which this gateway cannot tell apart: it gets no copies "
        "until its weight is 0, or until its Service has a port for copies"
        for name in names
    ]


def header_changes(predictor: str = "") -> JSON:
    """What happens to a request's headers: nobody poses as a copy, and the answering predictor is named."""
    if predictor:
        return {"set": [{"name": PREDICTOR_HEADER, "value": predictor}]}
    return {"remove": [SHADOW_HEADER]}
