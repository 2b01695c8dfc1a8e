"""A plane with a deployment for each rollout that a test steers by hand; all rollouts run at the same time."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import plain_http
from tests.embedded.plane_rig import ANY_PORTS, bundle
from tests.waiting import wait_until

from sluicegate.components.rollout.starting import workflow

JSON = dict[str, Any]
ROW = {"data": {"names": ["a", "b"], "ndarray": [[3.0, 2.0]]}}
OVER = frozenset({"Promoted", "RolledBack", "Refused"})
PATIENCE = 100.0
"""Seconds; each wait is a few on a machine that does nothing else."""


class Hand:
    """The plane, and what a person does to it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.run("up", *ANY_PORTS)
        self.addresses: dict[str, str] = json.loads((home / "plane.json").read_text())["addresses"]
        self.bundles = {version: bundle(home, version) for version in ("1", "2")}
        self.bundles["tampered"] = bundle(home, "tampered", (0, 1, 1, 1))
        self.bundles["opposite"] = bundle(home, "opposite", (1, 1, 0, 0))

    def run(self, *arguments: str) -> str:
        """A command of ``sluicegate``; its output."""
        line = [sys.executable, "-m", "sluicegate.pipelines.cli", *arguments]
        environment = os.environ | {"SLUICEGATE_HOME": str(self.home)}
        done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=100)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rollout(self, *arguments: str) -> str:
        """``sluicegate rollout …``."""
        return self.run("rollout", *arguments)

    def deploy(self, name: str) -> None:
        """Version 1 under ``name``."""
        directory, digest = self.bundles["1"]
        notes = {"model": "late", "version": "1", "bundle-digest": digest}
        graph = {"name": "late", "implementation": "SKLEARN_SERVER", "modelUri": f"file://{directory}"}
        annotations = {f"sluicegate.dev/{key}": value for key, value in notes.items()}
        predictor = {"name": "v1", "annotations": annotations, "graph": graph}
        deployment = {"metadata": {"name": name}, "spec": {"predictors": [predictor]}}
        self._create("machinelearning.seldon.io/v1", "SeldonDeployment", deployment)

    def begin(self, name: str, plan: JSON, version: str = "2") -> None:
        """Deploy ``name``, and let a rollout of the same name begin as soon as it is available."""
        self.deploy(name)
        directory, digest = self.bundles[version]
        parameters = {
            "rollout": name, "deployment": name, "model": "late", "version": version, "mirror": "true",
            "bundle_uri": f"file://{directory}", "bundle_digest": digest, "plan": json.dumps(plan),
            "expected_disagreement": "0",
        }  # fmt: skip
        self._create("argoproj.io/v1alpha1", "Workflow", workflow(name, "default", parameters))

    def register(self, version: str) -> str:
        """Make a bundle known to MLflow; the number that it gives."""
        directory, digest = self.bundles[version]
        registry = f"{self.addresses['mlflow']}/api/2.0/mlflow"
        plain_http.post(f"{registry}/registered-models/create", json={"name": "late"})
        tags = {"sluicegate.bundle": f"file://{directory}", "sluicegate.bundle-digest": digest}
        body = {"name": "late", "source": "s3://elsewhere/late/1", "tags": [{"key": k, "value": tags[k]} for k in tags]}
        answer = plain_http.post(f"{registry}/model-versions/create", json=body)
        assert answer.is_success, answer.text
        return str(answer.json()["model_version"]["version"])

    def found(self, name: str) -> JSON:
        """The rollout; empty while its workflow is starting."""
        path = f"/apis/sluicegate.dev/v1alpha1/namespaces/default/modelrollouts/{name}"
        answer = plain_http.get(self.addresses["api"] + path)
        return dict(answer.json()) if answer.is_success else {}

    def status(self, name: str) -> JSON:
        """The rollout's status."""
        return dict(self.found(name).get("status", {}))

    def wait(self, name: str, condition: Callable[[JSON], bool], what: str) -> JSON:
        """The rollout once ``condition`` holds of it."""
        return wait_until(
            lambda: (found := self.found(name)) and condition(found) and found,
            PATIENCE,
            f"{name} {what}: {self.status(name)}",
        )

    def at(self, name: str, step: int) -> JSON:
        """The rollout once its workflow is at this step of the plan."""
        return self.wait(name, lambda r: r["spec"].get("desired", {}).get("step", -1) >= step, f"at step {step}")

    def paused(self, name: str) -> JSON:
        """The rollout once it is paused."""
        return self.wait(name, lambda r: bool(r["spec"].get("paused")), "paused")

    def end(self, name: str, *, resuming: bool = False) -> tuple[str, str]:
        """Phase and reason once it is over; ``resuming``: by somebody who lets it go on however often it pauses."""

        def over(found: JSON) -> bool:
            if resuming and found["spec"].get("paused"):
                self.rollout("resume", name)
            return found.get("status", {}).get("phase") in OVER

        status = self.wait(name, over, "over")["status"]
        return status["phase"], status["reason"]

    def traffic(self, name: str) -> dict[str, int]:
        """Percent of the users' requests by version."""
        return {key.partition("-")[0]: share for key, share in self.status(name)["traffic"].items()}

    def ask(self, name: str, count: int = 40) -> list[int]:
        """Users' requests; their answers' status codes."""
        url = f"{self.addresses['gateway']}/seldon/default/{name}/api/v1.0/predictions"
        with plain_http.client() as client:
            return [client.post(url, json=ROW).status_code for _ in range(count)]

    @contextmanager
    def asking(self, name: str) -> Iterator[None]:
        """Requests all the time, some tens a second, until the block ends."""
        stopped = threading.Event()

        def ask() -> None:
            while not stopped.wait(0.3):
                self.ask(name, 10)

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()

    def _create(self, version: str, kind: str, document: JSON) -> None:
        url = f"{self.addresses['api']}/apis/{version}/namespaces/default/{kind.lower()}s"
        plain_http.post(url, json=document | {"apiVersion": version, "kind": kind}).raise_for_status()
