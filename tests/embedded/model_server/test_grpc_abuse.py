"""What no client of gRPC does, on its port: afterwards the server answers as before, and its memory is what it was."""

import gzip
import random
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import psutil
import pytest
from tests.embedded.model_server.grpc_rig import Grpc, message, refusal, serving_grpc
from tests.embedded.model_server.h2_wire import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    GOAWAY,
    HEADERS,
    PING,
    PREFACE,
    RST,
    SETTINGS,
    WINDOW,
    call,
    connected,
    frame,
    header,
    request,
)
from tests.embedded.model_server.h2_wire import message as told
from tests.waiting import wait_until

pytestmark = pytest.mark.embedded
MANY = 5000
ROW = message(
    "inference.ModelInferRequest",
    modelName="flights",
    inputs=[{"name": "x", "datatype": "FP64", "shape": [1, 3], "contents": {"fp64Contents": [1, 2, 3]}}],
)
RAW = ROW.SerializeToString()
INFER = "inference.GRPCInferenceService/ModelInfer"
BOMB = gzip.compress(bytes(64 * 2**20), 9)
GZIP = header("grpc-encoding", "gzip")
KEPT = b"\x40" + header("x" * 30, "y" * 3900)[1:]
"""A header that the receiver keeps; one byte names it again."""
STREAMS = range(1, 2 * MANY, 2)

ABUSES: dict[str, tuple[bytes, ...]] = {
    "HTTP/1.1": (b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",),
    "another preface": (PREFACE.replace(b"SM", b"XX") * 100,),
    "noise": (random.Random(1).randbytes(4096),),
    "a frame longer than is allowed": (PREFACE, frame(SETTINGS), frame(DATA, 1, b"x" * 20_000, told=2**24 - 1)),
    "half a frame": (PREFACE, frame(SETTINGS), frame(HEADERS, 1, b"x", told=16_000)),
    "settings without end": (PREFACE, frame(SETTINGS) * MANY),
    "settings that are none": (PREFACE, frame(SETTINGS, 0, b"12345"), frame(SETTINGS, 3, b"")),
    "a window of 2^32": (PREFACE, frame(SETTINGS, 0, struct.pack("!HI", 4, 2**32 - 1))),
    "windows that overflow": (PREFACE, frame(SETTINGS), frame(WINDOW, 0, struct.pack("!I", 2**31 - 1)) * 100),
    "pings without end": (PREFACE, frame(SETTINGS), frame(PING, 0, b"12345678") * MANY),
    "rapid resets": (
        PREFACE,
        frame(SETTINGS),
        b"".join(request(each) + frame(RST, each, b"\0\0\0\x08") for each in STREAMS),
    ),
    "frames of unknown kinds": (PREFACE, frame(SETTINGS), frame(200, 0, b"x" * 1000) * 1000),
    "data of no stream": (PREFACE, frame(SETTINGS), frame(DATA, 0, b"x"), frame(DATA, 99, b"x") * 100),
    "streams that go back": (PREFACE, frame(SETTINGS), call(told(RAW), 9), call(told(RAW), 3), call(told(RAW), 2)),
    "headers without end": (
        PREFACE,
        frame(SETTINGS),
        frame(HEADERS, 1, header("a", "b")),
        frame(CONTINUATION, 1, header("a", "b" * 100)) * MANY,
    ),
    "one header of a megabyte": (
        PREFACE,
        frame(SETTINGS),
        frame(HEADERS, 1, header("a", "b" * 2**20)[:16_000]),
        *(frame(CONTINUATION, 1, b"b" * 16_000) for _ in range(64)),
        frame(CONTINUATION, 1, b"", END_HEADERS),
    ),
    "a header named again and again": (PREFACE, frame(SETTINGS), request(1, more=KEPT + b"\xbe" * 8000)),
    "a header that is no HPACK": (PREFACE, frame(SETTINGS), frame(HEADERS, 1, b"\xff" * 100, END_HEADERS)),
    "a message shorter than it says": (PREFACE, frame(SETTINGS), call(told(RAW, told=len(RAW) + 9))),
    "a message of two gigabytes, it says": (PREFACE, frame(SETTINGS), call(told(RAW, told=2**31 - 1))),
    "a message longer than it says": (PREFACE, frame(SETTINGS), call(told(RAW, told=3))),
    "no message": (PREFACE, frame(SETTINGS), call(b"")),
    "many messages": (PREFACE, frame(SETTINGS), call(told(RAW) * 50)),
    "a message that is no protobuf": (PREFACE, frame(SETTINGS), call(told(b"\xff" * 100))),
    "compressed, it says": (PREFACE, frame(SETTINGS), call(told(RAW, compressed=True))),
    "a bomb": (
        PREFACE,
        frame(SETTINGS),
        request(1, more=GZIP),
        *(
            frame(DATA, 1, told(BOMB, compressed=True)[start : start + 16_000])
            for start in range(0, len(BOMB) + 5, 16_000)
        ),
    ),
    "another content type": (PREFACE, frame(SETTINGS), call(told(RAW), kind="text/html")),
    "no path": (PREFACE, frame(SETTINGS), call(told(RAW), path="")),
    "another method": (PREFACE, frame(SETTINGS), call(told(RAW), path="/a.B/C")),
    "a path of 16 KB": (PREFACE, frame(SETTINGS), call(told(RAW), path="/" + "a" * 16_000)),
    "good-bye, and more": (PREFACE, frame(SETTINGS), frame(GOAWAY, 0, bytes(8)), call(told(RAW)) * 3),
}


GROWN = 24
"""Megabytes that allocators keep for later."""


@pytest.fixture(scope="module")
def door(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grpc]:
    """A server with a port for gRPC that takes 72 calls at once, 36 of a connection, and waits two seconds for each."""
    options = ("--model-uri", bundle.as_uri(), "--queue", "8", "--receive-seconds", "2")
    with serving_grpc(tmp_path_factory.mktemp("abused"), *options) as served:
        yield served


def _memory(door: Grpc) -> float:
    return float(psutil.Process(door.server.process.pid).memory_info().rss) / 2**20


def _abused(door: Grpc) -> None:
    for name, parts in ABUSES.items():
        with connected(door.port, greeted=False) as wire:
            wire.send(*parts)
            wire.answer(0.5)
        assert door.call(INFER, ROW).outputs, name


def test_what_is_no_grpc_hurts_nobody_and_takes_no_memory(door: Grpc) -> None:
    """A good client is answered after each; a second time takes no memory that the first did not."""
    _abused(door)
    before = _memory(door)

    _abused(door)

    assert _memory(door) - before < GROWN


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        pytest.param(call(told(RAW), path="/a.B/C"), b"Method not found", id="another method"),
        pytest.param(call(told(b"\xff" * 9)), b"found Error parsing message", id="no protobuf"),
        pytest.param(call(b""), b"found nothing; expected one message", id="no message"),
        pytest.param(call(told(b"", told=2**31 - 1)), b"larger than max", id="two gigabytes"),
        pytest.param(call(told(RAW, compressed=True)), b"no encoding configured", id="compressed, it says"),
    ],
)
def test_a_bad_call_is_told_why(door: Grpc, sent: bytes, said: bytes) -> None:
    """In the status's text."""
    with connected(door.port) as wire:
        wire.send(sent)

        assert wire.says(said)


