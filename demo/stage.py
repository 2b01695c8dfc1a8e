"""The stage: the ground that the acts play on, and how an act looks at it and at the registry.

An act uses what a person would: the ``sluicegate`` command or Argo, the Kubernetes-dialect API, MLflow's REST API.
Nothing here reaches into the product.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from demo.ground import JSON, ClaimFailedError, Ground, Load, Running
from demo.record import Record
from demo.versions import DEPLOYMENT, MODEL, parameters

T = TypeVar("T")


@dataclass(slots=True)
class Stage:
    """Everything an act needs."""

    ground: Ground
    load: Load | None = None
    record: Record = field(default_factory=lambda: Record(0, ""))
    earlier: Record = field(default_factory=lambda: Record(0, ""))
    """The record of act 2, with which act 4 compares itself."""
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10))

    @property
    def addresses(self) -> dict[str, str]:
        """Where things listen."""
        return self.ground.addresses

    def parameters(self, kind: str, **changes: Any) -> JSON:
        """Parameters of the delivery pipeline for one kind of model; ``changes`` come on top."""
        return parameters(kind, plan=self.ground.plan) | changes

    def deliver(self, version: int, given: JSON, *, check: bool = True) -> int:
        """Run the delivery pipeline to its end."""
        return self.ground.deliver(f"delivery-{version}", given, check=check)

    def objects(self, kind: str) -> list[JSON]:
        """All objects of a kind in the ground's namespace."""
        paths = {
            "modelrollouts": "apis/sluicegate.dev/v1alpha1", "seldondeployments": "apis/machinelearning.seldon.io/v1",
            "workflows": "apis/argoproj.io/v1alpha1", "events": "api/v1", "configmaps": "api/v1",
        }  # fmt: skip
        url = f"{self.addresses['api']}/{paths[kind]}/namespaces/{self.ground.namespace}/{kind}"
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
        return self.load.tally.since(self.record.started)[1] if self.load else 0

    @property
    def playing(self) -> Load:
        """The load; raises ClaimFailedError before there is one."""
        if self.load is None:
            raise ClaimFailedError("nobody asks yet")
        return self.load

    def say(self, words: str) -> None:
        """A line for the reader."""
        self.record.lines.append(words)

    def moment(self, words: str, at: float | None = None) -> None:
        """A moment of decision, for the plot."""
        self.record.moments.append((at or time.time(), words))


@contextmanager
def ended(running: Sequence[Running]) -> Iterator[None]:
    """End work that still goes on, whatever happens."""
    try:
        yield
    finally:
        for each in running:
            each.end()
