"""Envoy's resources as the messages it is sent: protobuf, packed by type. Pure.

The rest of this room speaks Envoy's JSON, which people can read. The types are those of package ``xds-protos``; each
that our JSON names by ``@type`` has to be imported here, or it cannot be packed.
"""

from collections.abc import Iterable
from functools import lru_cache

from envoy.config.cluster.v3 import cluster_pb2 as _cluster_pb2  # noqa: F401  named by @type
from envoy.config.endpoint.v3 import endpoint_pb2 as _endpoint_pb2  # noqa: F401
from envoy.config.listener.v3 import listener_pb2 as _listener_pb2  # noqa: F401
from envoy.config.route.v3.route_components_pb2 import VirtualHost
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.access_loggers.file.v3 import file_pb2 as _file_pb2  # noqa: F401
from envoy.extensions.filters.http.router.v3 import router_pb2 as _router_pb2  # noqa: F401
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as _http_connection_manager_pb2,  # noqa: F401
)
from envoy.extensions.http.early_header_mutation.header_mutation.v3 import (
    header_mutation_pb2 as _header_mutation_pb2,  # noqa: F401
)
from envoy.extensions.request_id.uuid.v3 import uuid_pb2 as _uuid_pb2  # noqa: F401
from envoy.extensions.retry.host.previous_hosts.v3 import previous_hosts_pb2 as _previous_hosts_pb2  # noqa: F401
from envoy.extensions.upstreams.http.v3 import http_protocol_options_pb2 as _http_protocol_options_pb2  # noqa: F401
from google.protobuf.any_pb2 import Any
from google.protobuf.json_format import ParseDict

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.clusters import cluster
from sluicegate.serving.gateway.route_table import route_table


def packed(resource: JSON) -> bytes:
    """A resource, which says its ``@type``, as an ``Any``. Raises ParseError for what Envoy does not know."""
    return bytes(ParseDict(resource, Any()).SerializeToString())


@lru_cache(maxsize=20_000)
def packed_cluster(name: str) -> bytes:
    """The cluster called ``name``."""
    return packed(cluster(name))


def encoded_entries(entries: list[JSON]) -> bytes:
    """One deployment's entries of the table of routes, to be joined with others' by ``packed_table``.

    A message of protobuf may be cut between its fields: that of the whole is the parts' one after the other.
    """
    return bytes(ParseDict({"routes": entries}, VirtualHost()).SerializeToString())


def packed_table(parts: Iterable[bytes]) -> bytes:
    """The table of routes whose entries are ``parts``."""
    table = ParseDict({name: value for name, value in route_table([]).items() if name != "@type"}, RouteConfiguration())
    table.virtual_hosts[0].MergeFromString(b"".join(parts))
    found = Any()
    found.Pack(table)
    return bytes(found.SerializeToString())
