"""What keeps a componentSpec's number of pods: HorizontalPodAutoscaler, KEDA's ScaledObject, PodDisruptionBudget.

KEDA wins over an HPA, an HPA over replicas. A budget selects the pods of its own componentSpec; Seldon's selects the
whole deployment, so that two of them forbid each other's evictions.
"""

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.layout import Pod
from sluicegate.serving.operator.objects.manifest import manifest_of
from sluicegate.serving.operator.objects.metrics import as_v2
from sluicegate.serving.operator.objects.names import APP_LABEL, DEPLOYMENT_LABEL, PREDICTOR_LABEL, deployment_name
from sluicegate.serving.operator.objects.replicas import held_replicas
from sluicegate.serving.operator.objects.subject import Subject


def is_scaled(subject: Subject, pod: Pod) -> bool:
    """Whether an autoscaler owns the replicas."""
    return bool(_keda(subject, pod) or pod.component.hpa_spec)


def scalers_of(subject: Subject, pod: Pod) -> tuple[JSON, ...]:
    """Objects beside a componentSpec's Deployment, called as it is."""
    name = deployment_name(subject.layout, pod)
    found: list[JSON] = []
    if (keda := _keda(subject, pod)) is not None:
        found.append(_scaled_object(subject, pod, name, keda))
    elif pod.component.hpa_spec:
        found.append(_autoscaler(subject, pod, name, pod.component.hpa_spec))
    if pod.component.pdb_spec:
        found.append(_budget(subject, name, pod.component.pdb_spec))
    return tuple(found)


def _keda(subject: Subject, pod: Pod) -> JSON | None:
    return pod.component.keda_spec or None if subject.installation.keda else None


def _autoscaler(subject: Subject, pod: Pod, name: str, stated: JSON) -> JSON:
    held = held_replicas(subject, pod, name) or 0
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": max(int(stated.get("minReplicas", 1)), held),
        "maxReplicas": max(int(stated.get("maxReplicas", 1)), held),
        "metrics": stated.get("metricsv2") or [as_v2(metric) for metric in stated.get("metrics") or ()] or None,
        "behavior": stated.get("behavior"),
    }
    return _beside(subject, "autoscaling/v2", "HorizontalPodAutoscaler", name, spec)


def _scaled_object(subject: Subject, pod: Pod, name: str, stated: JSON) -> JSON:
    held = held_replicas(subject, pod, name)
    floor: JSON = {}
    if held:
        # An idle count has to be below the least one, and idle is just what must not be now.
        floor = {
            "minReplicaCount": max(int(stated.get("minReplicaCount", 0)), held),
            "maxReplicaCount": max(int(stated.get("maxReplicaCount", 100)), held),
            "idleReplicaCount": None,
        }
    spec = {**stated, **floor, "scaleTargetRef": {"name": name}}
    return _beside(subject, "keda.sh/v1alpha1", "ScaledObject", name, spec)


def _budget(subject: Subject, name: str, stated: JSON) -> JSON:
    pods = {"matchLabels": {DEPLOYMENT_LABEL: subject.workload.deployment, APP_LABEL: name}}
    spec = {**{key: stated.get(key) for key in ("minAvailable", "maxUnavailable")}, "selector": pods}
    return _beside(subject, "policy/v1", "PodDisruptionBudget", name, spec)


def _beside(subject: Subject, api_version: str, kind: str, name: str, spec: JSON) -> JSON:
    labels = {APP_LABEL: name, PREDICTOR_LABEL: subject.workload.predictor.name}
    return manifest_of(api_version, kind, {"name": name, "labels": labels}, spec, owner=subject.owner)
