"""A server's place: alone, or as one of several workers behind one port; for ``app``.

A worker says when it is loaded and is told when it may call itself ready; it hears what all have counted; and it ends
when the process that started it does.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Protocol

import msgspec

from sluicegate.serving.server.workers.channel import Channel, Said

PLACE = "SLUICEGATE_WORKER_PLACE"
"""Environment of a worker: a ``Given``."""
_BEAT_SECONDS = 1.0
_SCRAPE_SECONDS = 2.0


class Given(msgspec.Struct, frozen=True):
    """What a worker is started with. ``late``: others serve already, so it listens only when it is loaded."""

    number: int
    descriptor: int
    late: bool = False


class Place(Protocol):
    """Where a server stands among others."""

    @property
    def number(self) -> int | None:
        """Which of several; None: there are no others."""

    @property
    def late(self) -> bool:
        """Whether it must not listen before it is loaded."""

    async def join(self, own: Callable[[], str], ended: Callable[[], None]) -> None:
        """Begin. ``own`` gives this server's figures; ``ended`` is called when it must end."""

    async def loaded(self) -> None:
        """Say so, and return when the server may call itself ready."""

    def figures(self, done: Callable[[str], None]) -> None:
        """Give ``done`` the figures of all, as Prometheus' text, now or soon."""

    async def leave(self) -> None:
        """Say the last word."""


class Alone:
    """The only server on its port."""

    number: int | None = None
    late = False

    def __init__(self) -> None:
        self._own: Callable[[], str] = str

    async def join(self, own: Callable[[], str], ended: Callable[[], None]) -> None:  # noqa: ARG002  (the port's)
        """As the port says."""
        self._own = own

    async def loaded(self) -> None:
        """As the port says: at once."""

    def figures(self, done: Callable[[str], None]) -> None:
        """As the port says: at once."""
        done(self._own())

    async def leave(self) -> None:
        """As the port says: nobody listens."""


class Worker:
    """One of several."""

    def __init__(self, given: Given) -> None:
        self.number: int | None = given.number
        self.late = given.late
        self._end = socket.socket(fileno=given.descriptor)
        self._go = asyncio.Event()
        self._asked: dict[int, Callable[[str], None]] = {}
        self._questions = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self, own: Callable[[], str], ended: Callable[[], None]) -> None:
        """As the port says."""
        self._own = own
        self._channel = await Channel.over(self._end)
        self._tasks = [asyncio.create_task(self._listen(ended)), asyncio.create_task(self._beat())]

    async def loaded(self) -> None:
        """As the port says."""
        self._channel.say(Said("loaded"))
        await self._go.wait()

    def figures(self, done: Callable[[str], None]) -> None:
        """As the port says; if the others' cannot be had in time, these are of this worker alone."""
        self._questions += 1
        number = self._questions
        self._asked[number] = done
        self._channel.say(Said("scrape", number, self._own()))
        asyncio.get_running_loop().call_later(_SCRAPE_SECONDS, self._told, number, None)

    async def leave(self) -> None:
        """As the port says."""
        self._channel.say(Said("figures", text=self._own()))
        await self._channel.close()
        for task in self._tasks:
            task.cancel()

    async def _listen(self, ended: Callable[[], None]) -> None:
        async for said in self._channel.heard():
            match said.word:
                case "go":
                    self._go.set()
                case "collect":
                    self._channel.say(Said("figures", said.number, self._own()))
                case "scraped":
                    self._told(said.number, said.text)
        ended()

    async def _beat(self) -> None:
        with suppress(OSError):
            while True:
                self._channel.say(Said("beat"))
                await asyncio.sleep(_BEAT_SECONDS)

    def _told(self, number: int, text: str | None) -> None:
        done = self._asked.pop(number, None)
        if done is not None:
            done(self._own() if text is None else text)


def place_of(environment: Mapping[str, str]) -> Place:
    """The place that this process was started for."""
    given = environment.get(PLACE)
    if given is None:
        return Alone()
    os.environ.pop(PLACE, None)  # a process that the model starts is no worker
    return Worker(msgspec.json.decode(given, type=Given))
