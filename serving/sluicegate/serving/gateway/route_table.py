"""Deployments' routes as one Envoy route table.

Every deployment gets its routes three times: for predictions (tried again on another server, copied to mirrors), for
reads (tried again), and for everything else, feedback first of all, which is sent once, because a label must not be
counted twice. An answered error is never retried: it is the model's answer.
"""

import json
import re
from collections.abc import Callable

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.clusters import TYPE, cluster_name, mirror_name, others_name
from sluicegate.serving.gateway.listener import MIRROR_HEADER_PREFIX, ROUTE_TABLE, SHADOW_HEADER, refusal
from sluicegate.serving.gateway.routes import Backend, Mirror, Route

ROUTES_TYPE = TYPE + "envoy.config.route.v3.RouteConfiguration"
PREDICTIONS = r"(api/v[0-9.]+/predictions|v2/models/[^/?]+(/versions/[^/?]+)?/infer|v1/models/[^/?]+:predict)(\?.*)?"
"""What follows a deployment's prefix when a model is asked for a prediction (Seldon, Open Inference, TensorFlow)."""
BODY_LIMIT = 64 * 1024 * 1024
"""Bytes of a request kept for a second try and for copies; a longer one is sent once and not mirrored."""
VERSION_PATH = "/.sluicegate/version"
"""Answers the version of the routes in force: so an Envoy can be asked by whoever does not feed it."""


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
    """One deployment's share of the table."""
    prefix = f"/seldon/{route.namespace}/{route.name}/"
    predictions = re.escape(prefix) + PREDICTIONS
    kinds: tuple[tuple[str, list[JSON], bool, bool], ...] = (
        ("predictions", [_method("POST"), _header(":path", "regex", predictions)], True, True),
        ("reads", [_method("GET|HEAD")], True, False),
        ("others", [], False, False),
    )
    return [
        {
            "name": f"{route.namespace}/{route.name}/{kind}",
            "match": {"prefix": prefix, "headers": [*matchers, *chosen]},
            **_action(route, target, retried=retried, mirrored=mirrored),
        }
        for chosen, target in _targets(route)
        for kind, matchers, retried, mirrored in kinds
    ]


def _targets(route: Route) -> list[tuple[list[JSON], str]]:
    """Header routes in their order, then the weighted route, whose target is the empty name."""
    chosen = [([_header(one.header, one.match, one.value)], one.predictor) for one in route.header_routes]
    return [*chosen, ([], "")]


def _action(route: Route, target: str, *, retried: bool, mirrored: bool) -> JSON:
    """What happens to one kind of request; only predictions are mirrored, and judged."""
    name = cluster_name if mirrored else others_name
    shares = [Backend(predictor=target, weight=100)] if target else [one for one in route.backends if one.weight]
    if not shares:
        return {"direct_response": refusal(503, "NO_READY_SERVER", "no predictor of this deployment has traffic yet")}
    mirrors = [one for one in route.mirrors if mirrored and one.percentage and not _answers_alone(shares, one)]
    action = {
        **_destination(route, shares, mirrors, name),
        "prefix_rewrite": "/",
        "timeout": f"{route.timeout_ms / 1000:g}s",
        "request_mirror_policies": [_mirror_policy(route, shares, mirror) for mirror in mirrors],
    }
    if retried:
        action["retry_policy"] = _retries()
    if route.sticky_header:
        action["hash_policy"] = [_hash_policy(route)]
    return {"route": action}


def _destination(
    route: Route, shares: list[Backend], mirrors: list[Mirror], name: Callable[[str, str, str], str]
) -> JSON:
    if len(shares) == 1:
        return {"cluster": name(route.namespace, route.name, shares[0].predictor)}
    answering = [mirror for mirror in mirrors if _answers(shares, mirror)]
    choice: JSON = {
        "clusters": [
            {
                "name": name(route.namespace, route.name, share.predictor),
                "weight": share.weight,
                "request_headers_to_add": _copy_headers(route, share, answering),
            }
            for share in shares
        ]
    }
    return {"weighted_clusters": choice | ({"use_hash_policy": True} if route.sticky_header else {})}


def _answers(shares: list[Backend], mirror: Mirror) -> bool:
    return any(share.predictor == mirror.predictor for share in shares)


def _answers_alone(shares: list[Backend], mirror: Mirror) -> bool:
    return len(shares) == 1 and _answers(shares, mirror)


def _copy_headers(route: Route, share: Backend, mirrors: list[Mirror]) -> list[JSON]:
    """Where copies of this share's requests go, when not all shares' copies go there.

    A predictor that answers users and is mirrored too must not be compared with itself.
    """
    return [
        _set(MIRROR_HEADER_PREFIX + mirror.predictor, mirror_name(route.namespace, route.name, mirror.predictor))
        for mirror in mirrors
        if mirror.predictor != share.predictor
    ]


def _mirror_policy(route: Route, shares: list[Backend], mirror: Mirror) -> JSON:
    policy: JSON = {
        "runtime_fraction": {"default_value": {"numerator": mirror.percentage, "denominator": "HUNDRED"}},
        "request_headers_mutations": [{"append": _set(SHADOW_HEADER, "true")}],
        "disable_shadow_host_suffix_append": True,
    }
    if not _answers(shares, mirror):
        return policy | {"cluster": mirror_name(route.namespace, route.name, mirror.predictor)}
    header = MIRROR_HEADER_PREFIX + mirror.predictor
    policy["request_headers_mutations"].append({"remove": header})
    return policy | {"cluster_header": header}


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
