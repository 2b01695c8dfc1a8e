"""A route as HTTPRoutes and GRPCRoutes of the Gateway API. Pure; the operator writes what comes out.

The weights stand in one HTTPRoute and one GRPCRoute, so each changes at once; header routes have objects beside them,
because a route holds sixteen rules, and win there by being more specific. A predictor without weight is not named at
all: 0 and 100 need no dice. ``dialect`` says what may be leaned on besides the standard: Envoy Gateway's policies
(see ``envoy_gateway``), which can do what the standard cannot: try again only when a connection broke, and keep a user
with a predictor by the hash of a header. ``route_status`` reads back what a gateway says of these objects.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.checking import check
from sluicegate.serving.gateway.durations import duration
from sluicegate.serving.gateway.envoy import digest
from sluicegate.serving.gateway.envoy_gateway import no_server_filter, no_server_reference, policies, slots
from sluicegate.serving.gateway.kinds import GRPC_PREDICTIONS, KINDS, Kind, prefix_of
from sluicegate.serving.gateway.routes import Backend, HeaderRoute, Mirror, Route, Transport
from sluicegate.serving.gateway.services import (
    Rendered,
    Services,
    Target,
    header_changes,
    mirror_warnings,
    require_services,
    target,
)

VERSION = "gateway.networking.k8s.io/v1"
VERSION_PATH = ".sluicegate/version"
"""Below a deployment's prefix: redirects to a path that ends with the version in force at the proxy that was asked."""
SESSION_HEADER = "x-sluicegate-session"
TARGETS_PER_ROUTE = 2
"""Header routes in one object: sixteen rules at most, six for each target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """Where routes attach. ``parents`` are parentRefs; without ``hostnames`` a route answers on every host."""

    parents: tuple[JSON, ...]
    hostnames: tuple[str, ...] = ()
    dialect: Literal["standard", "envoy-gateway"] = "standard"


def render(
    route: Route, services: Services, attachment: Attachment, transports: tuple[Transport, ...] = ("http", "grpc")
) -> Rendered:
    """The objects of ``route``, and a sentence for each thing that they cannot do as asked.

    ``services``: of all predictors that there are, reached or not. A predictor that is going must be without weight in
    the route that is in force before its Service is left out here.

    Raises InvalidRouteError: weights that sum neither to 100 nor to 0, a predictor twice, unknown or without Service.
    """
    check((route,))
    require_services(route, services)
    drawing = _Drawing(route, services, attachment)
    routes = [one for transport in transports for one in drawing.routes(transport)]
    extras: list[JSON] = []
    if attachment.dialect == "envoy-gateway":
        extras = [
            *policies(route, routes),
            *([] if any(one.weight for one in route.backends) else [no_server_filter(route)]),
        ]
    return Rendered(objects=(*routes, *extras), warnings=tuple(drawing.warnings(transports)))


class _Drawing:
    """One route being drawn."""

    def __init__(self, route: Route, services: Services, attachment: Attachment) -> None:
        self._route, self._services, self._attachment = route, services, attachment
        self._standard = attachment.dialect == "standard"

    def routes(self, transport: Transport) -> Iterator[JSON]:
        """The weighted route, then those that a header chooses."""
        rules = self._http_rules if transport == "http" else self._grpc_rules
        weighted = list(rules(self._target(transport), None, ""))
        if transport == "http":
            weighted = [self._version_rule(digest([weighted, self._attachment.parents])), *weighted]
        yield self._object(transport, self._route.name, weighted)
        headers = self._route.header_routes
        for start in range(0, len(headers), TARGETS_PER_ROUTE):
            found = [
                rule
                for index, header in enumerate(headers[start : start + TARGETS_PER_ROUTE], start + 1)
                for rule in rules(self._target(transport, header.predictor), header, f"-header-{index}")
            ]
            # A Service's name has no dots, hence no deployment is called like this.
            yield self._object(transport, f"{self._route.name}.header-{start + 1}", found)

    def warnings(self, transports: tuple[Transport, ...]) -> Iterator[str]:
        """What cannot be as asked."""
        yield from mirror_warnings(
            [
                self._target(transport, predictor)
                for transport in transports
                for predictor in ("", *(one.predictor for one in self._route.header_routes))
            ]
        )
        sticky = self._route.sticky_header
        if sticky and self._standard:
            yield (
                f"the Gateway API keeps nobody with a predictor by the hash of header {sticky}: sessions last by the "
                f"header {SESSION_HEADER} that the gateway answers, if the client sends it back; shares lag behind the "
                "weights while old sessions last, and gRPC calls follow the weights alone"
            )
        elif sticky:
            yield (
                f"Envoy Gateway hashes header {sticky} without a salt: every rollout tries its candidate on the same "
                "users"
            )
        if self._standard and "grpc" in transports:
            yield "a GRPCRoute of the Gateway API has neither a time limit nor retries"
        if self._standard and not any(one.weight for one in self._route.backends):
            yield "no predictor has traffic: the Gateway API answers 500 where 503 is meant"

    def _target(self, transport: Transport, predictor: str = "") -> Target:
        return target(self._route, self._services, transport, predictor)

    def _object(self, transport: Transport, name: str, rules: list[JSON]) -> JSON:
        return {
            "apiVersion": VERSION,
            "kind": "HTTPRoute" if transport == "http" else "GRPCRoute",
            "metadata": {"name": name, "namespace": self._route.namespace},
            "spec": {
                "parentRefs": list(self._attachment.parents),
                **({"hostnames": list(self._attachment.hostnames)} if self._attachment.hostnames else {}),
                "rules": rules,
            },
        }

    def _http_rules(self, chosen: Target, header: HeaderRoute | None, suffix: str) -> Iterator[JSON]:
        for kind in KINDS:
            match: JSON = {"path": {"type": "PathPrefix", "value": self._path(kind.path)}}
            if kind.method:
                match["method"] = kind.method
            if header is not None:
                match["headers"] = [_header_match(header)]
            rule: JSON = {
                "name": kind.name + suffix,
                "matches": [match],
                "filters": [_rewrite(kind), *self._filters(chosen, "http", mirrored=kind.mirrored)],
                "timeouts": {"request": duration(self._route.timeout_ms)},
                **self._backends(chosen, "http"),
            }
            yield rule | self._standard_extras(kind)

    def _grpc_rules(self, chosen: Target, header: HeaderRoute | None, suffix: str) -> Iterator[JSON]:
        headers = [
            {"type": "Exact", "name": "seldon", "value": self._route.name},
            {"type": "Exact", "name": "namespace", "value": self._route.namespace},
            *([_header_match(header)] if header is not None else []),
        ]
        predictions = [
            {"method": {"type": "Exact", "service": service, "method": method}, "headers": headers}
            for service, method in GRPC_PREDICTIONS
        ]
        for name, matches in (("predictions", predictions), ("others", [{"headers": headers}])):
            yield {
                "name": name + suffix,
                "matches": matches,
                "filters": self._filters(chosen, "grpc", mirrored=name == "predictions"),
                **self._backends(chosen, "grpc"),
            }

    def _filters(self, chosen: Target, transport: Transport, *, mirrored: bool) -> list[JSON]:
        filters: list[JSON] = [{"type": "RequestHeaderModifier", "requestHeaderModifier": header_changes()}]
        if mirrored:
            filters += [self._mirror(one, transport) for one in chosen.mirrors]
        if not chosen.shares and not self._standard:
            filters.append({"type": "ExtensionRef", "extensionRef": no_server_reference(self._route)})
        return filters

    def _mirror(self, mirror: Mirror, transport: Transport) -> JSON:
        service = self._services[mirror.predictor]
        reference = {"name": service.name, "port": service.shadow_port(transport) or service.port(transport)}
        return {"type": "RequestMirror", "requestMirror": {"backendRef": reference, "percent": mirror.percentage}}

    def _backends(self, chosen: Target, transport: Transport) -> JSON:
        references: list[JSON] = []
        for share in self._places(chosen):
            service = self._services[share.predictor]
            marks = {"type": "RequestHeaderModifier", "requestHeaderModifier": header_changes(share.predictor)}
            reference = {"name": service.name, "port": service.port(transport)}
            references.append(reference | {"weight": share.weight, "filters": [marks]})
        return {"backendRefs": references} if references else {}

    def _places(self, chosen: Target) -> tuple[Backend, ...]:
        """Backends with their weights; what a header chooses has one place, always."""
        weighted = not self._standard and not chosen.name
        return slots(chosen.shares, sorted(self._services)) if weighted else chosen.shares

    def _standard_extras(self, kind: Kind) -> JSON:
        """What stands in the route itself where no policy of the gateway's own does it better."""
        extras: JSON = {}
        if self._standard and kind.retried:
            extras["retry"] = {"attempts": 2, "backoff": "5ms"}
        if self._standard and self._route.sticky_header:
            extras["sessionPersistence"] = {"type": "Header", "sessionName": SESSION_HEADER}
        return extras

    def _version_rule(self, version: str) -> JSON:
        path = {"type": "ReplaceFullPath", "replaceFullPath": f"/{VERSION_PATH}/{version}"}
        return {
            "name": "version",
            "matches": [{"path": {"type": "PathPrefix", "value": self._path(VERSION_PATH)}}],
            "filters": [{"type": "RequestRedirect", "requestRedirect": {"path": path, "statusCode": 302}}],
        }

    def _path(self, path: str) -> str:
        return prefix_of(self._route.namespace, self._route.name) + (f"/{path}" if path else "")


def _rewrite(kind: Kind) -> JSON:
    return {
        "type": "URLRewrite",
        "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": f"/{kind.path}"}},
    }


def _header_match(header: HeaderRoute) -> JSON:
    """The Gateway API knows no prefixes of headers; an expression must fit the whole value."""
    if header.match == "exact":
        return {"type": "Exact", "name": header.header, "value": header.value}
    value = header.value if header.match == "regex" else f"{re.escape(header.value)}.*"
    return {"type": "RegularExpression", "name": header.header, "value": value}
