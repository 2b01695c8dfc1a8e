"""The protobuf messages that travel: Seldon's, Open Inference's, TensorFlow's, those of gRPC's health and reflection.

For the codecs and the gRPC door. The form of the messages is written in ``serving/proto`` and lies compiled beside this
file (``make protos``). It is kept in a pool of its own, as clients in the same process have these names in the common
one.
"""

from importlib.resources import files
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import ParseDict
from google.protobuf.message_factory import GetMessageClass

_FILES = FileDescriptorSet.FromString(files(__package__).joinpath("protos.binpb").read_bytes()).file


def _pool() -> Any:
    pool = DescriptorPool()
    for each in _FILES:
        pool.Add(each)
    return pool


POOL = _pool()
SERVICES = tuple(f"{each.package}.{service.name}" for each in _FILES for service in each.service)
"""Full names of all services."""


def message_type(name: str) -> Any:
    """The class of the messages with this full name. Raises KeyError for one that the files do not have."""
    return GetMessageClass(POOL.FindMessageTypeByName(name))


def service(name: str) -> Any:
    """The description of the service with this full name. Raises KeyError."""
    return POOL.FindServiceByName(name)


def parsed(value: Any, message: Any) -> Any:
    """``message`` filled from protobuf's JSON. Raises ParseError."""
    return ParseDict(value, message, descriptor_pool=POOL)
