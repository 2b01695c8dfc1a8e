"""The protobuf messages have the form that other people's clients expect, and leave the common pool alone."""

from pathlib import Path
from typing import Any

import grpc_tools
import pytest
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from grpc_tools import protoc
from tritonclient.grpc import service_pb2

from sluicegate.serving.protocol import protobuf

ROOT = Path(__file__).parents[4]
SOURCES = ROOT / "serving" / "proto"
COMPILED = ROOT / "serving" / "sluicegate" / "serving" / "protocol" / "protos.binpb"
WIRE = ("number", "type", "is_repeated")


def _fields(descriptor: Any) -> dict[str, tuple[Any, ...]]:
    return {field.name: tuple(getattr(field, name) for name in WIRE) for field in descriptor.fields}


def test_the_compiled_file_is_what_the_sources_say(tmp_path: Path) -> None:
    """``make protos`` was not forgotten."""
    made = tmp_path / "made.binpb"
    include = Path(grpc_tools.__path__[0]) / "_proto"
    names = sorted(each.name for each in SOURCES.glob("*.proto"))

    code = protoc.main(
        ["", "--include_imports", f"-I{SOURCES}", f"-I{include}", f"--descriptor_set_out={made}", *names]
    )

    assert code == 0
    assert FileDescriptorSet.FromString(made.read_bytes()) == FileDescriptorSet.FromString(COMPILED.read_bytes())


@pytest.mark.parametrize("module", [service_pb2, health_pb2], ids=["Open Inference", "health"])
def test_fields_are_those_of_other_peoples_clients(module: Any) -> None:
    """Name, number and type of every field of every message that both have."""
    package = module.DESCRIPTOR.package
    theirs = module.DESCRIPTOR.message_types_by_name
    ours = {name: message for name in theirs if (message := _known(f"{package}.{name}"))}

    assert len(ours) >= 2
    for name, message in ours.items():
        for nested in message.nested_types:
            assert _fields(nested).items() <= _fields(theirs[name].nested_types_by_name[nested.name]).items()
        assert _fields(message) == _fields(theirs[name])


def _known(name: str) -> Any:
    try:
        return protobuf.message_type(name).DESCRIPTOR
    except KeyError:
        return None


def test_reflection_is_the_one_that_other_people_know_by_its_older_name() -> None:
    """Messages of v1 and v1alpha are the same."""
    for name, theirs in reflection_pb2.DESCRIPTOR.message_types_by_name.items():
        assert _fields(protobuf.message_type(f"grpc.reflection.v1.{name}").DESCRIPTOR) == _fields(theirs)


def test_the_common_pool_knows_nothing_of_ours() -> None:
    """So that a user's class may bring Seldon's own messages."""
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("seldon.protos.SeldonMessage")


def test_messages_are_written_as_seldon_wrote_them() -> None:
    """Bytes made by hand from the numbers of Seldon's fields."""
    message = protobuf.message_type("seldon.protos.SeldonMessage").FromString(
        b"\x12\x05\x0a\x03abc\x1a\x12\x0a\x01x\x12\x0d\x0a\x01\x01\x12\x08\0\0\0\0\0\0\xf0\x3f"
    )

    assert (message.meta.puid, list(message.data.names), list(message.data.tensor.values)) == ("abc", ["x"], [1.0])
