"""A step of the ladder met by a pause, a promotion by hand, or an abort."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.fakes.objects import FakeObjects

from sluicegate.components.rollout.errors import RolloutEndedError
from sluicegate.components.rollout.holding import held, reach
from sluicegate.components.rollout.rollouts import Rollouts
from sluicegate.serving.api.model_rollout import ModelRollout

JSON = dict[str, Any]


def rollout(meanwhile: Callable[[JSON, int], object], **spec: Any) -> tuple[Rollouts, FakeObjects]:
    """One at step 1 whose candidate has nothing, and to which others do something before each read."""
    objects = FakeObjects()
    document = {
        "metadata": {"name": "r", "namespace": "default"},
        "spec": {"target": "flights", "desired": {"epoch": "e", "step": 1}} | spec,
        "status": {"phase": "Progressing", "epoch": "e", "candidate": "new", "traffic": {"old": 100}},
    }
    objects.kept["ModelRollout", "default", "r"] = document
    objects.meanwhile = meanwhile
    return Rollouts(objects=objects, name="r", namespace="default"), objects


def half(found: ModelRollout) -> bool:
    """Whether the candidate has what step 2 gives it."""
    return found.status.traffic.get("new") == 50


def asked(objects: FakeObjects) -> list[int | None]:
    """Weights that were written, in order; None where only the lease was renewed."""
    return [patch["spec"]["desired"].get("weight") for patch in objects.patches]


def gateway(document: JSON, _reads: int) -> None:
    """Gives what is asked for, unless it is paused."""
    if not document["spec"].get("paused"):
        weight = document["spec"]["desired"].get("weight", 0)
        document["status"]["traffic"] = {"old": 100 - weight, "new": weight}


def test_a_paused_rollout_gets_no_more_until_it_is_resumed() -> None:
    """Meanwhile its lease is renewed."""

    def meanwhile(document: JSON, reads: int) -> None:
        document["spec"]["paused"] = reads < 4
        gateway(document, reads)

    access, objects = rollout(meanwhile, paused=True)

    found = reach(access, "e", half, step=2, timeout=1, what="at 50 %", weight=50)

    assert found.status.traffic == {"old": 50, "new": 50}
    assert asked(objects) == [None, None, 50]
    assert "leaseSeconds" in objects.patches[0]["spec"]["desired"]


def test_a_pause_stops_the_clock_of_a_step_that_waits() -> None:
    """It was paused after the weight had been asked for, and much longer than the step may take."""

    def meanwhile(document: JSON, reads: int) -> None:
        document["spec"]["paused"] = 3 < reads < 8
        gateway(document, reads)

    access, objects = rollout(meanwhile)

    found = reach(access, "e", half, step=2, timeout=0.5, what="at 50 %", weight=50)

    assert half(found)
    assert asked(objects).count(50) >= 1


@pytest.mark.parametrize("phase", ["Promoting", "Baking"])
def test_what_was_promoted_by_hand_takes_no_more_steps(phase: str) -> None:
    """The step is passed, and nothing is asked for that would take anything back."""
    access, objects = rollout(lambda document, _: document["status"].update(phase=phase))

    reach(access, "e", half, step=2, timeout=0.2, what="at 50 %", weight=50)

    assert set(asked(objects)) == {None}


def test_who_waits_for_a_person_ends_with_the_rollout() -> None:
    """Its reason is told."""
    access, _ = rollout(lambda document, _: document["status"].update(phase="Aborting", reason="AbortedByHand"))

    with pytest.raises(RolloutEndedError, match="AbortedByHand"):
        held(access, "e", lambda _: False)


def test_nobody_is_waited_for_longer_than_the_deadline() -> None:
    """The lease is not given up before."""
    access, objects = rollout(lambda _document, _reads: None)

    assert held(access, "e", lambda _: False, seconds=0.1) is None
    assert len(objects.patches) == 1
