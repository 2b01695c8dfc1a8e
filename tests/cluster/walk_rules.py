"""What must be so at every moment of a walk, whatever happens, as somebody sees it who only asks the API server."""

import json
import threading
from dataclasses import dataclass, field

from tests.cluster import operator_rig as rig
from tests.cluster.kubectl import Kubectl
from tests.cluster.walk_moves import ENDED

JSON = rig.JSON
_EVERY = 0.7
_FOREIGN = {"TargetChanged", "TargetDeleted"}
"""Reasons of a rollout that ended because somebody else wrote what is served."""


@dataclass
class Watcher:
    """Looks until the block ends; ``broken`` has each rule that did not hold, in words."""

    mine: Kubectl
    broken: list[str] = field(default_factory=list)
    looks: int = 0
    _over: dict[str, str] = field(default_factory=dict)
    _doubted: set[str] = field(default_factory=set)
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Watcher":
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join(30)

    def _watch(self) -> None:
        while not self._done.wait(_EVERY):
            done = self.mine.run("get", "sdep,modelrollout,pods", "-o", "json")
            if done.returncode == 0:
                self.looks += 1
                self.broken += self.look(json.loads(done.stdout)["items"])

    def look(self, objects: list[JSON]) -> list[str]:
        """Rules that one look finds broken; what compares kinds, which are not read at one moment, holds for two."""
        kinds: dict[str, list[JSON]] = {}
        for each in objects:
            kinds.setdefault(each["kind"], []).append(each)
        rollouts = kinds.get("ModelRollout", [])
        served = kinds["SeldonDeployment"][0]
        doubts = {*_stable_is_there(served, kinds.get("Pod", [])), *_last_end_is_whole(served, rollouts)}
        sure, self._doubted = doubts & self._doubted, doubts
        return [*_traffic(served), *_one_at_a_time(rollouts), *self._ended_stays_ended(rollouts), *sorted(sure)]

    def _ended_stays_ended(self, rollouts: list[JSON]) -> list[str]:
        found = []
        for each in rollouts:
            name, phase = each["metadata"]["name"], (each.get("status") or {}).get("phase", "")
            if self._over.setdefault(name, phase if phase in ENDED else "") not in {"", phase}:
                found.append(f"rollout {name} was {self._over[name]} and is {phase}")
            if phase in ENDED:
                self._over[name] = phase
        return found


def _traffic(served: JSON) -> list[str]:
    shares = (served.get("status") or {}).get("traffic", {})
    whole = sum(shares.values()) == 100 and all(0 <= share <= 100 for share in shares.values())
    return [] if whole else [f"traffic is {shares}"]


def _one_at_a_time(rollouts: list[JSON]) -> list[str]:
    leading = [
        each["metadata"]["name"]
        for each in rollouts
        if (each.get("status") or {}).get("rolloutId") and each["status"].get("phase") not in ENDED
    ]
    return [] if len(leading) <= 1 else [f"rollouts are under way side by side: {leading}"]


def _stable_is_there(served: JSON, pods: list[JSON]) -> list[str]:
    """Whoever gets requests has a server that is ready; or that runs, while nobody is called available."""
    status = served.get("status") or {}
    needed = "ready" if status.get("state") == "Available" else "running"
    there = {
        each["metadata"]["labels"].get("sluicegate.dev/predictor", "")
        for each in pods
        if not each["metadata"].get("deletionTimestamp") and _containers_are(each, needed)
    }
    missing = [name for name, share in status.get("traffic", {}).items() if share and name not in there]
    return [f"requests go to {missing}, {needed} are {sorted(there)}"] if missing else []


def _containers_are(pod: JSON, needed: str) -> bool:
    found = pod["status"].get("containerStatuses") or []
    return bool(found) and all(each["ready"] if needed == "ready" else "running" in each["state"] for each in found)


def _last_end_is_whole(served: JSON, rollouts: list[JSON]) -> list[str]:
    """What was promoted last is what is asked for; what was sent back last is not."""
    started = [each["status"] for each in rollouts if (each.get("status") or {}).get("rolloutId")]
    if not started or any(each["phase"] not in ENDED for each in started):
        return []
    last = max(started, key=lambda status: str(status["endedAt"]))
    named = {each["name"] for each in served["spec"]["predictors"]}
    whole = (last["candidate"] in named) == (last["phase"] == "Promoted")
    return (
        [] if whole or last.get("reason") in _FOREIGN else [f"{last['phase']} {last['candidate']}, asked for {named}"]
    )
