"""What Envoy Gateway is told beside the standard routes: its BackendTrafficPolicy and an answer of its own. Pure.

The standard's ``retry`` would not do: Envoy Gateway reads it as "answers 503 too", which is the model's word, and not
as "connection reset". A policy for the rules that may be tried again says exactly what ``route_table`` says to our own
Envoy; one for all rules says the rest. They merge with what an administrator attached to the Gateway. Since every
backend of ours changes a header, Envoy Gateway gives each a cluster of its own, and so the hash of the sticky header
chooses the predictor and not only the server.

It takes clusters away before the routes that name them, and answers 500 in between. It names clusters by their place in
the rule, so places must not come and go with weights: see ``slots``.
"""

import json

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.clusters import UNBOUNDED
from sluicegate.serving.gateway.durations import duration
from sluicegate.serving.gateway.kinds import KINDS
from sluicegate.serving.gateway.replies import status_body
from sluicegate.serving.gateway.routes import Backend, Route

VERSION = "gateway.envoyproxy.io/v1alpha1"
SCALE = 1000
"""Units of weight in a percent, so that a lent place costs nearly nothing."""
PLACES = 2
"""Fewest places in a rule: a rollout's second predictor comes and goes without one more or less."""
_NEVER = 2_147_483_647
_RETRIED = tuple(kind.name for kind in KINDS if kind.retried)


def policies(route: Route, routes: list[JSON]) -> list[JSON]:
    """Policies for ``routes``, as ``gateway_api`` drew them from ``route``."""
    whole = [_reference(one) for one in routes]
    retried = [
        _reference(one) | {"sectionName": rule["name"]}
        for one in routes
        for rule in one["spec"]["rules"]
        if rule["name"].partition("-header-")[0] in _RETRIED
    ]
    common = _common(route)
    return [
        _policy(route, route.name, whole, common),
        _policy(route, f"{route.name}.retried", retried, common | {"retry": _retry()}),
    ]


def slots(shares: tuple[Backend, ...], predictors: list[str]) -> tuple[Backend, ...]:
    """``shares`` in thousandths of a percent, at places that are always the same: one for each predictor, two at least.

    A place whose predictor has no share is lent to the one with the largest: a thousandth of its percent goes there,
    to its own servers. So shares stay exact, and every place has its cluster before and after a change.
    """
    if not shares:
        return ()
    weights = {one.predictor: one.weight * SCALE for one in shares}
    largest = max(sorted(weights), key=lambda name: weights[name])
    places = [name if name in weights else "" for name in predictors]
    places += [""] * (PLACES - len(places))
    weights[largest] -= places.count("")
    return tuple(Backend(predictor=name or largest, weight=weights[name] if name else 1) for name in places)


def no_server_filter(route: Route) -> JSON:
    """The answer when no predictor has traffic: 503 in Seldon's form, where the standard has 500."""
    body = status_body(503, "NO_READY_SERVER", "no predictor of this deployment has traffic yet")
    return {
        "apiVersion": VERSION,
        "kind": "HTTPRouteFilter",
        "metadata": {"name": f"{route.name}.no-server", "namespace": route.namespace},
        "spec": {
            "directResponse": {
                "statusCode": 503,
                "contentType": "application/json",
                "body": {"type": "Inline", "inline": json.dumps(body)},
            }
        },
    }


def no_server_reference(route: Route) -> JSON:
    """``no_server_filter`` as a rule refers to it."""
    return {"group": VERSION.partition("/")[0], "kind": "HTTPRouteFilter", "name": f"{route.name}.no-server"}


def _policy(route: Route, name: str, targets: list[JSON], settings: JSON) -> JSON:
    return {
        "apiVersion": VERSION,
        "kind": "BackendTrafficPolicy",
        "metadata": {"name": name, "namespace": route.namespace},
        "spec": {"targetRefs": targets, "mergeType": "StrategicMerge", **settings},
    }


def _reference(one: JSON) -> JSON:
    return {"group": one["apiVersion"].partition("/")[0], "kind": one["kind"], "name": one["metadata"]["name"]}


def _common(route: Route) -> JSON:
    limits = ("maxConnections", "maxPendingRequests", "maxParallelRequests", "maxParallelRetries")
    settings: JSON = {
        "circuitBreaker": dict.fromkeys(limits, UNBOUNDED),
        "healthCheck": {"passive": _passive()},
        # Shorter than servers keep idle connections (5 s is common): the side that sends closes first.
        "timeout": {"http": {"requestTimeout": duration(route.timeout_ms), "connectionIdleTimeout": "4s"}},
    }
    if route.sticky_header:
        hashed = {"type": "Headers", "headers": [{"name": route.sticky_header}]}
        settings["loadBalancer"] = {"type": "ConsistentHash", "consistentHash": hashed}
    return settings


def _passive() -> JSON:
    """Sets aside a server that refuses or resets connections; errors that a model answers are not the server's."""
    return {
        "splitExternalLocalOriginErrors": True,
        "consecutiveLocalOriginFailures": 2,
        "consecutive5XxErrors": _NEVER,
        "interval": "1s",
        "baseEjectionTime": "1s",
        "maxEjectionPercent": 75,
    }


def _retry() -> JSON:
    return {
        "numRetries": 2,
        "perRetry": {"backOff": {"baseInterval": "5ms", "maxInterval": "50ms"}},
        "retryOn": {"triggers": ["connect-failure", "refused-stream", "reset-before-request", "reset"]},
    }
