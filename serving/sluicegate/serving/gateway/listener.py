"""The gateway's front: one listener for HTTP and gRPC, what it strips, which ids it gives, and how it says no.

Answers that the gateway makes itself have Seldon's status form, so that a client meets one form of error only.
"""

import json
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.clusters import TYPE, config_source, socket_address
from sluicegate.serving.gateway.routes import Address

LISTENER_TYPE = TYPE + "envoy.config.listener.v3.Listener"
LISTENER = "gateway"
ROUTE_TABLE = "deployments"
SHADOW_HEADER = "x-sluicegate-shadow"
"""``true`` on mirrored copies and on nothing else."""
MIRROR_HEADER_PREFIX = "x-sluicegate-mirror-"
"""Names, on the way through the gateway, the cluster that a request of a weighted route is copied to."""

_REPLIES = (
    (
        "NR",
        404,
        "DEPLOYMENT_NOT_FOUND",
        "no deployment is served at %REQ(:path)%; paths are /seldon/<namespace>/<name>/",
    ),
    ("UH", 503, "NO_READY_SERVER", "no server of this deployment is ready; try again shortly"),
    ("NC", 503, "NO_READY_SERVER", "no server of this deployment is ready; try again shortly"),
    ("UF", 503, "SERVER_UNREACHABLE", "the server did not take the connection"),
    ("UC", 503, "SERVER_LOST", "the server ended the connection before it answered"),
    ("UT", 504, "TIMEOUT", "the server did not answer in time"),
)
"""Envoy's response flag, status, and what a client reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """Where the gateway listens. ``access_log`` is a path for JSON lines; empty means none are written."""

    address: Address
    access_log: str = ""


def listener(front: Front) -> JSON:
    """The gateway's listener."""
    return {
        "@type": LISTENER_TYPE,
        "name": LISTENER,
        "address": socket_address(front.address),
        # With port reuse a second gateway would silently share the port; without, it is refused and says so.
        "enable_reuse_port": False,
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": _connection_manager(front),
                    }
                ]
            }
        ],
    }


def status_body(code: int | str, reason: str, info: str) -> JSON:
    """Seldon's status form of a failure."""
    return {"status": {"code": code, "info": info, "reason": reason, "status": "FAILURE"}}


def _connection_manager(front: Front) -> JSON:
    return {
        "@type": TYPE + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": LISTENER,
        "rds": {"route_config_name": ROUTE_TABLE, "config_source": config_source()},
        "use_remote_address": True,
        "normalize_path": True,
        "server_header_transformation": "PASS_THROUGH",
        "generate_request_id": True,
        "preserve_external_request_id": True,
        "always_set_request_id_in_response": True,
        "request_id_extension": {
            "typed_config": {
                "@type": TYPE + "envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig",
                # Packing would change digits of the client's id, by which labels are joined later.
                "pack_trace_reason": False,
                "use_request_id_for_trace_sampling": False,
            }
        },
        "early_header_mutation_extensions": [_stripping()],
        "local_reply_config": _local_replies(),
        "access_log": _access_log(front.access_log),
        "http_filters": [
            {
                # Counts, for each cluster, which status calls by gRPC ended with: all of them are 200 to HTTP.
                "name": "envoy.filters.http.grpc_stats",
                "typed_config": {"@type": TYPE + "envoy.extensions.filters.http.grpc_stats.v3.FilterConfig"},
            },
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": TYPE + "envoy.extensions.filters.http.router.v3.Router",
                    "suppress_envoy_headers": True,
                },
            }
        ],
    }


def _stripping() -> JSON:
    """Headers that only the gateway may set: a client could pose as a copy, or lengthen its own time limit."""
    return {
        "name": "envoy.http.early_header_mutation.header_mutation",
        "typed_config": {
            "@type": TYPE + "envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
            "mutations": [
                {"remove": SHADOW_HEADER},
                {"remove_on_match": {"key_matcher": {"prefix": MIRROR_HEADER_PREFIX}}},
                {"remove_on_match": {"key_matcher": {"prefix": "x-envoy-"}}},
            ],
        },
    }


def _local_replies() -> JSON:
    return {
        "mappers": [
            _as_it_is(200),
            *(
                {
                    "filter": {"response_flag_filter": {"flags": [flag]}},
                    "status_code": status,
                    "body_format_override": {"json_format": status_body(status, reason, info)},
                }
                for flag, status, reason, info in _REPLIES
            ),
        ],
        "body_format": {"json_format": status_body("%RESPONSE_CODE%", "%RESPONSE_CODE_DETAILS%", "%LOCAL_REPLY_BODY%")},
    }


def _as_it_is(status: int) -> JSON:
    """A success of the gateway's own (see ``route_table.VERSION_PATH``) is no failure to be told in Seldon's form."""
    comparison = {"op": "EQ", "value": {"default_value": status, "runtime_key": "sluicegate.never_set"}}
    own = {"text_format_source": {"inline_string": "%LOCAL_REPLY_BODY%"}, "content_type": "application/json"}
    return {"filter": {"status_code_filter": {"comparison": comparison}}, "body_format_override": own}


def _access_log(path: str) -> list[JSON]:
    fields = {
        "time": "%START_TIME%",
        "requestId": "%REQ(x-request-id)%",
        "method": "%REQ(:method)%",
        "route": "%ROUTE_NAME%",
        "path": "%REQ(:path)%",
        "status": "%RESPONSE_CODE%",
        "grpcStatus": "%GRPC_STATUS_NUMBER%",
        "flags": "%RESPONSE_FLAGS%",
        "durationMs": "%DURATION%",
        "cluster": "%UPSTREAM_CLUSTER%",
        "server": "%UPSTREAM_HOST%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    }
    sink = {
        "@type": TYPE + "envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": path,
        "log_format": {"json_format": fields},
    }
    return [{"name": "envoy.access_loggers.file", "typed_config": sink}] if path else []


def refusal(code: int, reason: str, info: str) -> JSON:
    """A route's own answer, without any server."""
    return {"status": code, "body": {"inline_string": json.dumps(status_body(code, reason, info))}}
