"""The gateway's front: one listener for HTTP and gRPC, what it strips, and which ids it gives."""

from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.clusters import TYPE, config_source, socket_address
from sluicegate.serving.gateway.replies import local_replies
from sluicegate.serving.gateway.routes import Address

LISTENER_TYPE = TYPE + "envoy.config.listener.v3.Listener"
LISTENER = "gateway"
ROUTE_TABLE = "deployments"
SHADOW_HEADER = "x-sluicegate-shadow"
"""``true`` on mirrored copies and on nothing else."""
MIRROR_HEADER_PREFIX = "x-sluicegate-mirror-"
"""Names, on the way through the gateway, the cluster that a request of a weighted route is copied to."""


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
        "local_reply_config": local_replies(),
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
            },
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
