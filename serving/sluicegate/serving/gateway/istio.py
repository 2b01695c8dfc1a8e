"""A route as Istio's VirtualServices and DestinationRules. Pure; the operator writes what comes out.

Names, hosts and subsets are those of Seldon Core's operator, so that its objects are taken over. Rules are tried in
their order. Istio tries again by itself, and answers of 503 too, unless told otherwise: so every rule says how.
Drawn to Istio's schema and never run against Istio.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.checking import check
from sluicegate.serving.gateway.kinds import GRPC_PREDICTIONS, KINDS, Kind, prefix_of
from sluicegate.serving.gateway.listener import SHADOW_HEADER
from sluicegate.serving.gateway.replies import status_body
from sluicegate.serving.gateway.routes import HeaderRoute, Mirror, Route, Transport
from sluicegate.serving.gateway.services import (
    PREDICTOR_HEADER,
    Rendered,
    Services,
    Target,
    mirror_warnings,
    require_services,
    target,
)

VERSION = "networking.istio.io/v1beta1"
GRPC_PATHS = ".*tensorflow.*|.*seldon.protos.*|.*inference.*"
_UNREPEATED: JSON = {"attempts": 0}


@dataclass(frozen=True, slots=True, kw_only=True)
class IstioSettings:
    """``retries`` above 0 stand in for ours, as the annotation asks; ``tls_mode`` is that of the DestinationRules."""

    gateway: str = "seldon-gateway"
    hosts: tuple[str, ...] = ("*",)
    retries: int = 0
    retries_timeout: int = 1
    tls_mode: str = ""


def istio_settings(annotations: Mapping[str, str], installation: IstioSettings) -> IstioSettings:
    """What a deployment's annotations change. A number that is none counts as not given."""
    hosts = tuple(host.strip() for host in annotations.get("seldon.io/istio-host", "").split(",") if host.strip())
    return IstioSettings(
        gateway=annotations.get("seldon.io/istio-gateway", "") or installation.gateway,
        hosts=hosts or installation.hosts,
        retries=_number(annotations.get("seldon.io/istio-retries", ""), installation.retries),
        retries_timeout=_number(annotations.get("seldon.io/istio-retries-timeout", ""), installation.retries_timeout),
        tls_mode=installation.tls_mode,
    )


def render(
    route: Route, services: Services, settings: IstioSettings, transports: tuple[Transport, ...] = ("http", "grpc")
) -> Rendered:
    """The objects of ``route``: DestinationRules first, because a VirtualService must not name a subset before.

    Raises InvalidRouteError as ``gateway_api.render`` does.
    """
    check((route,))
    require_services(route, services)
    rules = [_destination_rule(route, services, settings, backend.predictor) for backend in route.backends]
    drawings = [_Drawing(route, services, settings, transport) for transport in transports]
    warnings = mirror_warnings([each for drawing in drawings for _, each in drawing.targets()])
    if route.sticky_header:
        warnings.append(
            f"Istio hashes header {route.sticky_header} to choose a server of a predictor; the predictor is drawn anew "
            "for each request"
        )
    return Rendered(objects=(*rules, *(one.virtual_service() for one in drawings)), warnings=tuple(warnings))


def weights_of(virtual_service: JSON) -> dict[str, int]:
    """Percent by predictor, read from the rule that goes by weight; empty when nobody has traffic."""
    for rule in virtual_service.get("spec", {}).get("http", []):
        if rule.get("name") == "predictions":
            return {one["destination"]["subset"]: int(one.get("weight", 100)) for one in rule.get("route", [])}
    return {}


