"""HTTP/2 frames written by hand, right and wrong, for tests that abuse a port of gRPC."""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 7, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
INFER = "/inference.GRPCInferenceService/ModelInfer"


def frame(kind: int, stream: int = 0, payload: bytes = b"", flags: int = 0, *, told: int | None = None) -> bytes:
    """One frame; ``told`` lies about its length."""
    length = len(payload) if told is None else told
    return struct.pack("!I", length)[1:] + bytes([kind, flags]) + struct.pack("!I", stream) + payload


def header(name: str, value: str) -> bytes:
    """One header, neither indexed nor compressed."""
    parts = [part.encode() for part in (name, value)]
    return b"\0" + b"".join(_length(len(part)) + part for part in parts)


def _length(size: int) -> bytes:
    if size < 127:
        return bytes([size])
    made, rest = bytearray([127]), size - 127
    while rest >= 128:
        made.append(rest % 128 + 128)
        rest //= 128
    return bytes([*made, rest])


def request(stream: int = 1, *, path: str = INFER, kind: str = "application/grpc", more: bytes = b"") -> bytes:
    """The headers that begin a call."""
    fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": "a", "content-type": kind}
    block = b"".join(header(name, value) for name, value in (fields | {"te": "trailers"}).items())
    return frame(HEADERS, stream, block + more, END_HEADERS)


def message(payload: bytes = b"", *, told: int | None = None, compressed: bool = False) -> bytes:
    """GRPC's own prefix and a message; ``told`` lies about its length."""
    return bytes([compressed]) + struct.pack("!I", len(payload) if told is None else told) + payload


def call(payload: bytes, stream: int = 1, *, path: str = INFER, kind: str = "application/grpc") -> bytes:
    """A whole call, with these bytes as all of its data."""
    return request(stream, path=path, kind=kind) + frame(DATA, stream, payload, END_STREAM)


@dataclass(slots=True)
class Wire:
    """A client's end."""

    socket: socket.socket

    def send(self, *parts: bytes) -> bool:
        """All of them; False if the server has gone."""
        try:
            for part in parts:
                self.socket.sendall(part)
        except OSError:
            return False
        return True

    def answer(self, seconds: float = 3.0) -> bytes:
        """What comes until the server closes, or is silent for so long."""
        got = bytearray()
        self.socket.settimeout(seconds)
        with suppress(OSError):
            while part := self.socket.recv(65536):
                got += part
                self.socket.settimeout(0.3)
        return bytes(got)

    def says(self, text: bytes) -> bool:
        """Whether this comes before the server closes, or is silent for ten seconds."""
        got = b""
        self.socket.settimeout(10)
        with suppress(OSError):
            while text not in got and (part := self.socket.recv(65536)):
                got = got[-1000:] + part
        return text in got


@contextmanager
def connected(port: int, *, greeted: bool = True) -> Iterator[Wire]:
    """A connection, which has said what a client of HTTP/2 says first."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as opened:
        wire = Wire(opened)
        if greeted:
            wire.send(PREFACE, frame(SETTINGS))
        yield wire
