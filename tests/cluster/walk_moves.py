"""What may happen to an installation on any day: kills of every part, edits by people and by tools, rollouts.

A seed decides the order. Each move is what a person, a node or another controller would do, never a call of ours.
"""

import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

from tests.cluster import operator_rig as rig
from tests.cluster.kubectl import Kubectl
from tests.cluster.walk_kills import Kills, Moves
from tests.waiting import wait_until

PLAN = {
    "steps": [
        {"setMirrorRoute": {"percentage": 100}},
        {"analysis": {"minSampleSize": 30}},
        {"setWeight": 50},
        {"analysis": {"minSampleSize": 30}},
    ],
    "bake": 3,
    "lease": 20,
    "maxDuration": 300,
}
ENDED = {"Promoted", "RolledBack", "Refused"}
_PATIENCE = 90
"""Seconds in which an operator is there again, without whom nothing new is taken in."""


@dataclass
class Walk:
    """Over one deployment, ``flights``, of which the two versions of ``models`` are let in by turns."""

    home: Kubectl
    mine: Kubectl
    models: dict[str, rig.Model]
    chance: random.Random
    told: list[str] = field(default_factory=list)
    begun: int = 0
    replicas: int = 2
    """As somebody asked for last, whatever was let in meanwhile."""

    def move(self) -> None:
        """The next one."""
        moves = self._moves()
        name = self.chance.choices(list(moves), [weight for weight, _ in moves.values()])[0]
        at = time.strftime("%X")
        whom = moves[name][1]()
        self.told.append(f"{at} {name}" + (f" ({whom})" if whom else ""))

    def _moves(self) -> Moves:
        always = Kills(self.home, self.mine, self.chance).moves() | {
            "scale": (2, self._scale),
            "restart the pods": (2, self._restart),
            "restart the gateways": (1, lambda: self._restart_part("sluicegate-gateway")),
            "restart the operators": (1, lambda: self._restart_part("sluicegate-operator")),
            "somebody scales what is ours": (1, self._scale_a_deployment),
        }
        if not self.under_way():
            return always | {"begin a rollout": (20, self._begin), "edit": (1, self._edit)}
        return always | {"apply the stored manifest again": (6, self._apply_again), "end it": (1, self._end)}

    def under_way(self) -> str:
        """Name of the workflow that carries a rollout now, or nothing."""
        found = self.mine.json("get", "workflows")["items"]
        living = [each for each in found if not (each.get("status") or {}).get("finishedAt")]
        return max((each["metadata"]["name"] for each in living), key=_number, default="")

    def _begin(self, **parameters: str) -> str:
        next_one = "2" if self._served()["annotations"]["sluicegate.dev/version"] == "1" else "1"
        self.begun += 1
        wanted = rig.workflow(f"walk-{self.begun}", rig.NAME, self.mine.namespace, self.models[next_one], PLAN)
        more = {"retry_refused": "true", **parameters}
        wanted["spec"]["arguments"]["parameters"] += [{"name": name, "value": value} for name, value in more.items()]
        self.mine("create", "-f", "-", stdin=wanted)
        return f"walk-{self.begun} with version {next_one}"

    def _apply_again(self) -> None:
        """As a tool does that keeps a cluster at what Git says, every few seconds."""
        served = self.mine.json("get", "sdep", rig.NAME)
        kept = {"apiVersion": served["apiVersion"], "kind": served["kind"], "spec": served["spec"]}
        self._insist("apply", "-f", "-", stdin=kept | {"metadata": {"name": rig.NAME}})

    def _scale(self) -> str:
        replicas = self.chance.choice([1, 2, 3])
        change = f'[{{"op": "replace", "path": "/spec/predictors/0/replicas", "value": {replicas}}}]'
        self._insist("patch", "sdep", rig.NAME, "--type=json", "-p", change)
        self.replicas = replicas
        return f"to {replicas}"

    def _edit(self) -> None:
        """A line of the pod that changes what it is, and nothing of what it answers."""
        variable = {"name": "WALK", "value": str(len(self.told))}
        pods = [{"spec": {"containers": [{"name": "model", "env": [variable]}]}}]
        change = f'[{{"op": "add", "path": "/spec/predictors/0/componentSpecs", "value": {json.dumps(pods)}}}]'
        self._insist("patch", "sdep", rig.NAME, "--type=json", "-p", change)

    def _scale_a_deployment(self) -> None:
        self.mine.run("scale", "deployment", "-l", f"seldon-deployment-id={rig.NAME}", "--replicas=4")

    def _restart(self) -> None:
        self.mine.run("rollout", "restart", "deployment", "-l", f"seldon-deployment-id={rig.NAME}")

    def _restart_part(self, application: str) -> None:
        self.home.run("rollout", "restart", f"deployment/{application}")

    def _end(self) -> str:
        """In any of the ways in which people, and tools that clean up, do it."""
        victim = self.under_way()
        how = self.chance.choice(["delete workflow", "delete modelrollout", "Stop", "Terminate", "supersede", "edit"])
        if how == "supersede":
            return f"{how} {victim}: {self._begin(concurrency=how)}"
        if how == "edit":
            self._edit()
        elif how.startswith("delete"):
            self.mine.run(*how.split(), victim, "--ignore-not-found", "--wait=false")
        else:
            self.mine.run("patch", "workflow", victim, "--type=merge", "-p", f'{{"spec":{{"shutdown":"{how}"}}}}')
        return f"{how} {victim}"

    def _served(self) -> Any:
        return self.mine.json("get", "sdep", rig.NAME)["spec"]["predictors"][0]

    def _insist(self, *words: str, stdin: Any = None) -> None:
        """As a person does: once more, while no operator is there to judge it, or somebody else wrote just now."""
        said: list[str] = []

        def is_done() -> bool:
            done = self.mine.run(*words, stdin=stdin)
            said.append(done.stderr)
            return done.returncode == 0

        wait_until(is_done, _PATIENCE, f"{words}: {said[-1:]}")


def _number(workflow: str) -> int:
    return int(workflow.rpartition("-")[2])
