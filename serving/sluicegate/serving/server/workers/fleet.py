"""The process that starts the workers of one port, replaces those that die, and ends them; for ``app.main``.

Workers are processes of their own, started with the same options, that share the port (SO_REUSEPORT): the kernel gives
each new connection to one of those that listen. Until all have loaded none calls itself ready, and one that ends ends
them all, with its exit code. From then on one that ends, or says nothing for too long, is replaced; its replacement
listens only when its model is warm. If this process is killed, workers drain and end.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic

import msgspec

from sluicegate.serving.server.journal import Journal
from sluicegate.serving.server.settings import Settings
from sluicegate.serving.server.workers.channel import Channel, Said
from sluicegate.serving.server.workers.place import PLACE, Given
from sluicegate.serving.server.workers.sums import Figures, figures_of, together

_LOOK_SECONDS = 0.1
_COLLECT_SECONDS = 10.0
"""So old is at most what is known of a worker that is killed."""
_ANSWER_SECONDS = 1.0
"""A scrape waits no longer for a worker; what it said last is taken."""
_STARTING_SECONDS = 60.0
_GRACE_SECONDS = 5.0
"""Beyond the time that draining may take, until a worker is killed."""
_PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before a replacement, by how many died in a row before they were loaded."""


@dataclass(slots=True, eq=False)
class _Worker:
    """One process."""

    number: int
    process: "subprocess.Popen[bytes]"
    channel: Channel
    heard: float = field(default_factory=lambda: monotonic() + _STARTING_SECONDS)
    """When it said something last; a process that starts has not begun to speak."""
    loaded: bool = False
    figures: Figures = field(default_factory=Figures)
    listening: "asyncio.Task[None] | None" = None