@dataclass(frozen=True, slots=True)
class _Drawing:
    """One VirtualService being drawn."""

    route: Route
    services: Services
    settings: IstioSettings
    transport: Transport

    def targets(self) -> list[tuple[HeaderRoute | None, Target]]:
        """Header routes in their order, then the weighted one."""
        chosen = [
            (one, target(self.route, self.services, self.transport, one.predictor)) for one in self.route.header_routes
        ]
        return [*chosen, (None, target(self.route, self.services, self.transport))]

    def virtual_service(self) -> JSON:
        """All rules of one transport."""
        draw = self._http_rules if self.transport == "http" else self._grpc_rules
        rules = [rule for index, (header, each) in enumerate(self.targets(), 1) for rule in draw(each, header, index)]
        return {
            "apiVersion": VERSION,
            "kind": "VirtualService",
            "metadata": {"name": f"{self.route.name}-{self.transport}", "namespace": self.route.namespace},
            "spec": {"hosts": list(self.settings.hosts), "gateways": [self.settings.gateway], "http": rules},
        }

    def _http_rules(self, chosen: Target, header: HeaderRoute | None, index: int) -> Iterator[JSON]:
        prefix = prefix_of(self.route.namespace, self.route.name)
        for kind in KINDS:
            path = _path(kind)
            match: JSON = {"uri": {"prefix": prefix + path}}
            if kind.method:
                match["method"] = {"exact": kind.method}
            if header is not None:
                match["headers"] = _header_match(header)
            yield {
                "name": kind.name + _suffix(header, index),
                "match": [match],
                "rewrite": {"uri": path},
                **self._action(chosen, mirrored=kind.mirrored, retried=kind.retried),
            }

    def _grpc_rules(self, chosen: Target, header: HeaderRoute | None, index: int) -> Iterator[JSON]:
        headers = {"seldon": {"exact": self.route.name}, "namespace": {"exact": self.route.namespace}}
        headers |= _header_match(header) if header is not None else {}
        predictions = [{"exact": f"/{service}/{method}"} for service, method in GRPC_PREDICTIONS]
        for name, paths in (("predictions", predictions), ("others", [{"regex": GRPC_PATHS}])):
            known = name == "predictions"
            yield {
                "name": name + _suffix(header, index),
                "match": [{"uri": path, "headers": headers} for path in paths],
                **self._action(chosen, mirrored=known, retried=known),
            }

    def _action(self, chosen: Target, *, mirrored: bool, retried: bool) -> JSON:
        if not chosen.shares:
            body = status_body(503, "NO_READY_SERVER", "no predictor of this deployment has traffic yet")
            return {"directResponse": {"status": 503, "body": {"string": json.dumps(body)}}}
        action: JSON = {
            "headers": {"request": {"remove": [SHADOW_HEADER]}},
            "retries": self._retries() if retried else _UNREPEATED,
            "route": [
                {
                    "destination": self._destination(one.predictor, self.services[one.predictor].port(self.transport)),
                    "weight": one.weight,
                    "headers": {"request": {"set": {PREDICTOR_HEADER: one.predictor}}},
                }
                for one in chosen.shares
            ],
        }
        if limit := self.route.limit_ms(self.transport):
            action["timeout"] = _seconds(limit)
        return action | (self._mirroring(chosen.mirrors) if mirrored else {})

    def _mirroring(self, mirrors: tuple[Mirror, ...]) -> JSON:
        """One mirror in the fields that every Istio has; several in the newer list."""
        found = []
        for one in mirrors:
            service = self.services[one.predictor]
            port = service.shadow_port(self.transport) or service.port(self.transport)
            found.append((self._destination(one.predictor, port), {"value": one.percentage}))
        if len(found) == 1:
            return {"mirror": found[0][0], "mirrorPercentage": found[0][1]}
        listed = [{"destination": destination, "percentage": share} for destination, share in found]
        return {"mirrors": listed} if listed else {}

    def _destination(self, predictor: str, port: int) -> JSON:
        return {"host": self.services[predictor].name, "subset": predictor, "port": {"number": port}}

    def _retries(self) -> JSON:
        if self.settings.retries:
            return {
                "attempts": self.settings.retries,
                "perTryTimeout": f"{max(self.settings.retries_timeout, 1)}s",
                "retryOn": "gateway-error,connect-failure,refused-stream",
            }
        return {"attempts": 2, "retryOn": "connect-failure,refused-stream,reset-before-request,reset"}


def _destination_rule(route: Route, services: Services, settings: IstioSettings, predictor: str) -> JSON:
    policy: JSON = {
        # Seldon's 60 s are longer than most servers keep a connection: what is sent then, is lost.
        "connectionPool": {"http": {"idleTimeout": "4s"}},
        "outlierDetection": {
            "splitExternalLocalOriginErrors": True,
            "consecutiveLocalOriginFailures": 2,
            "consecutive5xxErrors": 0,  # errors that a model answers are not the server's
            "interval": "1s",
            "baseEjectionTime": "1s",
            "maxEjectionPercent": 75,
        },
    }
    if settings.tls_mode:
        policy["tls"] = {"mode": settings.tls_mode}
    if route.sticky_header:
        policy["loadBalancer"] = {"consistentHash": {"httpHeaderName": route.sticky_header}}
    return {
        "apiVersion": VERSION,
        "kind": "DestinationRule",
        "metadata": {"name": services[predictor].name, "namespace": route.namespace},
        "spec": {
            "host": services[predictor].name,
            "subsets": [{"name": predictor, "labels": {"version": predictor}}],
            "trafficPolicy": policy,
        },
    }


def _path(kind: Kind) -> str:
    """Istio compares prefixes by characters, so a folder's ends with a slash."""
    return f"/{kind.path}/" if kind.path.endswith("models") else f"/{kind.path}"


def _suffix(header: HeaderRoute | None, index: int) -> str:
    return "" if header is None else f"-header-{index}"


def _header_match(header: HeaderRoute) -> JSON:
    return {header.header.lower(): {header.match: header.value}}


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}".rstrip("0").rstrip(".") + "s"


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() else otherwise
