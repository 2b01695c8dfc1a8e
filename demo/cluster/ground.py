"""A Kubernetes cluster as the demonstration's ground: sluicegate installed, Argo runs workflows, the load is a pod."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from demo.cluster.far_load import FarLoad
from demo.cluster.installation import HOME, Images, follower, installation, surroundings, templates
from demo.cluster.kubectl import Kubectl, Proxy
from demo.cluster.storage import storage_of
from demo.cluster.workflows import ClusterWorkflow, workflow
from demo.commands import Command, Commands
from demo.ground import JSON, ClaimFailedError
from demo.versions import DEPLOYMENT, MODEL, shorter, written

NAMESPACE = "sluicegate-demo"
_READY = "--timeout=180s"


@dataclass(slots=True)
class Cluster:
    """The cluster of ``KUBECONFIG``; ``work`` is for logs, ``images`` says how ours are named there."""

    work: Path
    images: Images
    what: str = "what is needed on the cluster: sluicegate, MLflow, the load"
    farewell: str = (
        f"It is still there. End it with: kubectl delete namespace {NAMESPACE}; and sluicegate itself as "
        "docs/how-to/kubernetes.md says under Remove"
    )
    namespace: str = NAMESPACE
    plan: JSON = field(default_factory=lambda: shorter(10, 50, 100, bake=10.0, lease=15.0, maxDuration=900.0))
    addresses: dict[str, str] = field(default_factory=dict)
    load: FarLoad | None = None
    _proxy: Proxy | None = None
    _made: list[JSON] = field(default_factory=list)

    @property
    def kubectl(self) -> Kubectl:
        """In the demonstration's namespace."""
        return Kubectl(self.namespace)

    @property
    def commands(self) -> Commands:
        """Commands that find the cluster by KUBECONFIG, as they find no plane, and the registry through the proxy."""
        own = {"SLUICEGATE_HOME": str(self.work / "no-plane"), "MLFLOW_TRACKING_URI": self.addresses["mlflow"]}
        return Commands(self.work / "logs", {**os.environ, **own, "PYTHONWARNINGS": "ignore"})

    def begin(self, say: Callable[[str, str], None]) -> FarLoad:
        """Install what is not there, and make a namespace anew with all the rest."""
        self._proxy = proxy = Proxy()
        storage = storage_of(self.kubectl)
        say("artefacts", f"{storage.environment['AWS_ENDPOINT_URL']}, bucket {storage.bucket}")
        self._install(say)
        self.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--timeout=180s")
        self.kubectl("create", "namespace", self.namespace)
        self.kubectl.apply(templates(self.kubectl, self.images))
        self.kubectl.apply(surroundings(self.namespace, storage, self.images))
        self.kubectl.apply(follower(self.kubectl, self.images))
        self.kubectl("rollout", "status", "deployment/mlflow", _READY)
        self.kubectl("wait", "--for=condition=Ready", "pod/load", _READY)
        say("namespace", f"{self.namespace}: Argo's templates, MLflow, the load")
        self.addresses = {
            "api": proxy.api,
            "mlflow": proxy.service(self.namespace, "mlflow", 5000),
            "collector": proxy.service(HOME, "sluicegate-collector", 7081),
        }
        self.load = FarLoad(proxy.service(self.namespace, "load", 8090))
        return self.load

    def _install(self, say: Callable[[str, str], None]) -> None:
        home = Kubectl(HOME)
        if home.phase() == "Terminating":
            home("wait", "--for=delete", f"namespace/{HOME}", _READY)
        was_there = home.run("get", "deployment", "sluicegate-operator").returncode == 0
        if not was_there:
            # Definitions take all their objects with them: those that were there before are not ours to remove.
            defined = home("get", "crd", "-o", "name")
            objects = installation(home, self.images)
            self._made = [each for each in objects if f"/{each['metadata']['name']}\n" not in defined]
            home.apply(objects)
        for name in ("operator", "gateway", "collector"):
            home("rollout", "status", f"deployment/sluicegate-{name}", _READY)
        new = f"installed in {HOME}: operator and gateway with two replicas each, collector"
        say("sluicegate", f"is installed in {HOME} and healthy, and used as it is" if was_there else new)

    def end(self, *, keep: bool) -> None:
        """Remove what the demonstration made; what was installed before it stays."""
        if not keep and self._proxy is not None:
            self.kubectl.run("delete", "sdep", "--all", "--timeout=60s")
            self.kubectl.delete(follower(self.kubectl, self.images))
            self.kubectl.run("delete", "namespace", self.namespace, "--ignore-not-found", "--timeout=120s")
            Kubectl(HOME).delete(self._made)
        if self._proxy is not None:
            self._proxy.close()

    def deliver(self, name: str, parameters: JSON, *, check: bool = True) -> int:
        """By Argo: ``argo submit --from workflowtemplate/sluicegate-delivery``."""
        image = self.images.in_text("sluicegate/demo:0.1.0-python3.11")
        given = parameters | {"namespace": self.namespace, "image": image}
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in given.items()}
        running = self._begin(workflow("sluicegate-delivery", name, self.namespace, texts))
        code = running.wait()
        if check and code:
            raise ClaimFailedError(f"workflow {name} of {self.namespace}: {running.message()}")
        return code

    def roll_out(self, name: str, version: str, plan: JSON) -> Command:
        """By the command, which submits a workflow to Argo."""
        given = written(self.work, name, plan)
        words = ("rollout", "start", DEPLOYMENT, "--model", MODEL, "--version", version, "--plan", given, "--wait")
        return self.commands.start(*words, "--namespace", self.namespace, log=name)

    def submit(self, name: str, parameters: dict[str, str]) -> ClusterWorkflow:
        """By Argo: ``argo submit --from workflowtemplate/sluicegate-rollout``."""
        return self._begin(workflow("sluicegate-rollout", name, self.namespace, parameters))

    def _begin(self, wanted: JSON) -> ClusterWorkflow:
        self.kubectl("create", "-f", "-", stdin=json.dumps(wanted))
        return ClusterWorkflow(self.kubectl, str(wanted["metadata"]["name"]))

    def evidence(self, rollout: JSON) -> JSON:
        """The collector keeps it."""
        path = urlsplit(rollout["status"]["evidence"]).path
        found = self.kubectl("get", "--raw", urlsplit(self.addresses["collector"]).path + path)
        return dict(json.loads(found))

    def stop_registry(self) -> None:
        """Nobody reaches it: its Service leads nowhere. To end its pod would lose what it knows."""
        self._lead_registry_to("nowhere")

    def start_registry(self) -> None:
        """Its Service leads to it again."""
        self._lead_registry_to("mlflow")

    def _lead_registry_to(self, app: str) -> None:
        self.kubectl("patch", "service", "mlflow", "-p", json.dumps({"spec": {"selector": {"app": app}}}))
