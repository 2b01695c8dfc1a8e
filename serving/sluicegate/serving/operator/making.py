"""What should be made for a deployment beside what there is: the difference, and what is left over. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.operator.objects.comparison import is_applied, orphans
from sluicegate.serving.operator.objects.layout import layout_of
from sluicegate.serving.operator.objects.manifest import ObjectKey, key_of
from sluicegate.serving.operator.objects.names import deployment_names
from sluicegate.serving.operator.objects.rendering import objects_of
from sluicegate.serving.operator.objects.roles import role_services
from sluicegate.serving.operator.observing import key_of_deployment, predictor_of
from sluicegate.serving.operator.settings import Installation
from sluicegate.serving.reconcile.workloads import Workload, WorkloadKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Makings:
    """``wanted`` is complete, ``live`` is what there is, ``predictors`` are those that are wanted, by name."""

    wanted: tuple[JSON, ...]
    live: Mapping[ObjectKey, JSON]
    predictors: frozenset[str]

    @property
    def missing(self) -> tuple[JSON, ...]:
        """Manifests that are not applied yet, or not any more."""
        return tuple(each for each in self.wanted if not is_applied(each, self.live.get(key_of(each))))

    def leftovers(self, reachable: frozenset[WorkloadKey], owner: JSON) -> Iterator[JSON]:
        """Live objects of ``owner`` that nobody wants, but for those of servers that may still be sent requests."""
        # Of a predictor that is wanted, only a Deployment of another name may still answer.
        going = {key[1].partition(".")[2] for key in reachable} - self.predictors
        for live in orphans(self.live.values(), self.wanted, owner):
            answers = live["kind"] == "Deployment" and key_of_deployment(live) in reachable
            if not answers and predictor_of(live["metadata"].get("labels") or {}) not in going:
                yield live


def makings_of(
    deployment: SeldonDeployment,
    owner: JSON,
    workloads: tuple[Workload, ...],
    rollout: ModelRollout | None,
    live: Mapping[ObjectKey, JSON],
    installation: Installation,
) -> Makings:
    """All objects of a deployment and of the rollout under way. Raises NotRenderableError."""
    wanted: list[JSON] = []
    layouts = [layout_of(deployment, workload.predictor) for workload in workloads]
    for workload, layout in zip(workloads, layouts, strict=True):
        held = rollout is not None and workload.predictor.name == rollout.status.stable
        replicas = _replicas_now(deployment_names(layout), live) if held else None
        wanted += objects_of(workload, deployment, owner, installation, live=live, hold_replicas=replicas)
    wanted += role_services(deployment, owner, layouts, rollout, {key_of(each): each for each in wanted})
    return Makings(wanted=tuple(wanted), live=live, predictors=frozenset(each.predictor.name for each in workloads))


def _replicas_now(names: tuple[str, ...], live: Mapping[ObjectKey, JSON]) -> int | None:
    """Replicas of the first Deployment there is: an autoscaler would shrink it just before a rollback needs it."""
    found = (live["Deployment", name] for name in names if ("Deployment", name) in live)
    return next((int((each.get("spec") or {}).get("replicas", 1)) for each in found), None)
