"""Deployments: one for each componentSpec, and one for an engine with pods of its own."""

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.autoscaling import is_scaled
from sluicegate.serving.operator.objects.kept import ADOPTED_ANNOTATION, kept_template
from sluicegate.serving.operator.objects.layout import Pod
from sluicegate.serving.operator.objects.manifest import manifest_of
from sluicegate.serving.operator.objects.names import (
    APP_LABEL,
    DEPLOYMENT_LABEL,
    PREDICTOR_LABEL,
    deployment_name,
    engine_deployment_name,
)
from sluicegate.serving.operator.objects.pods import ENGINE_LABEL, component_labels, engine_template, template_of
from sluicegate.serving.operator.objects.replicas import REPLICAS_ANNOTATION, engine_replicas, stated_replicas
from sluicegate.serving.operator.objects.subject import Subject

_ROLLING: JSON = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}}
"""A pod leaves when another is ready, never before."""


def deployment_of(subject: Subject, pod: Pod) -> JSON:
    """The Deployment of one componentSpec."""
    name = deployment_name(subject.layout, pod)
    return _deployment(
        subject,
        name,
        replicas=stated_replicas(subject, pod, name, scaled=is_scaled(subject, pod)),
        labels=component_labels(subject, pod),
        template=template_of(subject, pod, name),
        kept=kept_template(subject, name, pod),
    )


def engine_deployment(subject: Subject) -> tuple[JSON, ...]:
    """The engine's Deployment, if it has one."""
    if not subject.layout.separate_engine:
        return ()
    name = engine_deployment_name(subject.layout)
    replicas, template = engine_replicas(subject), engine_template(subject, name)
    kept = kept_template(subject, name, None)
    return (_deployment(subject, name, replicas=replicas, labels=ENGINE_LABEL, template=template, kept=kept),)


def selector_of(subject: Subject, name: str) -> JSON:
    """A Deployment's selector: the live one's as it is, since it cannot be changed."""
    live = subject.live.get(("Deployment", name))
    kept: JSON = ((live or {}).get("spec") or {}).get("selector") or {}
    return kept or {"matchLabels": {DEPLOYMENT_LABEL: subject.workload.deployment, APP_LABEL: name}}


def _deployment(
    subject: Subject, name: str, *, replicas: int | None, labels: JSON, template: JSON, kept: JSON | None
) -> JSON:
    predictor = subject.workload.predictor
    selector = selector_of(subject, name)
    pods = {**template["metadata"]["labels"], **(selector.get("matchLabels") or {})}
    role = {"seldon.io/shadow": "true"} if predictor.shadow else {}
    spec = {
        "replicas": replicas,
        "selector": selector,
        "strategy": _ROLLING,
        "progressDeadlineSeconds": predictor.progress_deadline_seconds,
        "template": kept or {**template, "metadata": {**template["metadata"], "labels": pods}},
    }
    described = {APP_LABEL: name, "version": predictor.name, PREDICTOR_LABEL: predictor.name, **labels, **role}
    notes = {} if replicas is None else {REPLICAS_ANNOTATION: str(replicas)}
    notes |= {ADOPTED_ANNOTATION: subject.workload.revision} if kept else {}
    metadata = {"name": name, "labels": described, "annotations": notes}
    return manifest_of("apps/v1", "Deployment", metadata, spec, owner=subject.owner)
