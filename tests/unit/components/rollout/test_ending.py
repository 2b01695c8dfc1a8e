"""The exit handler asks for the way back at any phase, and a rollout names a workflow that lives beside it."""

from typing import Any

import pytest
from tests.fakes.objects import JSON, FakeObjects

from sluicegate.components.rollout.ending import ask_back
from sluicegate.components.rollout.errors import RolloutRefusedError
from sluicegate.components.rollout.preparing import is_here
from sluicegate.components.rollout.rollouts import Rollouts
from sluicegate.serving.client.errors import RefusedError


class Fenced(FakeObjects):
    """Takes only writes under the epoch that there is."""

    def patch(self, kind: str, name: str, patch: JSON, namespace: str | None = None) -> JSON:
        """Refused under any other."""
        current = self.kept[kind, namespace or "default", name]["status"].get("epoch", "")
        if patch["spec"]["desired"]["epoch"] != current:
            raise RefusedError("spec.desired.epoch")
        return super().patch(kind, name, patch, namespace)


def rollout(**status: Any) -> tuple[Rollouts, Fenced]:
    """One with this status."""
    objects = Fenced()
    document = {"metadata": {"name": "r", "namespace": "default"}, "spec": {"target": "flights"}, "status": status}
    objects.kept["ModelRollout", "default", "r"] = document
    return Rollouts(objects=objects, name="r", namespace="default"), objects


def intents(objects: FakeObjects) -> list[str]:
    """What was asked for."""
    return [patch["spec"]["desired"]["intent"] for patch in objects.patches]


@pytest.mark.parametrize("status", [{}, {"phase": "Queued"}, {"phase": "Progressing", "epoch": "u.1"}])
def test_a_workflow_that_failed_at_any_time_asks_for_the_way_back(status: JSON) -> None:
    access, objects = rollout(**status)

    ask_back(access, access.read(), "its workflow ended as Failed")

    assert intents(objects) == ["Abort"]


def test_a_rollout_that_gets_its_epoch_at_that_moment_is_asked_under_it() -> None:
    access, objects = rollout(phase="Pending")
    found = access.read()
    objects.kept["ModelRollout", "default", "r"]["status"] = {"phase": "Ready", "epoch": "u.1"}

    ask_back(access, found, "its workflow ended as Failed")

    assert objects.patches[-1]["spec"]["desired"]["epoch"] == "u.1"


def test_a_refusal_that_has_no_such_reason_is_told() -> None:
    access, objects = rollout(phase="Progressing", epoch="u.1")
    found = access.read()
    objects.patch = _refuse  # type: ignore[method-assign]  # the API, in a bad mood

    with pytest.raises(RolloutRefusedError, match="no"):
        ask_back(access, found, "its workflow ended as Failed")


@pytest.mark.parametrize(
    ("told", "there"),
    [("ns/w/uid-1", True), ("ns/w/uid-2", False), ("ns/other/uid-1", False), ("", False), ("//", False), ("w", False)],
)
def test_only_a_workflow_beside_the_rollout_is_named(told: str, there: bool) -> None:
    objects = FakeObjects()
    objects.kept["Workflow", "ns", "w"] = {"metadata": {"name": "w", "uid": "uid-1"}}

    assert is_here(objects, told) is there


def _refuse(*_: object, **__: object) -> JSON:
    raise RefusedError("no")
