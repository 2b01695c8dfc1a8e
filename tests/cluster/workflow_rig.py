"""Rollouts by a real Argo controller, several side by side: each on a small deployment of its own, under load."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from tests.cluster import host_rig, storages
from tests.cluster import operator_rig as rig
from tests.cluster.host_operator import set_apart
from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

JSON = dict[str, Any]
ENDED = ("Promoted", "RolledBack", "Refused")
HELD = {"steps": [{"setWeight": 50}, {"pause": {"duration": 900}}]}
"""Half of the traffic, and then a suspended node: the workflow has no pod, and its lease lasts a quarter of an hour."""
ANALYSED = {"steps": [{"setWeight": 50}, {"analysis": {"minSampleSize": 1_000_000, "maxDuration": 900}}]}
"""Half of the traffic, and then a pod that looks for longer than a test lasts."""


class Argo:
    """A namespace with a host plane, in which the templates are."""

    def __init__(self, kubectl: Kubectl, plane: host_rig.HostPlane, models: dict[str, rig.Model]) -> None:
        self.kubectl, self.plane, self.models = kubectl, plane, models

    def install(self) -> None:
        """Templates, rights, and where gateway and collector are."""
        objects = rig.templates(self.kubectl)
        for each in objects:
            if each["kind"] == "ConfigMap":
                each["data"] |= {"SLUICEGATE_GATEWAY": self.plane.gateway, "SLUICEGATE_COLLECTOR": self.plane.collector}
        self.kubectl("apply", "-f", "-", stdin=rig.as_list(objects))
        self.kubectl("apply", "-f", "-", stdin=rig.secret())

    def serve(self, names: list[str]) -> None:
        """Version 1, by one small server each."""
        deployments = [rig.deployment(name, self.models["1"], replicas=1) for name in names]
        self.kubectl("apply", "-f", "-", stdin=rig.as_list(deployments))
        for name in names:
            wait_until(lambda name=name: self.sdep(name).get("state") == "Available", 120, f"{name} is served")

    def begin(self, name: str, plan: JSON, version: str = "2") -> None:
        """A rollout called as its deployment and its workflow."""
        wanted = rig.workflow(name, name, self.kubectl.namespace, self.models[version], plan)
        self.kubectl("create", "-f", "-", stdin=wanted)

    def sdep(self, name: str) -> JSON:
        """The deployment's status."""
        return dict(self.kubectl.json("get", "sdep", name).get("status", {}))

    def rollout(self, name: str) -> JSON:
        """The rollout's status; empty while there is none."""
        done = self.kubectl.run("get", "modelrollout", name, "-o", "json")
        return dict(json_of(done).get("status", {})) if done.returncode == 0 else {}

    def workflow(self, name: str) -> JSON:
        """The workflow's status."""
        return dict(self.kubectl.json("get", "workflow", name).get("status", {}))

    def at_half(self, name: str, node: str) -> None:
        """Wait until the candidate has half of the traffic, and this node runs."""
        wait_until(lambda: 50 in self.sdep(name).get("traffic", {}).values(), 150, f"{name}: half of the traffic")
        wait_until(lambda: self.running(name, node), 60, f"{name}: {node} runs")

    def running(self, name: str, template: str) -> list[str]:
        """Names of the template's nodes that run: of their pods, where they have one."""
        nodes = (self.workflow(name).get("nodes") or {}).values()
        mine = [each for each in nodes if each.get("templateName") == template and each["phase"] == "Running"]
        return [_pod(name, each) for each in mine if each["type"] in ("Pod", "Suspend")]

    def node(self, name: str, called: str) -> JSON:
        """The workflow's node of this name; empty while there is none."""
        nodes = (self.workflow(name).get("nodes") or {}).values()
        return next((each for each in nodes if each["displayName"] == called), {})

    def failed_again(self, name: str, started: str) -> bool:
        """Whether the workflow that was started once more has failed; it is resumed where it is suspended."""
        if self.running(name, "wait"):
            self.command("resume", name)
        found = self.workflow(name)
        return found.get("phase") == "Failed" and found["startedAt"] != started

    def ended(self, name: str, seconds: float = 60) -> JSON:
        """The rollout's status, once it is over and all traffic is at version 1."""
        wait_until(lambda: self.rollout(name).get("phase") in ENDED, seconds, f"{name} is over")
        wait_until(lambda: self.sdep(name)["traffic"] == {"v1": 100}, 20, f"{name}: all traffic is back")
        return self.rollout(name)

    def command(self, *words: str) -> str:
        """What ``argo`` says."""
        program = shutil.which("argo") or pytest.skip("no argo: the command of Argo Workflows has to be on PATH")
        namespace = ["--namespace", self.kubectl.namespace]
        done = subprocess.run([program, *words, *namespace], check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def asked(self, names: list[str]) -> Iterator[list[rig.Load]]:
        """Somebody asks each of them without a pause."""
        with ExitStack() as stack:
            yield [stack.enter_context(rig.Load(self.plane.url(name), threads=1)) for name in names]


class Nowhere(rig.Model):
    """A version whose bundle nobody finds."""

    def __init__(self) -> None:
        self.version, self.digest = "3", "sha256:" + "0" * 64
        self.uri = f"s3://{storages.BUCKET}/nowhere"


@contextmanager
def argo(namespace: str, kubectl: Kubectl, directory: Any) -> Iterator[Argo]:
    """All of it, with two versions of a model."""
    storages.need(storages.S3)
    mine = kubectl.within(namespace)
    models = {version: rig.Model(version, directory / version, namespace) for version in ("1", "2")}
    models["none"] = Nowhere()
    set_apart(mine)
    with host_rig.running(namespace, directory) as plane:
        found = Argo(mine, plane, models)
        found.install()
        yield found
        mine("delete", "workflows", "--all", "--wait=false")
        mine("delete", "sdep", "--all", "--timeout=60s")
    storages.bucket().rm(f"{storages.BUCKET}/{namespace}", recursive=True)


def json_of(done: "subprocess.CompletedProcess[str]") -> JSON:
    """What kubectl printed."""
    return dict(json.loads(done.stdout))


def _pod(workflow: str, node: JSON) -> str:
    """Argo's default naming of pods: workflow, template, and the hash that ends the node's id."""
    return f"{workflow}-{node['templateName']}-{node['id'].rpartition('-')[2]}"
