"""Pipelines that something started: each is one process, started once, remembered by its directory.

``workflows/<run>/launch.json`` says what is to run; its directory is made in one stroke, so an alarm that comes twice
starts one run, however the plane dies in between. The end is written beside it and told as an Event.
"""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sluicegate.serving.local.errors import StoreError
from sluicegate.serving.local.processes import ProcessSpec, ProcessState
from sluicegate.serving.local.store import Store
from sluicegate.serving.local.supervisor import Supervisor

GROUP = "pipelines"
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What is to run. ``name`` is the run's, its process's and its directory's; ``because`` is told to people."""

    name: str
    pipeline: str
    namespace: str
    deployment: str
    parameters: dict[str, Any]
    because: str


class PipelineRuns:
    """Launches pipelines and keeps book of them. ``environment`` is how steps find the plane."""

    def __init__(self, store: Store, supervisor: Supervisor, home: Path, environment: Mapping[str, str]) -> None:
        self._store, self._supervisor, self._environment = store, supervisor, environment
        self._directory = home / "workflows"

    def launch(self, launch: Launch) -> bool:
        """Have it run; false when a run of that name was launched before. Raises OSError: nothing was launched."""
        directory = self._directory / launch.name
        if directory.exists():
            return False
        draft = self._directory / f".{launch.name}.{secrets.token_hex(4)}"
        draft.mkdir(parents=True)
        (draft / "parameters.json").write_text(json.dumps(launch.parameters))
        (draft / "launch.json").write_text(json.dumps(asdict(launch)))
        try:
            os.rename(draft, directory)  # noqa: PTH104  Path.rename says the same; this one fails on a full directory
        except OSError:
            return False
        self._tell(launch, "PipelineStarted", f"{launch.pipeline}: {launch.because}")
        return True

    def active(self, namespace: str, deployment: str) -> str:
        """The name of a run for that deployment which has not ended, or nothing."""
        wanted = (namespace, deployment)
        return next((each.name for each in self._open() if (each.namespace, each.deployment) == wanted), "")

    async def run(self) -> None:
        """Keep them under way until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """One pass."""
        launches = self._open()
        states = {state.name: state for state in self._supervisor.observe()}
        for launch in launches:
            state = states.get(launch.name)
            if state is not None and state.state == "Finished":
                self._end(launch, state)
        self._supervisor.apply([self._spec(each) for each in self._open()], group=GROUP)

    def _open(self) -> list[Launch]:
        found = sorted(path.parent for path in self._directory.glob("*/launch.json"))
        return [
            Launch(**json.loads((each / "launch.json").read_text()))
            for each in found
            if not each.name.startswith(".") and not (each / "ended.json").exists()
        ]

    def _spec(self, launch: Launch) -> ProcessSpec:
        file = self._directory / launch.name / "parameters.json"
        return ProcessSpec(
            name=launch.name,
            command=(
                *(sys.executable, "-m", "sluicegate.pipelines.cli"),
                *("pipeline", "run", launch.pipeline, "--parameters", str(file)),
            ),
            environment=self._environment,
            revision="1",
            grace_seconds=20.0,
            restart=False,
        )

    def _end(self, launch: Launch, state: ProcessState) -> None:
        end = {"exitCode": state.exit_code, "message": state.message}
        (self._directory / launch.name / "ended.json").write_text(json.dumps(end))
        if state.exit_code == 0:
            self._tell(launch, "PipelineSucceeded", f"{launch.pipeline} ({launch.name})")
        else:
            self._tell(launch, "PipelineFailed", f"{launch.pipeline} ({launch.name}): {state.message}", warning=True)

    def _tell(self, launch: Launch, reason: str, message: str, *, warning: bool = False) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{launch.name}.{secrets.token_hex(4)}", "namespace": launch.namespace},
            "involvedObject": {
                "apiVersion": "machinelearning.seldon.io/v1",
                "kind": "SeldonDeployment",
                "namespace": launch.namespace,
                "name": launch.deployment,
            },
            "reason": reason,
            "message": message,
            "type": "Warning" if warning else "Normal",
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": "sluicegate-triggers"},
        }
        try:
            self._store.create(event)
        except StoreError:
            # News only; what counts is in the run's directory.
            return