class Fleet:
    """``settings.workers`` of them, each started with ``arguments``."""

    def __init__(self, settings: Settings, arguments: Sequence[str]) -> None:
        self._settings, self._arguments = settings, tuple(arguments)
        self._journal = Journal(settings.output)
        self._workers: dict[int, _Worker] = {}
        self._ended = Figures()
        self._deaths: dict[int, int] = {}
        self._due: dict[int, float] = {}
        self._questions: dict[int, asyncio.Event] = {}
        self._scrapes: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._together = False
        """Whether all have been loaded once."""

    async def run(self) -> int:
        """Until a signal, or until the first start fails; returns the exit code. Raises OSError for a taken port."""
        for port in (self._settings.http_port, self._settings.grpc_port, self._settings.own_metrics_port):
            _check_free(self._settings.host, port)
        loop = asyncio.get_running_loop()
        for told in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(told, self._stop.set)
        for number in range(self._settings.workers):
            await self._start(number)
        code = await self._tend()
        return await self._finish(code)

    async def _tend(self) -> int:
        """Look after them; returns what the first one to end before all were loaded returned, or 0 after a signal."""
        collected = monotonic()
        while not self._stop.is_set():
            for worker in tuple(self._workers.values()):
                code = self._look(worker)
                if code is not None and not self._together:
                    return code if code > 0 else 1
            await self._replace()
            if monotonic() - collected > _COLLECT_SECONDS:
                collected = monotonic()
                self._ask(0)
            try:
                await asyncio.wait_for(self._stop.wait(), _LOOK_SECONDS)
            except TimeoutError:
                continue
        return 0

    def _look(self, worker: _Worker) -> int | None:
        """The exit code of a worker that ended; one that says nothing is killed, and has ended at the next look."""
        code = worker.process.poll()
        if code is None:
            silent = monotonic() - worker.heard
            if silent > self._settings.worker_silence_seconds:
                self._journal.say("worker silent", worker=worker.number, seconds=round(silent))
                worker.process.kill()
                worker.heard = monotonic()
            return None
        if worker.listening is not None and not worker.listening.done():
            return None  # its last figures are still to be read
        self._bury(worker, code)
        return code

    def _bury(self, worker: _Worker, code: int) -> None:
        del self._workers[worker.number]
        self._ended.add(worker.figures)
        died = 0 if worker.loaded else self._deaths.get(worker.number, 0) + 1
        self._deaths[worker.number] = died
        pause = _PAUSES[min(died, len(_PAUSES) - 1)]
        self._due[worker.number] = monotonic() + pause
        if self._together:
            self._journal.say("worker ended", worker=worker.number, code=code, replaced_in_seconds=pause)

    async def _replace(self) -> None:
        for number, due in tuple(self._due.items()):
            if monotonic() >= due:
                del self._due[number]
                await self._start(number)

    async def _start(self, number: int) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            given = Given(number, theirs.fileno(), late=self._together)
            process = subprocess.Popen(  # noqa: ASYNC220  (our own command; starting takes a millisecond)
                (sys.executable, "-m", "sluicegate.serving.server", *self._arguments),
                env={**os.environ, PLACE: msgspec.json.encode(given).decode()},
                pass_fds=(theirs.fileno(),),
            )
        worker = _Worker(number, process, await Channel.over(ours))
        worker.listening = asyncio.create_task(self._listen(worker))
        self._workers[number] = worker

    async def _listen(self, worker: _Worker) -> None:
        async for said in worker.channel.heard():
            worker.heard = monotonic()
            match said.word:
                case "loaded":
                    self._loaded(worker)
                case "figures":
                    worker.figures = figures_of(said.text)
                    self._answered(said.number)
                case "scrape":
                    worker.figures = figures_of(said.text)
                    task = asyncio.create_task(self._scrape(worker, said.number))
                    self._scrapes.add(task)
                    task.add_done_callback(self._scrapes.discard)
        await worker.channel.close()

    def _loaded(self, worker: _Worker) -> None:
        worker.loaded = True
        if self._together:
            worker.channel.say(Said("go"))
            self._journal.say("worker replaced", worker=worker.number)
        elif len(self._workers) == self._settings.workers and all(each.loaded for each in self._workers.values()):
            self._together = True
            for each in self._workers.values():
                each.channel.say(Said("go"))
            self._journal.say("all workers ready", workers=self._settings.workers)

    async def _scrape(self, asking: _Worker, number: int) -> None:
        others = [each for each in self._workers.values() if each is not asking]
        await asyncio.gather(*(self._fresh(each) for each in others))
        alive = {each.number: each.figures for each in sorted(self._workers.values(), key=_by_number)}
        asking.channel.say(Said("scraped", number, together(alive, self._ended)))

    async def _fresh(self, worker: _Worker) -> None:
        question = max(self._questions, default=0) + 1
        told = self._questions[question] = asyncio.Event()
        worker.channel.say(Said("collect", question))
        try:
            await asyncio.wait_for(told.wait(), _ANSWER_SECONDS)
        except TimeoutError:
            return
        finally:
            del self._questions[question]

    def _answered(self, question: int) -> None:
        told = self._questions.get(question)
        if told is not None:
            told.set()

    def _ask(self, question: int) -> None:
        for worker in self._workers.values():
            worker.channel.say(Said("collect", question))

    async def _finish(self, code: int) -> int:
        """End all, gently, then not."""
        for worker in self._workers.values():
            worker.process.send_signal(signal.SIGTERM)
        deadline = monotonic() + self._settings.drain_seconds + _GRACE_SECONDS
        while self._left() and monotonic() < deadline:  # noqa: ASYNC110  (the end of a process has no event)
            await asyncio.sleep(_LOOK_SECONDS)
        for worker in self._left():
            worker.process.kill()
            worker.process.wait()
        self._journal.say("all workers ended", workers=self._settings.workers)
        return code

    def _left(self) -> list[_Worker]:
        return [each for each in self._workers.values() if each.process.poll() is None]


def _by_number(worker: _Worker) -> int:
    return worker.number


def _check_free(host: str, port: int) -> None:
    """Workers share the port with whoever else says so; a stranger is found here. Raises OSError."""
    if not port:
        return
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise OSError(f"cannot listen on {host} port {port}: {error.strerror}; free it or give another") from error
