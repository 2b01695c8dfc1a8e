"""Deployments' routes as one Envoy route table.

Every deployment gets its routes three times: for predictions (tried again on another server, copied to mirrors), for
reads (tried again), and for everything else, feedback first of all, which is sent once, because a label must not be
counted twice. An answered error is never retried: it is the model's answer. What comes by gRPC gets the same once more.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.clusters import TYPE, cluster_name, mirror_name, others_name
from sluicegate.serving.gateway.kinds import GRPC_PREDICTIONS, GRPC_READS
from sluicegate.serving.gateway.listener import MIRROR_HEADER_PREFIX, ROUTE_TABLE, SHADOW_HEADER
from sluicegate.serving.gateway.replies import refusal
from sluicegate.serving.gateway.routes import TRANSPORTS, Backend, Mirror, Route, Transport

ROUTES_TYPE = TYPE + "envoy.config.route.v3.RouteConfiguration"
PREDICTIONS = r"(api/v[0-9.]+/predictions|v2/models/[^/?]+(/versions/[^/?]+)?/infer|v1/models/[^/?]+:predict)(\?.*)?"
"""What follows a deployment's prefix when a model is asked for a prediction (Seldon, Open Inference, TensorFlow)."""
BODY_LIMIT = 64 * 1024 * 1024
"""Bytes of a request kept for a second try and for copies; a longer one is sent once and not mirrored."""
VERSION_PATH = "/.sluicegate/version"
"""Answers the version of the routes in force: so an Envoy can be asked by whoever does not feed it."""

NameOf = Callable[[str, str, str, Transport], str]
"""A cluster's name for namespace, deployment, predictor and transport."""
_NOBODY: dict[Transport, str] = {
    "http": "no predictor of this deployment has traffic yet",
    "grpc": "no predictor of this deployment that may be asked speaks gRPC, or none has traffic yet",
}


def route_table(entries: list[JSON]) -> JSON:
    """The table of all deployments' entries; what fits none is answered 404 by the listener."""
    host = {
        "name": ROUTE_TABLE,
        "domains": ["*"],
        "routes": entries,
        "request_body_buffer_limit": BODY_LIMIT,
    }
    return {"@type": ROUTES_TYPE, "name": ROUTE_TABLE, "virtual_hosts": [host]}


def version_entry(version: str) -> JSON:
    """The route that answers ``version``."""
    return {
        "name": "version",
        "match": {"path": VERSION_PATH},
        "direct_response": {"status": 200, "body": {"inline_string": json.dumps({"version": version})}},
    }


def entries_of(route: Route) -> list[JSON]:
    """One deployment's share of the table; what comes by gRPC only where a server of it has a port for that."""
    spoken = [each for each in TRANSPORTS if any(one.servers(each) for one in route.backends) or each == "http"]
    return [entry for transport in spoken for entry in _Drawing(route, transport).entries()]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One kind of request; only predictions are mirrored, and judged."""

    name: str
    match: JSON
    headers: tuple[JSON, ...] = ()
    retried: bool = False
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class _Drawing:
    """The entries of one route for one transport."""

    route: Route
    transport: Transport

    def entries(self) -> Iterator[JSON]:
        """Header routes in their order, then the weighted route."""
        kinds = _http_kinds(self.route) if self.transport == "http" else _grpc_kinds(self.route)
        for chosen, shares in self._targets():
            for kind in kinds:
                yield {
                    "name": f"{self.route.namespace}/{self.route.name}/{kind.name}",
                    "match": {**kind.match, "headers": [*kind.headers, *chosen]},
                    **self._action(kind, shares),
                }

    def _targets(self) -> Iterator[tuple[list[JSON], list[Backend]]]:
        """Whom a header chooses has all; a share of one that cannot be asked so is the others'."""
        able = self._able()
        for one in self.route.header_routes:
            shares = [replace(able[one.predictor], weight=100)] if one.predictor in able else []
            yield [_header(one.header, one.match, one.value)], shares
        yield [], [one for one in able.values() if one.weight]

    def _action(self, kind: _Kind, shares: list[Backend]) -> JSON:
        route = self.route
        if not shares:
            return {"direct_response": refusal(_NOBODY[self.transport])}
        mirrors = [one for one in self._mirrors(shares) if kind.mirrored]
        action = {
            **self._destination(shares, mirrors, cluster_name if kind.mirrored else others_name),
            **({"prefix_rewrite": "/"} if self.transport == "http" else {}),
            "timeout": f"{route.limit_ms(self.transport) / 1000:g}s",
            "request_mirror_policies": [self._mirror_policy(shares, mirror) for mirror in mirrors],
        }
        if kind.retried:
            action["retry_policy"] = _retries()
        if route.sticky_header:
            action["hash_policy"] = [_hash_policy(route)]
        return {"route": action}

    def _mirrors(self, shares: list[Backend]) -> Iterator[Mirror]:
        """Without those that answer alone, and those that cannot be asked so."""
        for one in self.route.mirrors:
            alone = len(shares) == 1 and _answers(shares, one)
            if one.percentage and one.predictor in self._able() and not alone:
                yield one

    def _able(self) -> dict[str, Backend]:
        """Backends by predictor, without those that cannot be asked so."""
        return {one.predictor: one for one in self.route.backends if self.transport == "http" or one.servers("grpc")}

    def _destination(self, shares: list[Backend], mirrors: list[Mirror], name: NameOf) -> JSON:
        if len(shares) == 1:
            return {"cluster": self._cluster(name, shares[0].predictor)}
        answering = [mirror for mirror in mirrors if _answers(shares, mirror)]
        choice: JSON = {
            "clusters": [
                {
                    "name": self._cluster(name, share.predictor),
                    "weight": share.weight,
                    "request_headers_to_add": self._copy_headers(share, answering),
                }
                for share in shares
            ]
        }
        return {"weighted_clusters": choice | ({"use_hash_policy": True} if self.route.sticky_header else {})}

    def _copy_headers(self, share: Backend, mirrors: list[Mirror]) -> list[JSON]:
        """Where copies of this share's requests go, when not all shares' copies go there.

        A predictor that answers users and is mirrored too must not be compared with itself.
        """
        return [
            _set(MIRROR_HEADER_PREFIX + mirror.predictor, self._cluster(mirror_name, mirror.predictor))
            for mirror in mirrors
            if mirror.predictor != share.predictor
        ]

    def _mirror_policy(self, shares: list[Backend], mirror: Mirror) -> JSON:
        policy: JSON = {
            "runtime_fraction": {"default_value": {"numerator": mirror.percentage, "denominator": "HUNDRED"}},
            "request_headers_mutations": [{"append": _set(SHADOW_HEADER, "true")}],
            "disable_shadow_host_suffix_append": True,
        }
        if not _answers(shares, mirror):
            return policy | {"cluster": self._cluster(mirror_name, mirror.predictor)}
        header = MIRROR_HEADER_PREFIX + mirror.predictor
        policy["request_headers_mutations"].append({"remove": header})
        return policy | {"cluster_header": header}

    def _cluster(self, name: NameOf, predictor: str) -> str:
        return name(self.route.namespace, self.route.name, predictor, self.transport)


