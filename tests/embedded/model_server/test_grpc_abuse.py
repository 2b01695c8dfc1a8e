"""What no client of gRPC does, on its port: afterwards the server answers as before, and its memory is what it was."""

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from tests.embedded.model_server.grpc_rig import Grpc, message, serving_grpc
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

pytestmark = pytest.mark.embedded
MANY = 5000
ROW = message(
    "inference.ModelInferRequest",
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
    "noise": (os.urandom(4096),),
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


@pytest.fixture(scope="module")
def door(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> "object":
    """A server with a port for gRPC."""
    with serving_grpc(tmp_path_factory.mktemp("abused"), "--model-uri", bundle.as_uri()) as served:
        yield served


def _memory(door: Grpc) -> float:
    return float(psutil.Process(door.server.process.pid).memory_info().rss) / 2**20


if __name__ == "__main__":
    import sys, time
    from tests.embedded.model_server.h2_wire import connected
    port, pid = int(sys.argv[1]), int(sys.argv[2])
    import grpc
    ch = grpc.insecure_channel(f"127.0.0.1:{port}")
    infer = ch.unary_unary("/"+INFER)
    req = message("inference.ModelInferRequest", modelName="model", inputs=[{"name": "x", "datatype": "FP64", "shape": [1, 4], "contents": {"fp64Contents": [1, 2, 3,4]}}]).SerializeToString()
    infer(req)
    for name, parts in ABUSES.items():
        before = psutil.Process(pid).memory_info().rss/2**20
        t = time.time()
        with connected(port, greeted=False) as wire:
            sent = wire.send(*parts); got = wire.answer(2)
        took = time.time()-t
        t = time.time(); infer(req, timeout=5)
        print(f"{name:40} sent={sent} got={len(got)} {took:.1f}s good={time.time()-t:.2f}s rss {before:.0f} -> {psutil.Process(pid).memory_info().rss/2**20:.0f}", got[-60:] if len(got)<400 else '')
