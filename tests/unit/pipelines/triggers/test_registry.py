"""The registry follows deployments and rollouts, and a person's ``challenger`` starts one rollout."""

from pathlib import Path
from typing import Any

import pytest
from tests.fakes.registry import FakeRegistry

from sluicegate.pipelines.triggers.errors import RegistryUnreachableError
from sluicegate.pipelines.triggers.registry import RegistryReconciler
from sluicegate.serving.local.store import Store

JSON = dict[str, Any]


def deployment(version: str, *, state: str = "Available", observed: int = 1) -> JSON:
    """A deployment of model ``late``."""
    notes = {"sluicegate.dev/model": "late", "sluicegate.dev/version": version}
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": "flights"},
        "spec": {"predictors": [{"name": f"v{version}", "graph": {"name": "late"}, "annotations": notes}]},
        "status": {"state": state, "observedGeneration": observed},
    }


def rollout(name: str, version: str, phase: str, reason: str = "", message: str = "") -> JSON:
    """A rollout of model ``late``."""
    return {
        "apiVersion": "sluicegate.dev/v1alpha1",
        "kind": "ModelRollout",
        "metadata": {"name": name},
        "spec": {"target": "flights", "model": {"name": "late", "version": version}},
        "status": {"phase": phase, "reason": reason, "message": message, "evidence": f"evidence/{name}.json"},
    }


class House:
    """A store and a registry with three versions."""

    def __init__(self, path: Path) -> None:
        self.store = Store(path / "state.sqlite")
        self.registry = FakeRegistry({("late", version): {} for version in "123"})
        self.now = 0.0
        self.reconciler = RegistryReconciler(self.registry, clock=lambda: self.now)

    def look(self) -> list[str]:
        """One pass."""
        return self.reconciler.reconcile(self.store)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """One of them."""
    return House(tmp_path)


def test_champion_is_what_is_available(house: House) -> None:
    """The alias follows the deployment's own predictor."""
    house.store.create(deployment("1"))

    assert house.look() == []
    assert house.registry.pointed["late"] == {"champion": "1"}


@pytest.mark.parametrize(("state", "observed"), [("Creating", 1), ("Failed", 1), ("Available", 0)])
def test_never_before_it_is_available(house: House, state: str, observed: int) -> None:
    """Not while the new spec is still coming up, nor on the status of the spec before."""
    house.store.create(deployment("1", state=state, observed=observed))

    house.look()

    assert house.registry.pointed["late"] == {}


def test_it_goes_back_with_the_deployment_although_mlflow_was_down(house: House) -> None:
    """Down at the rollback, up later: nothing is forgotten."""
    created = house.store.create(deployment("2"))
    house.look()
    house.registry.down = True
    house.store.replace(
        created | {"spec": deployment("1")["spec"], "status": {"state": "Available", "observedGeneration": 2}}
    )
    with pytest.raises(RegistryUnreachableError):
        house.look()
    house.registry.down = False

    house.look()

    assert house.registry.pointed["late"] == {"champion": "1"}


def test_a_version_that_the_registry_does_not_know_is_told(house: House) -> None:
    """Served without being registered: a sentence, no error."""
    house.store.create(deployment("9"))

    assert house.look() == ["model 'late' version 9 is served, but it is not in the registry"]


def test_harm_is_tagged_with_its_reason(house: House) -> None:
    """A rollback for harm marks the version; a lost workflow does not."""
    house.store.create(rollout("a", "2", "RolledBack", "HarmProven", "18.9 % of answers flip"))
    house.store.create(rollout("b", "3", "RolledBack", "LeaseExpired", "gone"))

    house.look()

    assert house.registry.versions["late", "2"]["sluicegate.refused"] == "HarmProven: 18.9 % of answers flip"
    assert house.registry.versions["late", "2"]["sluicegate.evidence"] == "evidence/a.json"
    assert "sluicegate.refused" not in house.registry.versions["late", "3"]
    assert house.registry.versions["late", "3"]["sluicegate.rollout.phase"] == "RolledBack"


def test_a_second_refusal_keeps_the_first_reason(house: House) -> None:
    """``RefusedBefore`` says nothing new; a promotion clears it."""
    house.store.create(rollout("a", "2", "RolledBack", "HarmProven", "worse"))
    house.store.create(rollout("b", "2", "Refused", "RefusedBefore", "by rollout a"))
    house.look()
    assert house.registry.versions["late", "2"]["sluicegate.refused"] == "HarmProven: worse"

    house.store.create(rollout("c", "2", "Promoted"))
    house.look()

    assert "sluicegate.refused" not in house.registry.versions["late", "2"]


def test_nothing_is_written_twice(house: House) -> None:
    """A pass that finds everything as it should be writes nothing."""
    house.store.create(deployment("1"))
    house.store.create(rollout("a", "1", "Promoted"))
    house.look()
    before = house.registry.writes

    house.look()

    assert house.registry.writes == before


def test_a_challenger_is_rolled_out_once(house: House) -> None:
    """The alias starts one workflow with the version's bundle, however often one looks, and after it is deleted."""
    house.store.create(deployment("1"))
    house.registry.versions["late", "2"] = {"sluicegate.bundle": "/b/2", "sluicegate.bundle-digest": "sha256:ab"}
    house.registry.pointed["late"]["challenger"] = "2"

    house.look()
    (workflow,) = house.store.list("Workflow")
    house.store.delete("Workflow", "default", workflow["metadata"]["name"])
    house.look()

    given = {each["name"]: each["value"] for each in workflow["spec"]["arguments"]["parameters"]}
    assert (given["deployment"], given["version"], given["bundle_uri"]) == ("flights", "2", "/b/2")
    assert house.store.list("Workflow") == []


def test_where_rollouts_are_not_started_by_alias_a_challenger_waits(house: House) -> None:
    house.store.create(deployment("1"))
    house.registry.versions["late", "2"] = {"sluicegate.bundle": "/b/2"}
    house.registry.pointed["late"]["challenger"] = "2"

    (said,) = RegistryReconciler(house.registry, starts=False).reconcile(house.store)

    assert "rollouts are not started by alias here" in said
    assert house.store.list("Workflow") == []


def test_a_challenger_that_cannot_start_waits(house: House) -> None:
    """No bundle, or nobody serves the model: a sentence each."""
    house.registry.pointed["late"]["challenger"] = "2"
    assert "no SeldonDeployment serves this model" in house.look()[0]

    house.store.create(deployment("1"))

    assert "no tag sluicegate.bundle" in house.look()[0]
    assert house.store.list("Workflow") == []
