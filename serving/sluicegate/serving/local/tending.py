"""The life of one process, told in order: start it, wait until it is ready, watch it, and when it ends, begin again.

One tender per process, run by the supervisor as a task. It may be told to end the process, or that a person holds it.
Whatever it does is written down first, so that another plane can go on from any line.
"""

import asyncio
import math
import signal
import time
import uuid
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sluicegate.serving.local.probing import Answer, Probe
from sluicegate.serving.local.process_records import Record, Records, last_lines, log_path, rotate
from sluicegate.serving.local.processes import (
    REFUSED_EXIT,
    REFUSED_PREFIX,
    ProcessSpec,
    ProcessState,
    RunState,
    Timing,
)
from sluicegate.serving.local.running import Running, find, kill_all, start


class Tender:
    """Keeps one process running until told to end it. ``spec`` is None for one that was found and nobody asked for."""

    def __init__(
        self,
        name: str,
        group: str,
        spec: ProcessSpec | None,
        *,
        home: Path,
        records: Records,
        probe: Probe,
        timing: Timing,
    ) -> None:
        self.group, self.spec, self.ending = group, spec, False
        self._forget = True
        self._killed_because = ""
        self._home, self._records, self._probe, self._timing = home, records, probe, timing
        self._log = log_path(home, name)
        self._wake = asyncio.Event()
        self._record = records.read(name) or Record(name=name, group=group, mark="")
        self.revision = spec.revision if spec else self._record.revision
        self._failures = 0
        self.state = ProcessState(
            name=name, revision=self.revision, state="Starting", port=spec.port if spec else self._record.port
        )

    def end(self, *, forget: bool = True) -> None:
        """Have the process ended; the task is done when it is gone.

        Without ``forget`` one that is started at most once stays written down as ended.
        """
        self.ending, self._forget = True, forget
        self._wake.set()

    def adopt(self, spec: ProcessSpec) -> None:
        """From now on it is asked for, as it runs."""
        self.spec = spec
        self.state = replace(self.state, port=spec.port)

    def nudge(self) -> None:
        """Look again at once: its hold changed, or a person wants it started now."""
        self._wake.set()

    async def run(self) -> None:
        """The whole life; returns when the process is ended for good, or finished and not to be started again."""
        process = find(self._record) if self._record.mark and not self._record.ended else None
        if process is not None:
            self._write(pid=process.pid, create_time=process.create_time)
            if self._record.revision != self.revision:
                await self._stop(process)
                process = None
        while not self.ending:
            if process is None and self._records.held(self.state.name):
                await self._rest("Held", None)
            elif process is None and self._is_spent():
                self._finish()
                return
            else:
                process = process or await self._start()
                if process is not None:
                    await self._watch(process)
                    process = await self._settle(process)
        if process is not None:
            await self._stop(process)
        if self._is_spent() and not self._forget:
            self._write(ended=True)
        else:
            self._records.remove(self.state.name)

    def _is_spent(self) -> bool:
        restart = self.spec.restart if self.spec else self._record.restart
        return not restart and bool(self._record.mark) and self._record.revision == self.revision

    def _finish(self) -> None:
        self._write(ended=True)
        message = self.state.message or self._last_words("ended while nobody watched")
        self.state = replace(self.state, state="Finished", pid=0, message=message)

    async def _start(self) -> Running | None:
        spec = self.spec
        if spec is None:
            self.ending = True
            return None
        mark = f"{self._home}|{spec.name}|{uuid.uuid4().hex}"
        try:
            rotate(self._log)
            self._record = Record(
                name=spec.name,
                group=self.group,
                mark=mark,
                revision=spec.revision,
                port=spec.port,
                ready_url=spec.ready_url,
                grace_seconds=spec.grace_seconds,
                restart=spec.restart,
                log_start=self._log.stat().st_size if self._log.exists() else 0,
            )
            self._records.write(self._record)
            process = start(spec.command, spec.environment, mark, self._log)
            self._write(pid=process.pid, create_time=process.create_time)
        except OSError as error:
            # A write that failed after the start must not leave a process that nobody knows.
            kill_all(mark)
            await self._fail(f"cannot start {spec.command[0]}: {error.strerror or error}", None)
            return None
        self.state = replace(self.state, state="Starting", pid=process.pid, exit_code=None, body=b"")
        return process

    async def _watch(self, process: Running) -> None:
        """Until it ends, is to be ended, is held, or has been silent for too long."""
        url = self.spec.ready_url if self.spec else self._record.ready_url
        since_ready: float | None = None
        last_answer = time.monotonic()
        missed = 0
        while not (self.ending or process.ended() or self._records.held(self.state.name)):
            answer = await self._probe.ask(url) if url else Answer(answered=True, ready=True)
            now = time.monotonic()
            last_answer = now if answer.answered else last_answer
            missed = 0 if answer.ready else missed + 1
            if answer.ready:
                since_ready = since_ready or now
                if now - since_ready >= self._timing.healthy_after:
                    self._failures = 0
                self._show("Ready", process, answer)
            elif since_ready is None or answer.answered or missed > 1:
                # One late answer of a busy server is no news.
                self._show("Starting", process, answer)
            if since_ready is not None and now - last_answer > self._timing.silence:
                self._killed_because = f"did not answer for {self._timing.silence:g} s and was killed"
                process.kill()
            await self._sleep(
                self._timing.ready_poll if self.state.state == "Ready" else self._timing.starting_poll, process
            )

    def _show(self, state: RunState, process: Running, answer: Answer) -> None:
        if not process.ended():
            message = "" if state == "Ready" else self.state.message
            self.state = replace(self.state, state=state, pid=process.pid, body=answer.body, message=message)

    async def _settle(self, process: Running) -> Running | None:
        """What follows from why the watch is over; returns the process when the end of the life has to stop it."""
        if self.ending:
            return process
        if not process.ended():
            await self._stop(process)
            return None
        kill_all(process.mark)
        code = process.exit_code
        message, self._killed_because = self._last_words(self._killed_because or _ending(code)), ""
        if self._is_spent():
            self.state = replace(self.state, message=message, exit_code=code)
            return None
        self.state = replace(self.state, restarts=self.state.restarts + 1)
        await self._fail(message, code)
        return None

    async def _fail(self, message: str, code: int | None) -> None:
        self._failures += 1
        self.state = replace(self.state, message=message, exit_code=code, pid=0)
        refused = code == REFUSED_EXIT or (code is None and message.startswith(REFUSED_PREFIX))
        await self._rest("Failed", self._timing.delay(self._failures, refused=refused))

    def _last_words(self, how: str) -> str:
        lines = last_lines(self._log, start=self._record.log_start)
        if lines and lines[-1].startswith(REFUSED_PREFIX):
            return lines[-1]
        return ": ".join([how, *([" | ".join(lines)] if lines else [])])

    async def _rest(self, state: RunState, seconds: float | None) -> None:
        self.state = replace(self.state, state=state, pid=0)
        await self._sleep(seconds, None)

    async def _stop(self, process: Running) -> None:
        """Ask, wait for the grace, then take it and everything of it down."""
        self.state = replace(self.state, state="Draining")
        grace = self.spec.grace_seconds if self.spec else self._record.grace_seconds
        process.terminate()
        await _gone(process, grace)
        process.kill()
        await _gone(process, math.inf)
        self.state = replace(self.state, pid=0)

    async def _sleep(self, seconds: float | None, process: Running | None) -> None:
        """At most so long; shorter when told something, or when the process ends."""
        deadline = time.monotonic() + (math.inf if seconds is None else seconds)
        while (left := deadline - time.monotonic()) > 0 and not (process and process.ended()):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), min(left, 0.1 if process else 3600.0))
                break
        self._wake.clear()

    def _write(self, **changes: Any) -> None:
        self._record = replace(self._record, **changes)
        self._records.write(self._record)


async def _gone(process: Running, within: float) -> None:
    deadline = time.monotonic() + within
    # An adopted process is nobody's child here: there is no event of its end to wait for.
    while not process.ended() and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


def _ending(code: int | None) -> str:
    if code is None:
        return "ended while nobody watched"
    if code < 0:
        with suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"