def test_a_message_that_grows_when_unpacked_is_refused_before_it_is_whole(door: Grpc) -> None:
    """64 megabytes of nothing, compressed, where 16 are allowed."""
    before = _memory(door)
    code, details = refusal(
        lambda: door.channel.unary_unary(f"/{INFER}")(bytes(64 * 2**20), compression=grpc.Compression.Gzip, timeout=20)
    )

    assert (code, "larger than max" in details) == (grpc.StatusCode.RESOURCE_EXHAUSTED, True)
    assert _memory(door) - before < 2 * GROWN


BEGUN = {
    "no message": request(1),
    "half a message": request(1) + frame(DATA, 1, told(RAW, told=999)),
}


@pytest.mark.parametrize("begun", BEGUN.values(), ids=BEGUN)
def test_calls_that_never_come_whole_are_ended_and_leave_room_for_others(door: Grpc, begun: bytes) -> None:
    """More of them than the server takes at once, over some connections; good clients are answered again in time."""
    each = [begun.replace(struct.pack("!I", 1), struct.pack("!I", stream)) for stream in range(1, 72, 2)]
    with ExitStack() as stack:
        wires = [stack.enter_context(connected(door.port)) for _ in range(3)]
        for wire in wires:
            wire.send(*each)

        assert any(wire.says(b"did not arrive within 2 s") for wire in wires)
        wait_until(lambda: _answered(door), message="a good client is answered")


def _answered(door: Grpc) -> bool:
    try:
        return bool(door.call(INFER, ROW, timeout=1).outputs)
    except grpc.RpcError:
        return False
