"""A storm over a plane: processes killed in a random order that a seed decides, and what has to be so afterwards."""

import os
import random
import signal
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import psutil
from tests import plain_http
from tests.embedded.plane_rig import Plane, command
from tests.embedded.storm_clients import Clients, Writer
from tests.embedded.storm_rollouts import Rollouts
from tests.waiting import wait_until

from sluicegate.pipelines.plane.home import Home
from sluicegate.serving.gateway.statistics import STATISTICS_PATH, read_statistics

KINDS = {
    "server": 3, "envoy": 2, "collector": 2, "mlflow": 1, "mlflow's worker": 1, "plane": 3, "keeper": 2,
    "workflow": 1, "step": 1,
}  # fmt: skip
"""What is killed, and how often beside the others; rollouts have to get to their end now and then."""
HEALED_WITHIN = 60.0
Document = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Strike:
    """Kills that follow each other at once, after a pause; ``which`` chooses among processes of a kind."""

    pause: float
    kinds: tuple[str, ...]
    gap: float
    which: float


def strikes(seed: int, count: int = 1000) -> list[Strike]:
    """The order that a seed decides; every third strike or so hits two kinds."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        kinds = chance.choices(list(KINDS), list(KINDS.values()), k=2 if chance.random() < 0.35 else 1)
        pause, gap, which = chance.uniform(0, 1.5), chance.choice([0, 0, chance.uniform(0, 0.6)]), chance.random()
        made.append(Strike(pause=pause, kinds=tuple(dict.fromkeys(kinds)), gap=gap, which=which))
    return made


@dataclass
class Storm:
    """One storm over one plane."""

    plane: Plane
    seed: int
    rollouts: Rollouts
    began: float = field(default_factory=time.monotonic)
    told: list[str] = field(default_factory=list)
    _killed: set[int] = field(default_factory=set)
    _rest: threading.Event = field(default_factory=threading.Event)

    def rage(self, seconds: float) -> None:
        """Strike after strike, each healed before the next, until the time is over."""
        for strike in strikes(self.seed):
            if time.monotonic() - self.began > seconds:
                return
            self._rest.wait(strike.pause)
            self._strike(strike)
            self.heal()
            self.rollouts.keep_going()

    def heal(self) -> None:
        """Wait until everything is back; without keeper and plane a person has to say ``up``."""
        wait_until(self._is_healed, HEALED_WITHIN, f"healed, seed {self.seed}: {self.told}")
        self._tell("healed")

    def _is_healed(self) -> bool:
        home = Home(self.plane.home)
        if not home.holder("keeper") and not home.holder("plane"):
            self._tell("up")
            up = command(self.plane.home, "up")
            assert up.returncode == 0, f"seed {self.seed}: {self.told}, {up.stderr}"
        return not self.wounds()

    def wounds(self) -> list[str]:
        """What is not as it should be, for now."""
        home, status = Home(self.plane.home), self.plane.status()
        if not status:
            return ["the plane does not answer"]
        missing = [f"there is no {name}" for name in ("keeper", "plane") if not home.holder(name)]
        missing += [] if status["ready"] else ["a component is not ready"]
        return [*missing, *self._short_of_servers()]

    def _short_of_servers(self) -> list[str]:
        """Predictors that get requests and have fewer than two servers, in the gateway's eyes or in the plane's.

        For a moment after a kill the gateway still counts who is dead, and to kill the other one then would be unfair.
        """
        try:
            deployment = self.rollouts.deployment()
            admin = self.plane.addresses["envoy_admin"]
            counters = read_statistics(plain_http.get(admin + STATISTICS_PATH, timeout=5).text)
        except httpx.HTTPError as error:
            return [repr(error)]
        serving = deployment.get("status", {}).get("traffic", {}) or {"nobody": 100}
        names = {name: f"default/flights/{name}" for name in serving}
        seen = {name for name, key in names.items() if key in counters and counters[key].ready_servers >= 2}
        return [name for name in names if name not in seen or self._alive(name) < 2]

    def _alive(self, predictor: str) -> int:
        """How many of its servers the plane calls ready, those left out that we killed and it has not missed yet."""
        found = [
            each for name, each in self.plane.processes().items() if name.startswith(f"default.flights.{predictor}.")
        ]
        return sum(each["state"] == "Ready" and each["pid"] not in self._killed for each in found)

    def _strike(self, strike: Strike) -> None:
        for kind in strike.kinds:
            pid = self._victim(kind, strike.which)
            if pid:
                self._kill(kind, pid)
                self._rest.wait(strike.gap)

    def _kill(self, kind: str, pid: int) -> None:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        self._killed.add(pid)
        self._tell(f"killed {kind} {pid}")

    def _victim(self, kind: str, which: float) -> int:
        if kind in ("plane", "keeper"):
            return Home(self.plane.home).holder(kind)
        found = self.plane.processes()
        if kind in found:
            return int(found[kind]["pid"])
        if kind == "mlflow's worker":
            return _child(found.get("mlflow", {}).get("pid", 0), which)
        prefix = "default.flights." if kind == "server" else "workflow."
        pids = [each["pid"] for name, each in found.items() if name.startswith(prefix) and each["state"] == "Ready"]
        pid = _chosen(pids, which)
        return _child(pid, which) if kind == "step" else pid

    def _tell(self, words: str) -> None:
        self.told.append(f"{time.monotonic() - self.began:6.2f} s  {words}")

    def aftermath(self, clients: Clients, writer: Writer) -> list[str]:
        """What the storm has cost that it must not cost."""
        stopped = sum("killed workflow" in line or "killed step" in line for line in self.told)
        wounded = sum("killed server" in line for line in self.told)
        ends = self.rollouts.ends()
        # A candidate whose servers are killed is slow for its users, and may be sent back for that.
        harmed = min(sum(count for end, count in ends.items() if end.endswith("HarmProven")), wounded)
        not_promoted = sum(count for end, count in ends.items() if not end.startswith("Promoted")) - harmed
        found = {
            f"{len(clients.failures)} predictions failed": bool(clients.failures),
            f"acknowledged and lost: {writer.lost()}": bool(writer.lost()),
            f"{not_promoted} rollouts went back, {stopped} were struck": not_promoted > stopped,
            "the registry is behind": self.is_behind(),
        }
        return [words for words, wrong in found.items() if wrong]

    def is_behind(self) -> bool:
        """Whether the plane says that a part of it is not ready, or that the registry does not tell what is served."""
        status = command(self.plane.home, "status")
        return status.returncode != 0 or "not up to date" in status.stdout

    def story(self, clients: Clients) -> str:
        """The seed, the order of events, every failure at its time, and how much was going on."""
        failures = [f"{at - self.began:6.2f} s  FAILED {words}" for at, words in clients.failures]
        figures = f"{clients.answered} answered, {clients.retried} retried, labels {dict(clients.labels)}"
        return "\n".join([f"STORM_SEED={self.seed}", *sorted([*self.told, *failures]), figures])


def _chosen(pids: list[int], which: float) -> int:
    return pids[int(which * len(pids))] if pids else 0


def _child(pid: int, which: float) -> int:
    try:
        return _chosen([each.pid for each in psutil.Process(pid).children(recursive=True)], which) if pid else 0
    except psutil.Error:
        return 0
