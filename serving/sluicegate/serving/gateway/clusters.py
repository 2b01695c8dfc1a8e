"""A predictor's servers as Envoy clusters and endpoints: health, ejection, limits, connections.

Each predictor has a cluster for predictions to users, one for their other requests (a label sent back is no request to
judge by) and, while it is mirrored, one for copies, so that their statistics stay apart; where a server has a port for
gRPC, the same once more for it. A cluster's definition depends on its name alone: whatever changes later comes by
endpoints.
"""

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.routes import Address, Transport

TYPE = "type.googleapis.com/"
CLUSTER_TYPE = TYPE + "envoy.config.cluster.v3.Cluster"
ENDPOINTS_TYPE = TYPE + "envoy.config.endpoint.v3.ClusterLoadAssignment"
CONTROL_CLUSTER = "sluicegate-control-plane"
GRPC_SUFFIX = "~grpc"
MIRROR_SUFFIX = "~mirror"
OTHERS_SUFFIX = "~others"
UNBOUNDED = 100_000
_PER_SERVER: JSON = {"track_cluster_stats": {"per_endpoint_stats": True}}
"""Of copies Envoy counts statuses of gRPC for each server only."""
_UNCHECKED: JSON = {"health_check_config": {"disable_active_health_check": True}}
_PROTOCOLS: dict[Transport, str] = {"http": "http_protocol_options", "grpc": "http2_protocol_options"}


def cluster_name(namespace: str, deployment: str, predictor: str, transport: Transport = "http") -> str:
    """``<namespace>/<deployment>/<predictor>``, with ``~grpc`` for gRPC: predictions whose answers users see."""
    return f"{namespace}/{deployment}/{predictor}" + (GRPC_SUFFIX if transport == "grpc" else "")


def others_name(namespace: str, deployment: str, predictor: str, transport: Transport = "http") -> str:
    """The same with ``~others``: feedback, metadata, health; what asks for no prediction."""
    return cluster_name(namespace, deployment, predictor, transport) + OTHERS_SUFFIX


def mirror_name(namespace: str, deployment: str, predictor: str, transport: Transport = "http") -> str:
    """The same with ``~mirror``: copies, whose answers nobody sees."""
    return cluster_name(namespace, deployment, predictor, transport) + MIRROR_SUFFIX


def transport_of(name: str) -> Transport:
    """How servers of the cluster called ``name`` are asked."""
    return "grpc" if name.removesuffix(OTHERS_SUFFIX).removesuffix(MIRROR_SUFFIX).endswith(GRPC_SUFFIX) else "http"


def config_source() -> JSON:
    """Where Envoy gets resources: from our door, all over one stream, waiting for ever for the first answer.

    A gateway that starts while the plane is down must not begin to answer 404 to everybody.
    """
    return {"resource_api_version": "V3", "initial_fetch_timeout": "0s", "ads": {}}


def cluster(name: str) -> JSON:
    """The cluster called ``name``."""
    return {
        "@type": CLUSTER_TYPE,
        "name": name,
        "type": "EDS",
        **(_PER_SERVER if name.endswith(GRPC_SUFFIX + MIRROR_SUFFIX) else {}),
        "eds_cluster_config": {"eds_config": config_source()},
        "connect_timeout": "1s",
        "lb_policy": "LEAST_REQUEST",
        "common_lb_config": {
            # Envoy's panic mode would send requests to servers that said they are not ready.
            "healthy_panic_threshold": {"value": 0},
            # By default Envoy tells its workers of changed health up to a second later.
            "update_merge_window": "0s",
        },
        "ignore_health_on_host_removal": True,
        "health_checks": [_health_check()],
        "outlier_detection": _outlier_detection(),
        "circuit_breakers": {"thresholds": [_limits("DEFAULT"), _limits("HIGH")]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": TYPE + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                # Shorter than servers keep idle connections (5 s is common): the side that sends closes first.
                "common_http_protocol_options": {"idle_timeout": "4s"},
                "explicit_http_config": {_PROTOCOLS[transport_of(name)]: {}},
            }
        },
    }


def endpoints(name: str, addresses: tuple[Address, ...]) -> JSON:
    """The servers of the cluster called ``name``."""
    draw = _endpoint if transport_of(name) == "http" else _grpc_endpoint
    return {
        "@type": ENDPOINTS_TYPE,
        "cluster_name": name,
        "endpoints": [{"lb_endpoints": [{"endpoint": draw(address)} for address in addresses]}],
    }


def socket_address(address: Address) -> JSON:
    """An address in Envoy's words."""
    return {"socket_address": {"address": address.host, "port_value": address.port}}


def _endpoint(address: Address) -> JSON:
    return {"address": socket_address(address)} | ({} if address.checked else _UNCHECKED)


def _grpc_endpoint(address: Address) -> JSON:
    """The port for gRPC; whether the server is ready is asked at the one for HTTP."""
    check = {"health_check_config": {"port_value": address.port}} if address.checked else _UNCHECKED
    return {"address": socket_address(Address(host=address.host, port=address.grpc_port)), **check}


def _health_check() -> JSON:
    """Asks ``/ready`` twice a second; one 503 is enough to leave, one 200 to come back."""
    return {
        "timeout": "2s",
        "interval": "0.5s",
        "no_traffic_interval": "0.5s",
        "unhealthy_interval": "0.25s",
        "unhealthy_threshold": 3,  # counts silence only: an answer other than 200 takes a server out at once
        "healthy_threshold": 1,
        # By default the cluster's name, whose slashes are no host: nginx and Envoy answer 400.
        "http_health_check": {"path": "/ready", "host": "sluicegate-gateway"},
    }


def _outlier_detection() -> JSON:
    """Sets aside a server that refuses or resets connections; errors that a model answers are not the server's."""
    return {
        "split_external_local_origin_errors": True,
        "consecutive_local_origin_failure": 2,
        "enforcing_consecutive_local_origin_failure": 100,
        "enforcing_local_origin_success_rate": 0,
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
        "enforcing_success_rate": 0,
        "interval": "1s",
        "base_ejection_time": "1s",
        "max_ejection_time": "10s",
        "max_ejection_percent": 75,  # never all: Envoy rounds up, so one of one or two of two stay in
    }


def _limits(priority: str) -> JSON:
    """No limit in practice. Envoy's default of 3 retries at a time would lose requests when a server is killed."""
    kinds = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
    return {"priority": priority} | dict.fromkeys(kinds, UNBOUNDED)
