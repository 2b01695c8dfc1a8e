"""Steps that end a rollout: promote, complete after the bake, abort. All are safe to repeat."""

from typing import NamedTuple

from sluicegate.components.rollout.errors import RolloutRefusedError
from sluicegate.components.rollout.holding import PROMOTED, held
from sluicegate.components.rollout.rollouts import HANDOVER_SECONDS, Rollouts, ended
from sluicegate.components.step import step
from sluicegate.serving.api.model_rollout import TERMINAL_PHASES, ModelRollout
from sluicegate.serving.client.objects import Objects

_BAKED = frozenset({"Baking", "Promoted"})


class Outcome(NamedTuple):
    """Where the rollout stands now."""

    phase: str
    message: str


@step("promote", effects=True)
def promote(*, rollout: str, epoch: str, namespace: str = "default", timeout: float = 30.0) -> Outcome:
    """Make the candidate the deployment's own predictor; the old one stays warm and mirrored for the bake.

    A pause holds it back. Raises RolloutEndedError, RolloutRefusedError or NotSoInTimeError.
    """
    access = Rollouts(objects=Objects(), name=rollout, namespace=namespace)
    while True:
        held(access, epoch, lambda r: not r.spec.paused or r.status.phase in PROMOTED)
        access.desire(epoch, intent="Promote", leaseSeconds=HANDOVER_SECONDS)
        found = access.wait(_is_promoted_or_paused, timeout=timeout, what="baking")
        if found.status.phase in _BAKED:
            return Outcome(found.status.phase, found.status.message)


@step("complete", effects=True)
def complete(*, rollout: str, epoch: str, namespace: str = "default", timeout: float = 30.0) -> Outcome:
    """End the bake: the old predictor goes, the rollout is over.

    Raises RolloutEndedError, RolloutRefusedError or NotSoInTimeError.
    """
    access = Rollouts(objects=Objects(), name=rollout, namespace=namespace)
    access.desire(epoch, intent="Complete", leaseSeconds=HANDOVER_SECONDS)
    found = access.wait(lambda r: r.status.phase == "Promoted", timeout=timeout, what="promoted")
    return Outcome(found.status.phase, found.status.message)


@step("end-rollout", effects=True)
def end_rollout(
    *, rollout: str, workflow_status: str = "Failed", namespace: str = "default", timeout: float = 30.0
) -> Outcome:
    """What a rollout's workflow does last, whatever happened: unless the rollout is over, put everything back.

    Raises NotSoInTimeError when traffic is not back in time, RolloutEndedError when the workflow succeeded and the
    rollout did not.
    """
    access = Rollouts(objects=Objects(), name=rollout, namespace=namespace)
    found = access.find()
    if found is None:
        return Outcome("Refused", "the rollout was never admitted")
    if found.status.phase not in TERMINAL_PHASES:
        ask_back(access, found, f"its workflow ended as {workflow_status}")
        over = TERMINAL_PHASES
        found = access.wait(lambda r: r.status.phase in over, timeout=timeout, what="over", until_over=True)
    if workflow_status == "Succeeded" and found.status.phase != "Promoted":
        ended(found)
    return Outcome(found.status.phase, found.status.message)


def ask_back(access: Rollouts, found: ModelRollout, message: str) -> None:
    """Ask for the way back, whether or not the rollout has got its epoch; it may get it at this very moment."""
    while found.status.phase not in TERMINAL_PHASES | {"Aborting"}:
        try:
            access.desire(found.status.epoch, intent="Abort", reason="WorkflowEnded", message=message)
        except RolloutRefusedError:
            before, found = found, access.read()
            if found.status.epoch == before.status.epoch and found.status.phase == before.status.phase:
                raise
        else:
            return


def _is_promoted_or_paused(rollout: ModelRollout) -> bool:
    return rollout.status.phase in _BAKED or (rollout.spec.paused and rollout.status.phase not in PROMOTED)
