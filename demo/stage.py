"""The stage: the plane that the acts play on, and how an act looks at it and at the registry.

An act uses what a person would: the ``sluicegate`` command, the Kubernetes-dialect API, MLflow's REST API. Nothing here
reaches into the product.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from demo.record import Record
from demo.replay import Replay

ROOT = Path(__file__).parents[1]
MODEL = DEPLOYMENT = "flights"
JSON = dict[str, Any]
T = TypeVar("T")


class ClaimFailedError(Exception):
    """Something that the demonstration says is not so."""


@dataclass(slots=True)
class Stage:
    """Everything an act needs."""

    home: Path
    replay: Replay | None = None
    record: Record = field(default_factory=lambda: Record(0, ""))
    earlier: Record = field(default_factory=lambda: Record(0, ""))
    """The record of act 2, with which act 4 compares itself."""
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10))
    addresses: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What commands are given: the home, where the demonstration's own code lies, and where MLflow listens."""
        own = {"SLUICEGATE_HOME": str(self.home), "KUBECONFIG": str(self.home / "kubeconfig"), "PYTHONPATH": str(ROOT)}
        own |= {"MLFLOW_TRACKING_URI": self.addresses["mlflow"]} if self.addresses else {}
        own |= {"SLUICEGATE_GATEWAY": self.addresses["gateway"]} if self.addresses else {}
        own |= {"SLUICEGATE_COLLECTOR": self.addresses["collector"]} if self.addresses else {}
        return {**os.environ, **own, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}

    def start(self, *words: str, log: str) -> "subprocess.Popen[bytes]":
        """Start a ``sluicegate`` command in the background; what it writes goes to a file of the demonstration."""
        path = self.home.parent / "logs" / f"{log}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        command = [str(Path(sys.executable).parent / "sluicegate"), *words]
        with path.open("ab") as file:
            return subprocess.Popen(
                command, stdout=file, stderr=file, env=self.environment, cwd=ROOT, start_new_session=True
            )

    def run(self, *words: str, log: str, check: bool = True, timeout: float = 420.0) -> int:
        """Run a ``sluicegate`` command to its end; when it must not fail and does, its last words are shown."""
        process = self.start(*words, log=log)
        try:
            code = process.wait(timeout)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.terminate()
            process.wait()
            raise
        if check and code:
            raise ClaimFailedError(f"`sluicegate {' '.join(words[:3])} …` failed: {self.last_words(log)}")
        return code

    def last_words(self, log: str, lines: int = 12) -> str:
        """The end of a command's log."""
        path = self.home.parent / "logs" / f"{log}.log"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""

    def up(self) -> None:
        """Start the plane and learn its addresses."""
        self.run("up", log="up")
        self.addresses = json.loads((self.home / "plane.json").read_text())["addresses"]

    def objects(self, kind: str) -> list[JSON]:
        """All objects of a kind in the default namespace."""
        paths = {
            "modelrollouts": "apis/sluicegate.dev/v1alpha1", "seldondeployments": "apis/machinelearning.seldon.io/v1",
            "workflows": "apis/argoproj.io/v1alpha1", "events": "api/v1", "configmaps": "api/v1",
        }  # fmt: skip
        url = f"{self.addresses['api']}/{paths[kind]}/namespaces/default/{kind}"
        return list(self.http.get(url).raise_for_status().json()["items"])

    def deployment(self) -> JSON:
        """The SeldonDeployment of the flights, or an empty object."""
        return next((o for o in self.objects("seldondeployments") if o["metadata"]["name"] == DEPLOYMENT), {})

    def rollouts(self, version: str) -> list[JSON]:
        """Rollouts of a model version, oldest first."""
        found = [o for o in self.objects("modelrollouts") if o["spec"].get("model", {}).get("version") == version]
        return sorted(found, key=lambda o: str(o["metadata"]["creationTimestamp"]))

    def champion(self) -> str:
        """The version under the registry's alias ``champion``; a dash when there is none, or no registry."""
        query = {"name": MODEL, "alias": "champion"}
        try:
            answer = self.http.get(f"{self.addresses['mlflow']}/api/2.0/mlflow/registered-models/alias", params=query)
        except httpx.HTTPError:
            return "–"
        return str(answer.json()["model_version"]["version"]) if answer.status_code == 200 else "–"

    def version(self, version: str) -> JSON:
        """A model version of the registry, with its tags as a dictionary; empty when there is none."""
        query = {"name": MODEL, "version": version}
        url = f"{self.addresses['mlflow']}/api/2.0/mlflow/model-versions/get"
        answer = self.http.get(url, params=query)
        found = answer.json().get("model_version", {}) if answer.status_code == 200 else {}
        return {**found, "tags": {tag["key"]: tag["value"] for tag in found.get("tags", [])}}

    def traffic(self) -> dict[str, int]:
        """Percent by predictor, as the gateway acknowledged it."""
        return dict(self.deployment().get("status", {}).get("traffic", {}))

    def claim(self, words: str, holds: Callable[[], T | None], deadline: float = 60.0) -> T:
        """Wait until a state is so; one that does not come true ends the demonstration."""
        end = time.monotonic() + deadline
        while True:
            try:
                value = holds()
            except (httpx.HTTPError, KeyError, IndexError):
                value = None  # not there yet is not so yet
            if value:
                self.record.claims.append(words)
                return value
            if time.monotonic() > end:
                raise ClaimFailedError(f"act {self.record.number}: {words}")
            time.sleep(0.2)

    def rollouts_newest(self) -> JSON:
        """The newest rollout of any version."""
        return max(self.objects("modelrollouts"), key=lambda o: str(o["metadata"]["creationTimestamp"]))

    def alarms(self) -> list[JSON]:
        """Events that tell of a drift alarm that started a pipeline, oldest first."""
        found = [event for event in self.objects("events") if event.get("reason") == "PipelineStarted"]
        return sorted(found, key=lambda event: int(event["metadata"]["resourceVersion"]))

    def failed(self) -> int:
        """Requests that failed since this act began, as users saw it."""
        return self.replay.tally.since(self.record.started)[1] if self.replay else 0

    @property
    def playing(self) -> Replay:
        """The replay; raises ClaimFailedError before there is one."""
        if self.replay is None:
            raise ClaimFailedError("the replay has not begun")
        return self.replay

    def say(self, words: str) -> None:
        """A line for the reader."""
        self.record.lines.append(words)

    def moment(self, words: str, at: float | None = None) -> None:
        """A moment of decision, for the plot."""
        self.record.moments.append((at or time.time(), words))


def running(process: "subprocess.Popen[bytes]") -> bool:
    """Whether a started command still runs."""
    return process.poll() is None


@contextmanager
def ended(processes: Sequence["subprocess.Popen[bytes]"]) -> Iterator[None]:
    """End commands that still run, whatever happens."""
    try:
        yield
    finally:
        for process in processes:
            if running(process):
                process.terminate()
                process.wait()
