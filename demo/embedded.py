"""The plane of this machine as the demonstration's ground: one command brings up everything."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

from demo.commands import ROOT, Command, Commands
from demo.flights import departures
from demo.ground import JSON
from demo.replay import Replay
from demo.versions import DEPLOYMENT, MODEL, PLAN, WINTER, written


@dataclass(slots=True)
class Plane:
    """API, gateway, MLflow and collector as processes below ``home``; ``rate`` is flights a second."""

    home: Path
    rate: float
    what: str = "the plane: API, gateway (Envoy), registry (MLflow), collector"
    farewell: str = "The plane is still running; the README says what to try. End it with: make demo-down"
    namespace: str = "default"
    plan: JSON = field(default_factory=lambda: PLAN)
    addresses: dict[str, str] = field(default_factory=dict)
    load: Replay | None = None

    @property
    def commands(self) -> Commands:
        """Commands that are told of the home, of the demonstration's own code, and of what listens where."""
        own = {"SLUICEGATE_HOME": str(self.home), "KUBECONFIG": str(self.home / "kubeconfig"), "PYTHONPATH": str(ROOT)}
        if self.addresses:
            own |= {"MLFLOW_TRACKING_URI": self.addresses["mlflow"], "SLUICEGATE_GATEWAY": self.addresses["gateway"]}
            own |= {"SLUICEGATE_COLLECTOR": self.addresses["collector"]}
        quiet = {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        return Commands(self.home.parent / "logs", {**os.environ, **own, **quiet})

    def begin(self, say: Callable[[str, str], None]) -> Replay:
        """End what an earlier play left, and bring up a plane that knows nothing."""
        if (self.home / "plane.json").exists():
            self.commands.run("down", log="down", check=False)
        for directory in (self.home, self.home.parent / "logs"):
            shutil.rmtree(directory, ignore_errors=True)
        self.commands.run("up", log="up")
        self.addresses = json.loads((self.home / "plane.json").read_text())["addresses"]
        for name, address in self.addresses.items():
            say(name, address)
        gateway = urlparse(self.addresses["gateway"])
        path = f"/seldon/{self.namespace}/{DEPLOYMENT}"
        self.load = Replay(str(gateway.hostname), int(gateway.port or 80), path, departures(*WINTER), self.rate)
        return self.load

    def end(self, *, keep: bool) -> None:
        """Stop the load, and the plane unless it is kept."""
        if self.load is not None:
            self.load.stop()
        if not keep:
            self.commands.run("down", log="down", check=False)

    def deliver(self, name: str, parameters: JSON, *, check: bool = True) -> int:
        """As a KFP pipeline, its tasks processes of this machine."""
        given = written(self.home.parent, name, parameters)
        return self.commands.run("pipeline", "run", "delivery", "--parameters", given, log=name, check=check)

    def roll_out(self, name: str, version: str, plan: JSON) -> Command:
        """By the command."""
        given = written(self.home.parent, name, plan)
        words = ("rollout", "start", DEPLOYMENT, "--model", MODEL, "--version", version, "--plan", given, "--wait")
        return self.commands.start(*words, log=name)

    def submit(self, name: str, parameters: dict[str, str]) -> Command:
        """By the local runner, in a process of its own."""
        given = [word for key, value in parameters.items() for word in ("-p", f"{key}={value}")]
        return self.commands.start("submit", "--local", "--from", "sluicegate-rollout", *given, log=name)

    def evidence(self, rollout: JSON) -> JSON:
        """A file."""
        return dict(json.loads(Path(urlparse(rollout["status"]["evidence"]).path).read_bytes()))

    def stop_registry(self) -> None:
        """Held by the keeper until it is started again."""
        self.commands.run("stop", "mlflow", log="mlflow")

    def start_registry(self) -> None:
        """Its database lies in a file."""
        self.commands.run("start", "mlflow", log="mlflow")
