"""What Envoy is started with: its admin, its statistics, and where our xDS door is. Pure.

Everything that may change comes through the door later, so a running Envoy is never restarted. The document is written
to a file by whoever supervises the process; ``command`` is its argv. In a pod the document is one for all replicas: the
node is named by the command line, from the pod's name, and the control plane by its Service's DNS name.
"""

from dataclasses import dataclass
from pathlib import Path

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.checking import is_ip
from sluicegate.serving.gateway.clusters import CONTROL_CLUSTER, TYPE, UNBOUNDED, config_source, socket_address
from sluicegate.serving.gateway.routes import Address

NODE = "sluicegate-gateway"
ADMIN_CLUSTER = "sluicegate-admin"
BUCKETS = (
    1,
    2.5,
    5,
    10,
    25,
    50,
    75,
    100,
    150,
    200,
    250,
    300,
    400,
    500,
    750,
    1000,
    1500,
    2000,
    2500,
    5000,
    10000,
    30000,
    3600000,
)
"""Upper bounds in milliseconds of the time histograms; a latency threshold should be one of them. The last one
takes in every answer, so that its count is their number."""
STATISTICS_INTERVAL = "0.5s"
"""How often Envoy merges its histograms: a reader sees figures at most this old."""

_RUNTIME = {
    # Envoy's own limit of 100 is less than one path of a deployment's predictions needs.
    "re2.max_program_size.error_level": 10_000,
    "re2.max_program_size.warn_level": 10_000,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderCheck:
    """Where a door says whether it leads: HTTP, on a port of its own."""

    port: int
    path: str = "/leading"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """``control_plane``: where the xDS door is served; a name is looked up, an address is not. ``admin``: Envoy's own
    address, to be kept on loopback. ``node``: who this Envoy is at the door; empty when the command line says it.
    ``leader``: of several doors behind the name, the one that answers 200 here feeds us; None for a single door.
    ``statistics``: where others may read statistics and readiness, and nothing else of the admin's; None for nowhere.
    """

    control_plane: Address
    admin: Address
    node: str = NODE
    leader: LeaderCheck | None = None
    statistics: Address | None = None


def bootstrap(settings: Bootstrap) -> JSON:
    """The bootstrap document."""
    clusters = [_control_cluster(settings.control_plane, settings.leader)]
    listeners = []
    if settings.statistics is not None:
        clusters.append(_admin_cluster(settings.admin))
        listeners.append(_statistics_listener(settings.statistics))
    return {
        "node": {"cluster": NODE} | ({"id": settings.node} if settings.node else {}),
        "admin": {"address": socket_address(settings.admin)},
        "static_resources": {"clusters": clusters, "listeners": listeners},
        "dynamic_resources": {"ads_config": _stream(), "cds_config": config_source(), "lds_config": config_source()},
        "stats_flush_interval": STATISTICS_INTERVAL,
        "stats_config": {
            "histogram_bucket_settings": [{"match": {"prefix": "cluster."}, "buckets": list(BUCKETS)}],
        },
        "overload_manager": {"resource_monitors": [_connection_limit()]},
        "layered_runtime": {"layers": [{"name": "static", "static_layer": dict(_RUNTIME)}]},
    }


def command(envoy: Path, bootstrap_file: Path, *, log_level: str = "warning", node: str = "") -> list[str]:
    """Envoy's argv. One worker: weights then come out of one sequence, and a laptop has other work.

    Without hot restart two gateways on one machine need no base ids. Its log goes to stderr. ``node`` names a gateway
    whose bootstrap does not; in a pod's ``args`` it is ``$(POD_NAME)``, which Kubernetes fills in from the environment.
    """
    arguments = [str(envoy), "--config-path", str(bootstrap_file), "--concurrency", "1", "--disable-hot-restart"]
    arguments += ["--service-node", node] if node else []
    arguments += ["--log-level", log_level, "--log-format", "%Y-%m-%dT%T.%e%z %l %n %v"]
    return [*arguments, "--file-flush-interval-msec", "1000", "--drain-time-s", "5"]


def _connection_limit() -> JSON:
    """Clients' connections; Envoy warns at every start when there is no limit."""
    kind = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    return {
        "name": "envoy.resource_monitors.global_downstream_max_connections",
        "typed_config": {"@type": TYPE + kind, "max_active_downstream_connections": UNBOUNDED},
    }


def _admin_cluster(admin: Address) -> JSON:
    endpoint = {"endpoint": {"address": socket_address(admin)}}
    return {
        "name": ADMIN_CLUSTER,
        "type": "STATIC",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": ADMIN_CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _statistics_listener(address: Address) -> JSON:
    """Reads only: the admin itself can end Envoy, so it stays on loopback."""
    reads = [{"match": {"prefix": prefix}, "route": {"cluster": ADMIN_CLUSTER}} for prefix in ("/stats", "/ready")]
    manager = {
        "@type": TYPE + "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": ADMIN_CLUSTER,
        "route_config": {"virtual_hosts": [{"name": ADMIN_CLUSTER, "domains": ["*"], "routes": reads}]},
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": TYPE + "envoy.extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    http = {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
    return {"name": ADMIN_CLUSTER, "address": socket_address(address), "filter_chains": [{"filters": [http]}]}


def _stream() -> JSON:
    """All resources over one stream, each time only what changed. Broken, it is opened again within a second."""
    retries = {"retry_back_off": {"base_interval": "0.1s", "max_interval": "1s"}}
    return {
        "api_type": "DELTA_GRPC",
        "transport_api_version": "V3",
        "set_node_on_first_message_only": True,
        "grpc_services": [{"envoy_grpc": {"cluster_name": CONTROL_CLUSTER, "retry_policy": retries}}],
    }


def _leader_check(path: str) -> JSON:
    """Only one door of several is fed with routes: the stream goes there, and to another one when it says so."""
    return {
        "health_checks": [
            {
                "timeout": "1s",
                "interval": "1s",
                "no_traffic_interval": "1s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 1,
                "http_health_check": {"path": path, "codec_client_type": "HTTP1"},
            }
        ],
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        # A former leader's stream must not go on as if nothing had happened.
        "close_connections_on_host_health_failure": True,
    }


def _control_cluster(address: Address, leader: LeaderCheck | None) -> JSON:
    """Where our door is: HTTP/2, asked every few seconds whether it is still there."""
    named = {"type": "STRICT_DNS", "dns_lookup_family": "V4_PREFERRED", "dns_refresh_rate": "5s"}
    alive = {"connection_keepalive": {"interval": "5s", "timeout": "5s"}}
    check = {"health_check_config": {"port_value": leader.port}} if leader else {}
    endpoint = {"endpoint": {"address": socket_address(address), **check}}
    return {
        "name": CONTROL_CLUSTER,
        **({"type": "STATIC"} if is_ip(address.host) else named),
        **(_leader_check(leader.path) if leader else {}),
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": TYPE + "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": alive},
            }
        },
        "load_assignment": {"cluster_name": CONTROL_CLUSTER, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
