"""A plane in a directory of its own on free ports, as a person has it: commands, ``kubectl``, its status; for tests."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pandas as pd
import psutil
from sklearn.linear_model import LogisticRegression
from tests import plain_http

from sluicegate.pipelines.plane.home import Ports
from sluicegate.serving.bundle.manifest import Signature
from sluicegate.serving.bundle.writing import Contents, write_bundle
from sluicegate.serving.local.processes import MARK_VARIABLE

ANY_PORTS = [word for slot in fields(Ports) for word in (f"--{slot.name.replace('_', '-')}-port", "0")]
KUBECTL = str(Path(sys.executable).with_name("kubectl"))
ROW = {"data": {"names": ["a", "b"], "ndarray": [[1.0, 2.0]]}}


@dataclass(frozen=True)
class Plane:
    """A running one."""

    home: Path

    def run(self, *arguments: str, check: bool = True) -> str:
        """A command; its output."""
        done = command(self.home, *arguments)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """The real kubectl."""
        line = [KUBECTL, "--kubeconfig", str(self.home / "kubeconfig"), *arguments]
        done = subprocess.run(line, input=stdin, capture_output=True, text=True, check=False, timeout=90)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def addresses(self) -> dict[str, str]:
        """URLs by part."""
        return dict(json.loads((self.home / "plane.json").read_text())["addresses"])

    def status(self) -> dict[str, Any]:
        """The plane's own status; empty while it does not answer."""
        try:
            return dict(plain_http.get(f"{self.addresses['api']}/sluicegate/v1/status", timeout=5).json())
        except httpx.HTTPError:
            return {}

    def processes(self) -> dict[str, dict[str, Any]]:
        """Components and servers by name."""
        status = self.status()
        return {each["name"]: each for each in [*status.get("components", []), *status.get("processes", [])]}

    def pids(self) -> dict[str, int]:
        """Their pids, once all are ready."""
        found = self.processes()
        return {name: each["pid"] for name, each in found.items()} if _all_ready(found) else {}

    def predict(self) -> httpx.Response:
        """One request through Envoy."""
        path = "/seldon/default/flights/api/v1.0/predictions"
        return plain_http.post(self.addresses["gateway"] + path, json=ROW, timeout=10)


def _all_ready(found: dict[str, dict[str, Any]]) -> bool:
    return len(found) >= 4 and all(each["state"] == "Ready" for each in found.values())


def command(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``sluicegate`` in a process of its own."""
    line = [sys.executable, "-m", "sluicegate.pipelines.cli", *arguments]
    environment = os.environ | {"SLUICEGATE_HOME": str(home)}
    return subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=150)


def processes_of(home: Path) -> list[str]:
    """Everything that runs for a home."""
    found = []
    for process in psutil.process_iter():
        try:
            marked = process.environ().get(MARK_VARIABLE, "").startswith(f"{home}|")
            if marked or str(home) in process.cmdline():
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found


def bundle(home: Path, version: str = "1", labels: tuple[int, ...] = (0, 0, 1, 1)) -> tuple[Path, str]:
    """A freshly trained bundle of the model ``late``: its directory and its digest."""
    rows = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 3.0, 2.0]})
    model = LogisticRegression().fit(rows, labels)
    columns = [{"name": name, "type": "double"} for name in rows.columns]
    directory = home / "bundles" / "late" / version
    contents = Contents(
        name="late",
        version=version,
        model=model,
        signature=msgspec.convert({"inputs": columns, "outputs": ["0", "1"]}, Signature),
        input_example=rows.to_numpy().tolist(),
        expected_answers=model.predict_proba(rows).tolist(),
    )
    return directory, write_bundle(directory, contents)


def deployment(directory: Path, digest: str, *, replicas: int = 1) -> dict[str, Any]:
    """A deployment of a bundle of version 1."""
    notes = {
        "sluicegate.dev/model": "late",
        "sluicegate.dev/version": "1",
        "sluicegate.dev/bundle-digest": digest,
    }
    graph = {"name": "late", "implementation": "SKLEARN_SERVER", "modelUri": f"file://{directory}"}
    predictor = {"name": "v1", "replicas": replicas, "annotations": notes, "graph": graph}
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": "flights"},
        "spec": {"predictors": [predictor]},
    }
