"""Operator, gateway and collector as processes of this machine, for one namespace: quick to start and to kill.

Pods reach them at ``HOST``, and they reach pods by address, as on the cluster for development. Nothing is installed but
the custom resource definitions, so several of these may be there at a time.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from tests.cluster import image_rig
from tests.waiting import free_port, wait_until

from sluicegate.serving.gateway.binary import find_envoy
from sluicegate.serving.gateway.bootstrap import Bootstrap, LeaderCheck, bootstrap, command
from sluicegate.serving.gateway.routes import Address

HOST = os.environ.get("SLUICEGATE_TEST_HOST", "10.88.0.1")
"""This machine, as pods see it."""


class Processes:
    """What was started here, by name; all of it ends with ``close``. Each has a log in ``directory``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, arguments: list[str], environment: Mapping[str, str] = {}) -> None:
        """Start a program, once more when it ran before."""
        with (self.directory / f"{name}.log").open("ab") as log:
            told = {**os.environ, **environment}
            self.running[name] = subprocess.Popen(
                arguments, env=told, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

    def module(self, name: str, *arguments: str, **environment: str) -> None:
        """Start a module of ours."""
        self.start(name.rpartition(".")[2], [sys.executable, "-m", name, *arguments], environment)

    def kill(self, name: str) -> None:
        """As ``kill -9`` does, with all that it started itself: MLflow's server is a child."""
        process = self.running[name]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def log(self, name: str) -> str:
        """What it said."""
        return (self.directory / f"{name}.log").read_text()

    def close(self) -> None:
        """End all, the last started first."""
        for process in reversed(self.running.values()):
            process.terminate()
        for name, process in self.running.items():
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            self.kill(name)


class HostPlane:
    """Operator, Envoy and collector for ``namespace``; the operator is told ``settings`` besides."""

    def __init__(self, namespace: str, directory: Path, **settings: str) -> None:
        self.namespace, self.processes, self._settings = namespace, Processes(directory), settings
        self._ports = {name: free_port() for name in ("http", "xds", "front", "admin", "collector")}
        self.collector = f"http://{HOST}:{self._ports['collector']}"
        self.gateway = f"http://{HOST}:{self._ports['front']}"

    def start(self) -> None:
        """All of it, until the gateway has its first routes."""
        admin = Address(host="127.0.0.1", port=self._ports["admin"])
        self.operator()
        control = Address(host="127.0.0.1", port=self._ports["xds"])
        document = self.processes.directory / "envoy.json"
        settings = Bootstrap(control_plane=control, admin=admin, leader=LeaderCheck(port=self._ports["http"]))
        document.write_text(json.dumps(bootstrap(settings)))
        self.processes.start("envoy", command(find_envoy(), document))
        self.processes.module(
            "sluicegate.monitoring.collector", "--data", str(self.processes.directory / "data"),
            "--host", "0.0.0.0", "--port", str(self._ports["collector"]), "--envoy-admin", f"http://127.0.0.1:{admin.port}",
        )  # fmt: skip
        wait_until(lambda: answers(f"http://127.0.0.1:{admin.port}/ready"), 60, "Envoy has its routes")
        wait_until(lambda: answers(f"{self.collector}/ready"), 30, "the collector answers")

    def operator(self) -> None:
        """Start the operator, or start it again."""
        told = {
            "SLUICEGATE_WATCH_NAMESPACE": self.namespace, "POD_NAMESPACE": self.namespace,
            "SLUICEGATE_WEBHOOK_PORT": "0", "SLUICEGATE_HTTP_PORT": str(self._ports["http"]),
            "SLUICEGATE_XDS_PORT": str(self._ports["xds"]), "SLUICEGATE_GATEWAY_PORT": str(self._ports["front"]),
            "SLUICEGATE_IMAGE_REGISTRY": image_rig.PREFIX, "SLUICEGATE_IMAGE_VERSION": image_rig.TAG,
            "REQUEST_LOGGER_DEFAULT_ENDPOINT": f"{self.collector}/events",
        }  # fmt: skip
        self.processes.module("sluicegate.serving.operator", **told | self._settings)

    def metrics(self) -> str:
        """The operator's figures, as Prometheus reads them."""
        return httpx.get(f"http://127.0.0.1:{self._ports['http']}/metrics", trust_env=False).text

    def url(self, deployment: str) -> str:
        """Where predictions are asked for."""
        return f"{self.gateway}/seldon/{self.namespace}/{deployment}/api/v1.0/predictions"

    def close(self) -> None:
        """End all of it."""
        self.processes.close()


@contextmanager
def running(namespace: str, directory: Path, **settings: str) -> Iterator[HostPlane]:
    """One that is ready, and is ended whatever happens."""
    plane = HostPlane(namespace, directory, **settings)
    try:
        plane.start()
        yield plane
    finally:
        plane.close()


def answers(url: str) -> bool:
    """Whether there is a 200."""
    try:
        return httpx.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
