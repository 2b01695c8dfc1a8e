"""What the plane's API admits."""

from pathlib import Path
from typing import Any

import pytest

from sluicegate.pipelines.plane.kinds import plane_kinds
from sluicegate.serving.local.kinds import Kind
from sluicegate.serving.local.store import Store

JSON = dict[str, Any]
DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty one."""
    return Store(tmp_path / "state.sqlite")


def kind(store: Store, name: str) -> Kind:
    """One of the plane's kinds."""
    return next(each for each in plane_kinds(store, frozenset({"SKLEARN_SERVER"})) if each.kind == name)


def deployment(implementation: str = "SKLEARN_SERVER") -> JSON:
    """A deployment of one predictor."""
    graph = {"name": "late", "implementation": implementation, "modelUri": "file:///b/1"}
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": "flights", "namespace": "default"},
        "spec": {"predictors": [{"name": "v1", "graph": graph}]},
    }


def rollout(name: str = "r1", desired: JSON | None = None) -> JSON:
    """A rollout to version 2."""
    graph = {"name": "late", "implementation": "SKLEARN_SERVER", "modelUri": "file:///b/2"}
    spec: JSON = {
        "target": "flights",
        "model": {"name": "late", "version": "2", "bundleDigest": DIGEST},
        "candidate": {"graph": graph},
    }
    return {
        "apiVersion": "sluicegate.dev/v1alpha1",
        "kind": "ModelRollout",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec | ({"desired": desired} if desired else {}),
    }


def test_a_deployment_is_validated(store: Store) -> None:
    """What cannot run here is refused by its path."""
    rule = kind(store, "SeldonDeployment").admit

    assert rule("CREATE", None, deployment()).errors == ()
    (error,) = rule("CREATE", None, deployment("TENSORFLOW_SERVER")).errors
    assert error.path == "spec.predictors[0].graph.implementation"


def test_a_candidate_gets_its_name_when_stored(store: Store) -> None:
    """Version and a hash; a body that does not decode is left to the API's own check."""
    prepare = kind(store, "ModelRollout").prepare

    assert prepare(rollout())["spec"]["candidate"]["name"].startswith("v2-")
    assert prepare({"spec": 3, "metadata": {}}) == {"spec": 3, "metadata": {}}


def test_one_rollout_per_target(store: Store) -> None:
    """A second one is refused while the first is under way."""
    given = kind(store, "ModelRollout")
    store.create(deployment())
    first = given.prepare(rollout())
    assert given.admit("CREATE", None, first).errors == ()
    store.create(first | {"status": {"phase": "Progressing", "rolloutId": "x", "epoch": "e"}})

    (error,) = given.admit("CREATE", None, given.prepare(rollout("r2"))).errors

    assert error.found == "TargetBusy"
    assert given.admit("CREATE", None, first).errors == ()  # the same once more: the store says that the name is taken


def test_a_write_of_another_epoch_is_refused(store: Store) -> None:
    """The fence of a workflow that was killed and came back."""
    rule = kind(store, "ModelRollout").admit
    old = rollout() | {"status": {"phase": "Progressing", "epoch": "e2"}}
    new = rollout(desired={"epoch": "e1", "renewal": 1, "weight": 5}) | {"status": old["status"]}

    assert [error.path for error in rule("UPDATE", old, new).errors] == ["spec.desired.epoch"]
