"""What a worker and the process that started it say to each other: JSON, a line each, over a pair of sockets.

Either side ends: the other reads the end of the stream. Whatever else the lines say is in ``Said``.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Literal

import msgspec

_LONGEST = 256 * 1024 * 1024
"""Of a line: an exposition with very many series."""

Word = Literal["beat", "loaded", "go", "figures", "collect", "scrape", "scraped"]
"""From the worker: ``beat`` every second, ``loaded`` when its model is warm, ``figures`` with its exposition when asked
and before it ends, ``scrape`` when a client asks it for everybody's. To the worker: ``go`` when it may say ready,
``collect`` asks for its figures, ``scraped`` answers."""


class Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line."""

    word: Word
    number: int = 0
    """Which question this asks or answers."""
    text: str = ""


class Channel:
    """One end of it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def over(cls, end: socket.socket) -> "Channel":
        """A channel over one of a pair of sockets."""
        return cls(*await asyncio.open_unix_connection(sock=end, limit=_LONGEST))

    def say(self, said: Said) -> None:
        """Send, sooner or later; nothing if the other side is gone."""
        if not self._writer.is_closing():
            self._writer.write(msgspec.json.encode(said) + b"\n")

    async def heard(self) -> AsyncIterator[Said]:
        """What the other side says, until it ends."""
        try:
            while line := await self._reader.readline():
                yield msgspec.json.decode(line, type=Said)
        except (OSError, msgspec.DecodeError, ValueError):
            # A process that was killed in the middle of a line has ended, too.
            return

    async def close(self) -> None:
        """Send what is to be sent, and end."""
        with suppress(OSError):
            await self._writer.drain()
        self._writer.close()