def _http_kinds(route: Route) -> tuple[_Kind, ...]:
    prefix = f"/seldon/{route.namespace}/{route.name}/"
    predictions = (_method("POST"), _header(":path", "regex", re.escape(prefix) + PREDICTIONS))
    match = {"prefix": prefix}
    return (
        _Kind(name="predictions", match=match, headers=predictions, retried=True, mirrored=True),
        _Kind(name="reads", match=match, headers=(_method("GET|HEAD"),), retried=True),
        _Kind(name="others", match=match),
    )


def _grpc_kinds(route: Route) -> tuple[_Kind, ...]:
    """Paths are services' own; the deployment stands in metadata, as Seldon's clients send it."""
    named = (_header("seldon", "exact", route.name), _header("namespace", "exact", route.namespace))
    predictions, reads = (_header(":path", "regex", _any_of(methods)) for methods in (GRPC_PREDICTIONS, GRPC_READS))
    match: JSON = {"prefix": "/", "grpc": {}}
    return (
        _Kind(name="grpc-predictions", match=match, headers=(*named, predictions), retried=True, mirrored=True),
        _Kind(name="grpc-reads", match=match, headers=(*named, reads), retried=True),
        _Kind(name="grpc-others", match=match, headers=named),
    )


def _any_of(methods: Iterable[tuple[str, str]]) -> str:
    return "|".join(re.escape(f"/{service}/{method}") for service, method in methods)


def _answers(shares: list[Backend], mirror: Mirror) -> bool:
    return any(share.predictor == mirror.predictor for share in shares)


def _hash_policy(route: Route) -> JSON:
    """By the header's value behind the salt; Envoy falls back to chance when the header is absent."""
    salted = {"pattern": {"regex": "^(.*)$"}, "substitution": f"{route.sticky_salt}:\\1"}
    return {"header": {"header_name": route.sticky_header, "regex_rewrite": salted}}


def _retries() -> JSON:
    """Up to two more tries elsewhere, when the connection failed or broke before any of the answer came."""
    previous = TYPE + "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
    return {
        "retry_on": "connect-failure,refused-stream,reset-before-request,reset",
        "num_retries": 2,
        "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.05s"},
        "retry_host_predicate": [
            {"name": "envoy.retry_host_predicates.previous_hosts", "typed_config": {"@type": previous}}
        ],
        "host_selection_retry_max_attempts": 5,
    }


def _header(name: str, match: str, value: str) -> JSON:
    matcher: JSON = {"safe_regex": {"regex": value}} if match == "regex" else {match: value}
    return {"name": name, "string_match": matcher}


def _method(regex: str) -> JSON:
    return _header(":method", "regex", regex)


def _set(name: str, value: str) -> JSON:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
