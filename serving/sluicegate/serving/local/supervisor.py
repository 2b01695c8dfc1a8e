"""The supervisor: keeps a desired set of real processes running, over their deaths and over its own.

``apply`` says what should run, ``observe`` how it stands; ``run`` does the work. Processes live in their own sessions
and are written down, so that a plane that was killed finds them again: what is still asked for is adopted, what changed
is replaced one by one, what nobody asks for is ended. Groups are applied each by its owner (the plane's own parts, the
model servers, the workflows), and nothing of a group is ended before its owner spoke.
"""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sluicegate.serving.local.probing import HttpProbe, Probe
from sluicegate.serving.local.process_records import Record, Records
from sluicegate.serving.local.processes import ProcessSpec, ProcessState, Timing
from sluicegate.serving.local.running import kill_all
from sluicegate.serving.local.tending import Tender


@dataclass(slots=True)
class _Life:
    tender: Tender
    task: asyncio.Task[None]


class Supervisor:
    """Processes of one home. All but ``run`` and ``stop`` return at once; everything happens on one event loop."""

    def __init__(self, home: Path, *, timing: Timing | None = None, probe: Probe | None = None) -> None:
        self._home, self._timing = home.resolve(), timing or Timing()
        self._own_probe = None if probe else HttpProbe(self._timing.probe_timeout)
        self._probe: Probe = probe or self._own_probe or HttpProbe(self._timing.probe_timeout)
        self._records = Records(self._home / "run")
        self._desired: dict[str, dict[str, ProcessSpec]] = {}
        self._kept: dict[str, frozenset[str]] = {}
        self._lives: dict[str, _Life] = {}
        self._wake = asyncio.Event()
        self._replacing: tuple[str, float] | None = None
        self._stopping = False

    @property
    def recorded(self) -> tuple[Record, ...]:
        """What the last plane wrote down; for keeping ports."""
        return self._records.all()

    def apply(self, specs: Iterable[ProcessSpec], *, group: str = "plane", keep: frozenset[str] = frozenset()) -> None:
        """Have exactly these run, of this group. Those named in ``keep`` are neither ended nor started again."""
        self._desired[group] = {spec.name: spec for spec in specs}
        self._kept[group] = keep
        self._wake.set()

    def observe(self) -> tuple[ProcessState, ...]:
        """Every process that runs, should run, is held, or finished; by name."""
        found = {name: life.tender.state for name, life in self._lives.items()}
        for specs in self._desired.values():
            for spec in specs.values():
                waiting = ProcessState(name=spec.name, revision=spec.revision, state="Starting", port=spec.port)
                found.setdefault(spec.name, waiting)
        return tuple(found[name] for name in sorted(found))

    def hold(self, name: str) -> None:
        """Stop it, and keep it stopped, until ``release``."""
        self._records.hold(name, held=True)
        self._nudge(name)

    def release(self, name: str) -> None:
        """Start it again; also ends the waiting of one that failed."""
        self._records.hold(name, held=False)
        self._nudge(name)

    async def run(self) -> None:
        """Adopt what runs, then bring all after what is desired, until cancelled; the processes then run on."""
        for record in self._records.all():
            if record.name not in self._lives:
                self._begin(record.name, record.group, None)
        try:
            while True:
                self._reconcile()
                self._wake.clear()
                try:
                    await asyncio.wait_for(self._wake.wait(), 0.1)
                except TimeoutError:
                    continue
        finally:
            self._leave()

    async def stop(self) -> None:
        """End every process of this home, each with its grace, all at the same time. For good: it runs no more."""
        self._stopping = True
        self._desired.clear()
        self._lives = {name: life for name, life in self._lives.items() if not life.task.done()}
        for record in self._records.all():
            if record.name not in self._lives and not record.ended:
                self._begin(record.name, record.group, None)
        for life in self._lives.values():
            life.tender.end(forget=False)
        await asyncio.gather(*(life.task for life in self._lives.values()), return_exceptions=True)
        kill_all(f"{self._home}|")
        self._lives.clear()
        if self._own_probe is not None:
            await self._own_probe.close()

    def _leave(self) -> None:
        if not self._stopping:
            for life in self._lives.values():
                life.task.cancel()

    def _reconcile(self) -> None:
        if self._stopping:
            return
        for name, life in list(self._lives.items()):
            if life.task.done() and life.tender.ending:
                del self._lives[name]
            elif life.task.done() and not life.task.cancelled() and life.task.exception() is not None:
                # A tender that broke (a disk that refuses) is begun anew; its process is in the record.
                del self._lives[name]
        for group, specs in self._desired.items():
            for spec in specs.values():
                self._want(group, spec)
            for name, life in list(self._lives.items()):
                if life.tender.group == group and not (name in specs or name in self._kept[group]):
                    self._end(name, life)

    def _want(self, group: str, spec: ProcessSpec) -> None:
        life = self._lives.get(spec.name)
        if life is None:
            self._begin(spec.name, group, spec)
        elif life.tender.revision == spec.revision and not life.tender.ending:
            life.tender.adopt(spec)
        elif not life.tender.ending and self._may_replace(spec.name):
            self._end(spec.name, life)

    def _may_replace(self, name: str) -> bool:
        if self._replacing is not None:
            other, since = self._replacing
            life = self._lives.get(other)
            settled = (
                life is not None and not life.tender.ending and life.tender.state.state not in {"Starting", "Draining"}
            )
            if not settled and time.monotonic() - since < self._timing.replacement:
                return False
        self._replacing = (name, time.monotonic())
        return True

    def _begin(self, name: str, group: str, spec: ProcessSpec | None) -> None:
        tender = Tender(
            name, group, spec, home=self._home, records=self._records, probe=self._probe, timing=self._timing
        )
        self._lives[name] = _Life(tender, asyncio.create_task(tender.run(), name=f"tend {name}"))

    def _end(self, name: str, life: _Life) -> None:
        if not life.tender.ending:
            life.tender.end()
        if life.task.done():
            # Finished long ago: only its record is left.
            self._records.remove(name)
            del self._lives[name]

    def _nudge(self, name: str) -> None:
        if name in self._lives:
            self._lives[name].tender.nudge()
