"""What may happen to an installation on any day: kills of every part, edits by people and by tools, rollouts.

A seed decides the order. Each move is what a person, a node or another controller would do, never a call of ours.
"""

import os
import random
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.cluster import operator_rig as rig
from tests.cluster.kubectl import Kubectl

KUBELET = os.environ.get("SLUICEGATE_TEST_KILL_KUBELET", "")
"""A command that kills the node's kubelet and starts it again; without one that move is left out."""
PLAN = {
    "steps": [
        {"setMirrorRoute": {"percentage": 100}},
        {"analysis": {"minSampleSize": 50}},
        {"setWeight": 50},
        {"analysis": {"minSampleSize": 50}},
    ],
    "bake": 3,
    "lease": 20,
    "maxDuration": 300,
}
ENDED = {"Promoted", "RolledBack", "Refused"}


@dataclass
class Walk:
    """Over one deployment, ``flights``, of which the two versions of ``models`` are let in by turns."""

    home: Kubectl
    mine: Kubectl
    models: dict[str, rig.Model]
    chance: random.Random
    told: list[str] = field(default_factory=list)
    begun: int = 0

    def move(self) -> None:
        """The next one."""
        moves = self._moves()
        name = self.chance.choices(list(moves), [weight for weight, _ in moves.values()])[0]
        self.told.append(name)
        moves[name][1]()

    def _moves(self) -> dict[str, tuple[int, Callable[[], None]]]:
        kills: dict[str, tuple[int, Callable[[], None]]] = {
            "kill an operator": (2, lambda: self._kill(self.home, "sluicegate-operator")),
            "kill the leader": (2, self._kill_leader),
            "kill a gateway": (2, lambda: self._kill(self.home, "sluicegate-gateway")),
            "kill the collector": (1, lambda: self._kill(self.home, "sluicegate-collector")),
            "kill a model": (3, self._kill_model),
            "kill the workflow controller": (1, self._kill_workflow_controller),
            "kill a step": (1, self._kill_step),
        }
        if KUBELET:
            kills["kill the kubelet"] = (2, _kill_kubelet)
        if self.under_way():
            return kills | {
                "delete the workflow": (1, lambda: self._end("delete", "workflow")),
                "stop the workflow": (1, lambda: self._shutdown("Stop")),
                "terminate the workflow": (1, lambda: self._shutdown("Terminate")),
                "apply the stored manifest again": (3, self._apply_again),
                "restart the pods": (1, self._restart),
            }
        return kills | {
            "begin a rollout": (12, self._begin),
            "scale": (2, self._scale),
            "restart the pods": (2, self._restart),
        }

    def under_way(self) -> str:
        """Name of the workflow that carries a rollout now, or nothing."""
        found = self.mine.json("get", "workflows")["items"]
        return next(
            (each["metadata"]["name"] for each in found if not (each.get("status") or {}).get("finishedAt")), ""
        )

    def _begin(self) -> None:
        served = self.mine.json("get", "sdep", rig.NAME)["spec"]["predictors"][0]
        next_one = "2" if served["annotations"]["sluicegate.dev/version"] == "1" else "1"
        self.begun += 1
        wanted = rig.workflow(f"walk-{self.begun}", rig.NAME, self.mine.namespace, self.models[next_one], PLAN)
        wanted["spec"]["arguments"]["parameters"].append({"name": "retry_refused", "value": "true"})
        self.mine("create", "-f", "-", stdin=wanted)

    def _apply_again(self) -> None:
        """As a tool does that keeps a cluster at what Git says, every few seconds."""
        served = self.mine.json("get", "sdep", rig.NAME)
        kept = {"apiVersion": served["apiVersion"], "kind": served["kind"], "spec": served["spec"]}
        self.mine("apply", "-f", "-", stdin=kept | {"metadata": {"name": rig.NAME}})

    def _scale(self) -> None:
        replicas = self.chance.choice([1, 2, 3])
        change = f'[{{"op": "replace", "path": "/spec/predictors/0/replicas", "value": {replicas}}}]'
        self.mine("patch", "sdep", rig.NAME, "--type=json", "-p", change)

    def _restart(self) -> None:
        self.mine.run("rollout", "restart", "deployment", "-l", f"seldon-deployment-id={rig.NAME}")

    def _end(self, *words: str) -> None:
        self.mine.run(*words, self.under_way(), "--wait=false")

    def _shutdown(self, how: str) -> None:
        self.mine.run("patch", "workflow", self.under_way(), "--type=merge", "-p", f'{{"spec":{{"shutdown":"{how}"}}}}')

    def _kill_leader(self) -> None:
        lease = self.home.json("get", "lease", "sluicegate-operator")["spec"]
        _gone(self.home, str(lease.get("holderIdentity", "")))

    def _kill_model(self) -> None:
        """One of several: nobody promises a single server's requests."""
        pods = self.mine.json("get", "pods", "-l", "seldon-app")["items"]
        ready = [each["metadata"]["name"] for each in pods if _is_ready(each)]
        if len(ready) > 1:
            _gone(self.mine, self.chance.choice(ready))

    def _kill_step(self) -> None:
        pods = self.mine.json("get", "pods", "-l", "workflows.argoproj.io/workflow")["items"]
        running = [each["metadata"]["name"] for each in pods if each["status"].get("phase") == "Running"]
        if running:
            _gone(self.mine, self.chance.choice(running))

    def _kill_workflow_controller(self) -> None:
        found = self.home.json("get", "pods", "-A", "-l", "app=workflow-controller")["items"]
        for pod in found:
            _gone(self.home.within(pod["metadata"]["namespace"]), pod["metadata"]["name"])

    def _kill(self, kubectl: Kubectl, application: str) -> None:
        found = kubectl.json("get", "pods", "-l", f"app.kubernetes.io/name={application}")["items"]
        _gone(kubectl, self.chance.choice([each["metadata"]["name"] for each in found]))


def _gone(kubectl: Kubectl, pod: str) -> None:
    """At once, without a word."""
    kubectl.run("delete", "pod", pod, "--force", "--grace-period=0", "--wait=false")


def _is_ready(pod: rig.JSON) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))


def _kill_kubelet() -> None:
    subprocess.run(shlex.split(KUBELET), check=True, capture_output=True, timeout=120)
