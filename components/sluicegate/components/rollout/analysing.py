"""``analyse``: looks every second at everything seen since the rollout began, until the evidence is clear."""

from pathlib import Path
from typing import NamedTuple

from sluicegate.components.step import step


class Analysed(NamedTuple):
    """What the analysis said: ``Successful`` always, as anything else raises; and its last words."""

    result: str
    message: str


@step("analyse", effects=True, extras=("monitoring",))
def analyse(
    *, rollout: str, epoch: str, index: int = 0, goal: str = "advance", namespace: str = "default",
    collector: str = "", evidence_directory: str = "",
) -> Analysed:  # fmt: skip
    """Look every second until a goal is reached: ``advance``, ``promote`` (no worse is proven) or ``bake`` (time).

    Evidence is kept in a directory (a plane's own unless one is given), without one by the collector.

    Raises HarmProvenError (traffic is then already on its way back), UndecidedError when the plan says so,
    RolloutEndedError when the rollout is over or goes back for another reason.
    """
    import os
    import time

    from sluicegate.components.rollout.evidence_places import CollectorPlace, DirectoryPlace
    from sluicegate.components.rollout.evidence_record import EvidenceRecord
    from sluicegate.components.rollout.looking import Looking, goal_of
    from sluicegate.components.rollout.rollouts import Rollouts
    from sluicegate.serving.client.objects import Objects

    access = Rollouts(objects=Objects(), name=rollout, namespace=namespace)
    asked = collector or os.environ.get("SLUICEGATE_COLLECTOR", "http://127.0.0.1:7081")
    home = os.environ.get("SLUICEGATE_HOME", "")
    directory = evidence_directory or (str(Path(home) / "evidence") if home else "")
    place = DirectoryPlace(Path(directory), rollout) if directory else CollectorPlace(asked, namespace, rollout)
    looking = Looking(
        access=access, epoch=epoch, index=index, goal=goal_of(goal), begun=time.time(), collector=asked,
        evidence=EvidenceRecord.of(access.read(), place),
    )  # fmt: skip
    verdict = looking.until_clear()
    return Analysed(verdict.result, verdict.message)
