"""An operator as a process on this machine, for a namespace of a test's own; the cluster gets nothing installed.

It may be told to act under a service account, with the rights that were generated for it and no others.
"""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import yaml
from tests.cluster.kubectl import Kubectl
from tests.waiting import free_port, wait_until

ROOT = Path(__file__).parents[2]
WRITES = ("create", "update", "patch", "delete")
_REQUEST = re.compile(
    r'sluicegate_operator_api_requests_total{code="(\d+)",resource="([^"]+)",trial="(\w+)",verb="(\w+)"} (\d+)'
)
Requests = Counter[tuple[str, str, int]]
"""Verb, resource, and code of the answer."""


class HostOperator:
    """``settings`` are variables of its environment; ``kubeconfig`` says who it is."""

    def __init__(
        self, namespace: str, log: Path, *, kubeconfig: str = "", watch: str | None = None, **settings: str
    ) -> None:
        self._port = free_port()
        told = {
            "SLUICEGATE_WATCH_NAMESPACE": namespace if watch is None else watch,
            "POD_NAMESPACE": namespace,
            "SLUICEGATE_HTTP_PORT": str(self._port),
            "SLUICEGATE_XDS_PORT": str(free_port()),
            "SLUICEGATE_WEBHOOK_PORT": "0",
            "SLUICEGATE_GATEWAY_KIND": "envoy",
            "KUBECONFIG": kubeconfig or os.environ["KUBECONFIG"],
        }
        self._environment, self.log = {**os.environ, **told, **settings}, log

    def __enter__(self) -> "HostOperator":
        command = [sys.executable, "-m", "sluicegate.serving.operator"]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(command, env=self._environment, stderr=log)
        wait_until(lambda: "sluicegate_operator_leads 1.0" in self.metrics(), 40, f"it leads; see {self.log}")
        return self

    def __exit__(self, *_: object) -> None:
        self._child.terminate()
        self._child.wait(30)

    def metrics(self) -> str:
        """As Prometheus reads them; nothing while it does not answer."""
        assert self._child.poll() is None, self.log.read_text()[-2000:]
        try:
            return httpx.get(f"http://127.0.0.1:{self._port}/metrics", trust_env=False).text
        except httpx.TransportError:
            return ""

    def requests(self) -> Requests:
        """How often it asked what of the API server."""
        return requests_of(self.metrics())

    def writes(self) -> Requests:
        """Of these, what may have changed something, its lease apart."""
        told = self.requests().items()
        return Counter({key: count for key, count in told if key[0] in WRITES and not key[1].startswith("leases")})


def requests_of(metrics: str) -> Requests:
    """How often an operator asked what of the API server, by its own figures. Trials are none."""
    found = (match.groups() for match in _REQUEST.finditer(metrics))
    return Counter({(verb, kind, int(code)): int(times) for code, kind, trial, verb, times in found if trial == "no"})


def need_kinds(kubectl: Kubectl) -> None:
    """See that our two kinds are served; another module's end may just be taking them away."""
    crds = ("-f", str(ROOT / "manifests" / "install" / "crds"))
    wait_until(lambda: kubectl.run("apply", "--server-side", "--force-conflicts", *crds).returncode == 0, 60, "kinds")
    kubectl("wait", "--for=condition=Established", "--timeout=30s", *crds)


def set_apart(kubectl: Kubectl) -> None:
    """See that no installation of the whole cluster looks after this namespace: two operators would write by turns."""
    kubectl("label", "namespace", kubectl.namespace, "seldon.io/controller-id=process-of-a-test", "--overwrite")


def kubeconfig_of(kubectl: Kubectl, account: str, path: Path) -> str:
    """A kubeconfig of a service account in the namespace of ``kubectl``."""
    config: dict[str, Any] = yaml.safe_load(Path(os.environ["KUBECONFIG"]).read_text())
    token = kubectl("create", "token", account, "--duration=1h").strip()
    config["users"] = [{"name": account, "user": {"token": token}}]
    cluster = config["clusters"][0]["name"]
    config["contexts"] = [{"name": account, "context": {"cluster": cluster, "user": account}}]
    path.write_text(yaml.safe_dump(config | {"current-context": account}))
    return str(path)
