"""What became of the Argo Workflow that drives a rollout: one that is gone renews no lease, so nobody need wait for it.

A rollout names its workflow where that lives in this cluster. Only metadata are asked for, every few seconds while the
rollout is under way. Who may not ask, or gets no answer, knows nothing: then the lease decides, as it does elsewhere.
"""

import logging

from sluicegate.serving.api.metadata import JSON, WORKFLOW_ANNOTATION
from sluicegate.serving.api.model_rollout import TERMINAL_PHASES, ModelRollout
from sluicegate.serving.api.resources import RESOURCES
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.errors import ClusterError, NotFoundError, RefusedError
from sluicegate.serving.operator.ports import Clock

LOOK_SECONDS = 2.0
FORGET_SECONDS = 60.0
COMPLETED = "workflows.argoproj.io/completed"
PHASE = "workflows.argoproj.io/phase"
"""Labels by which Argo's controller itself finds workflows that are over."""
_LOG = logging.getLogger(__name__)


class Workflows:
    """Asked at each look; asks the API server seldom."""

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster, self._clock = cluster, clock
        self._known: dict[str, tuple[float, str]] = {}
        self._refused = False

    def seconds_to_next(self, rollout: ModelRollout) -> float:
        """Until it is worth while to ask again: nobody tells the operator of workflows."""
        return LOOK_SECONDS if _named(rollout) else float("inf")

    async def ending(self, rollout: ModelRollout) -> str:
        """How the rollout's workflow ended, as a sentence; nothing while it goes on, and when that is not known."""
        named = _named(rollout)
        if named is None:
            return ""
        now = self._clock.monotonic()
        self._known = {uid: known for uid, known in self._known.items() if now - known[0] < FORGET_SECONDS}
        at, sentence = self._known.get(rollout.metadata.uid, (float("-inf"), ""))
        if now - at >= LOOK_SECONDS:
            sentence = await self._asked(*named)
            self._known[rollout.metadata.uid] = (now, sentence)
        return sentence

    async def _asked(self, namespace: str, name: str, uid: str) -> str:
        try:
            found = await self._cluster.metadata(RESOURCES["Workflow"], namespace, name)
        except NotFoundError:
            return f"its workflow {name!r} was deleted"
        except ClusterError as error:
            if not self._refused:
                _LOG.warning("workflows cannot be looked at, so leases have to run out: %s", error)
            self._refused = isinstance(error, RefusedError)
            return ""
        return ending_of(found, uid)


def _named(rollout: ModelRollout) -> tuple[str, str, str] | None:
    """Namespace, name and uid of the workflow that drives a rollout under way."""
    named = rollout.metadata.annotations.get(WORKFLOW_ANNOTATION, "").split("/")
    if len(named) != 3 or rollout.status.phase in TERMINAL_PHASES | {"Aborting"}:
        return None
    return (named[0], named[1], named[2])


def ending_of(workflow: JSON, uid: str) -> str:
    """How a workflow ended, by its metadata; nothing while it goes on."""
    meta = workflow["metadata"]
    labels = meta.get("labels") or {}
    if meta.get("uid") != uid or meta.get("deletionTimestamp"):
        return f"its workflow {meta['name']!r} was deleted"
    if labels.get(COMPLETED) == "true":
        return f"its workflow {meta['name']!r} ended as {labels.get(PHASE, 'Error')}"
    return ""
