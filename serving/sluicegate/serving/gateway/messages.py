"""Envoy's resources as the messages it is sent: protobuf, packed by type. Pure.

The rest of this room speaks Envoy's JSON, which people can read. The form of the messages lies in a file beside this
one (see ``serving/envoy_messages.py``) and is kept in a pool of its own: whoever has Envoy's messages in his process
for other reasons is not in our way.
"""

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.clusters import cluster
from sluicegate.serving.gateway.route_table import route_table


def _pool() -> Any:
    pool = DescriptorPool()
    for each in FileDescriptorSet.FromString(files(__package__).joinpath("envoy_messages.binpb").read_bytes()).file:
        pool.Add(each)
    return pool


_POOL = _pool()


def message_type(name: str) -> Any:
    """The class of the messages with this full name. Raises KeyError for one that the file does not have."""
    return GetMessageClass(_POOL.FindMessageTypeByName(name))


Packed = message_type("google.protobuf.Any")
DeltaDiscoveryRequest = message_type("envoy.service.discovery.v3.DeltaDiscoveryRequest")
DeltaDiscoveryResponse = message_type("envoy.service.discovery.v3.DeltaDiscoveryResponse")
RouteConfiguration = message_type("envoy.config.route.v3.RouteConfiguration")
_VirtualHost = message_type("envoy.config.route.v3.VirtualHost")


def packed(resource: JSON) -> bytes:
    """A resource, which says its ``@type``, as an ``Any``. Raises ParseError for what Envoy does not know."""
    return bytes(_parsed(resource, Packed()).SerializeToString())


@lru_cache(maxsize=20_000)
def packed_cluster(name: str) -> bytes:
    """The cluster called ``name``."""
    return packed(cluster(name))


def encoded_entries(entries: list[JSON]) -> bytes:
    """One deployment's entries of the table of routes, to be joined with others' by ``packed_table``.

    A message of protobuf may be cut between its fields: that of the whole is the parts' one after the other.
    """
    return bytes(_parsed({"routes": entries}, _VirtualHost()).SerializeToString())


def packed_table(parts: Iterable[bytes]) -> bytes:
    """The table of routes whose entries are ``parts``."""
    empty = route_table([])
    table = _parsed({name: value for name, value in empty.items() if name != "@type"}, RouteConfiguration())
    table.virtual_hosts[0].MergeFromString(b"".join(parts))
    return bytes(Packed(type_url=empty["@type"], value=table.SerializeToString()).SerializeToString())


def _parsed(content: JSON, message: Any) -> Any:
    return ParseDict(content, message, descriptor_pool=_POOL)
