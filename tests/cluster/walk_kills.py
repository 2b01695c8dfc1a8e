"""Who dies in a walk: every part of an installation, a step, a server, and the node's kubelet.

Of what has several replicas one is killed only while another is ready: nobody promises the requests of the last one.
"""

import os
import random
import shlex
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from tests.cluster import operator_rig as rig
from tests.cluster.kubectl import Kubectl

KUBELET = os.environ.get("SLUICEGATE_TEST_KILL_KUBELET", "")
"""A command that kills the node's kubelet and starts it again; without one that move is left out."""
Moves = dict[str, tuple[int, Callable[[], str | None]]]
"""What may be done, how often beside the others; each says to whom it was done, if that is not clear."""


@dataclass
class Kills:
    """``home`` is the installation's namespace, ``mine`` that of what is served."""

    home: Kubectl
    mine: Kubectl
    chance: random.Random

    def moves(self) -> Moves:
        """Always possible, whatever is under way."""
        found: Moves = {
            "kill an operator": (2, lambda: self._part("sluicegate-operator", spare=0)),
            "kill the leader": (2, self._leader),
            "kill a gateway": (2, lambda: self._part("sluicegate-gateway", spare=1)),
            "evict a gateway": (1, lambda: _evict(self.home, self._one("sluicegate-gateway", spare=1))),
            "kill the collector": (1, lambda: self._part("sluicegate-collector", spare=0)),
            "kill a model": (3, lambda: _gone(self.mine, self._server())),
            "evict a model": (1, lambda: _evict(self.mine, self._server())),
            "kill the workflow controller": (1, self._workflow_controller),
            "kill a step": (1, self._step),
        }
        return found | ({"kill the kubelet": (4, _kubelet)} if KUBELET else {})

    def _part(self, application: str, spare: int) -> str:
        return _gone(self.home, self._one(application, spare))

    def _one(self, application: str, spare: int) -> str:
        pods = self.home.json("get", "pods", "-l", f"app.kubernetes.io/name={application}")["items"]
        ready = [each["metadata"]["name"] for each in pods if _is_ready(each)]
        return self.chance.choice(ready) if len(ready) > spare else ""

    def _leader(self) -> str:
        lease = self.home.json("get", "lease", "sluicegate-operator")["spec"]
        return _gone(self.home, str(lease.get("holderIdentity", "")))

    def _server(self) -> str:
        """One of several of its predictor that are ready."""
        together: dict[str, list[str]] = {}
        for each in self.mine.json("get", "pods", "-l", "seldon-app")["items"]:
            if _is_ready(each):
                together.setdefault(each["metadata"]["labels"]["seldon-app"], []).append(each["metadata"]["name"])
        able = [name for names in together.values() if len(names) > 1 for name in names]
        return self.chance.choice(able) if able else ""

    def _step(self) -> str:
        pods = self.mine.json("get", "pods", "-l", "workflows.argoproj.io/workflow")["items"]
        running = [each["metadata"]["name"] for each in pods if each["status"].get("phase") == "Running"]
        return _gone(self.mine, self.chance.choice(running) if running else "")

    def _workflow_controller(self) -> None:
        for pod in self.home.json("get", "pods", "-A", "-l", "app=workflow-controller")["items"]:
            _gone(self.home.within(pod["metadata"]["namespace"]), pod["metadata"]["name"])


def _gone(kubectl: Kubectl, pod: str) -> str:
    """At once, without a word."""
    if pod:
        kubectl.run("delete", "pod", pod, "--force", "--grace-period=0", "--wait=false")
    return pod or "nobody"


def _evict(kubectl: Kubectl, pod: str) -> str:
    """As a node that is drained does it: in order, and as far as budgets allow."""
    if pod:
        meta = {"name": pod, "namespace": kubectl.namespace}
        asked = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": meta}
        path = f"/api/v1/namespaces/{kubectl.namespace}/pods/{pod}/eviction"
        kubectl.run("create", "--raw", path, "-f", "-", stdin=asked)
    return pod or "nobody"


def _is_ready(pod: rig.JSON) -> bool:
    conditions = pod["status"].get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and not pod["metadata"].get("deletionTimestamp")


def _kubelet() -> None:
    subprocess.run(shlex.split(KUBELET), check=True, capture_output=True, timeout=120)
