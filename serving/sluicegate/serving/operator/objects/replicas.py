"""How many pods: as stated, as an autoscaler has it, and never fewer than a rollout holds."""

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.layout import Pod
from sluicegate.serving.operator.objects.manifest import APPLIED_ANNOTATION
from sluicegate.serving.operator.objects.subject import Subject

REPLICAS_ANNOTATION = "sluicegate.dev/replicas"
"""On a Deployment: the replicas that we stated last, for the day when an autoscaler takes over."""


def stated_replicas(subject: Subject, pod: Pod, name: str, *, scaled: bool) -> int | None:
    """Replicas of a componentSpec's Deployment; None leaves them to its autoscaler."""
    if scaled:
        return _until_scaled(subject.live.get(("Deployment", name)))
    stated = first(pod.component.replicas, *_predictors_replicas(subject))
    return max(stated, held_replicas(subject, pod, name) or 0)


def engine_replicas(subject: Subject) -> int:
    """Replicas of an engine with pods of its own."""
    stated = first(subject.workload.predictor.svc_orch_spec.replicas, *_predictors_replicas(subject))
    return max(stated, subject.hold_replicas or 0)


def held_replicas(subject: Subject, pod: Pod, name: str) -> int | None:
    """The least number of pods while a rollout holds them; None when none does."""
    if subject.hold_replicas is None:
        return None
    if subject.layout.entry_pod == pod.index:
        return subject.hold_replicas
    live = subject.live.get(("Deployment", name)) or {}
    count = (live.get("spec") or {}).get("replicas")
    return None if count is None else int(count)


def first(*values: int | None) -> int:
    """The first number that is stated, 1 when none is."""
    return next((value for value in values if value is not None), 1)


def _predictors_replicas(subject: Subject) -> tuple[int | None, int | None]:
    return subject.workload.predictor.replicas, subject.layout.deployment.spec.replicas


def _until_scaled(live: JSON | None) -> int | None:
    """Replicas that we stated before there was an autoscaler, until it states its own.

    A field that its only applier leaves out goes back to its default: ten pods would become one. What is not ours yet
    is stated as it is, once; from the autoscaler's first change on the number is its own.
    """
    count = ((live or {}).get("spec") or {}).get("replicas")
    if live is None or count is None:
        return None
    notes = live["metadata"].get("annotations") or {}
    is_ours_still = APPLIED_ANNOTATION not in notes or notes.get(REPLICAS_ANNOTATION) == str(count)
    return int(count) if is_ours_still else None
