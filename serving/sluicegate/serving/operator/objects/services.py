"""Services: one for the predictor, by which gateways and clients reach it, and one for each unit's container."""

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.copies import COPIES, COPIES_PORT, has_port_for_copies
from sluicegate.serving.operator.objects.kept import kept_port, kept_template
from sluicegate.serving.operator.objects.layout import Ports
from sluicegate.serving.operator.objects.manifest import manifest_of
from sluicegate.serving.operator.objects.names import (
    APP_LABEL,
    ENTRY_LABEL,
    PREDICTOR_LABEL,
    container_label,
    container_service_name,
    deployment_name,
    engine_deployment_name,
    entry_selector,
    service_name,
)
from sluicegate.serving.operator.objects.subject import Subject

HEADLESS_ANNOTATION = "seldon.io/headless-svc"
HTTP_PORT = 8000
GRPC_PORT = 5001


def services_of(subject: Subject) -> tuple[JSON, ...]:
    """All Services of a predictor. One that a container's would be called like gives way to the predictor's."""
    layout = subject.layout
    found = {service_name(layout): _predictors(subject)}
    for container in layout.units:
        found.setdefault(container_service_name(layout, container), _containers(subject, container))
    return tuple(found.values())


def service(subject: Subject, name: str, spec: JSON) -> JSON:
    """A Service of this predictor."""
    labels = {APP_LABEL: name, ENTRY_LABEL: name, PREDICTOR_LABEL: subject.workload.predictor.name}
    return manifest_of("v1", "Service", {"name": name, "labels": labels}, spec, owner=subject.owner)


def _predictors(subject: Subject) -> JSON:
    kept = _kept(subject)
    headless = subject.workload.predictor.annotations.get(HEADLESS_ANNOTATION, "").lower() == "true"
    spec = {
        "type": "ClusterIP",
        **({"clusterIP": "None"} if headless else {}),
        "selector": entry_selector(subject.layout),
        "ports": [
            # By name: while a changed graph rolls out, old and new pods answer at different numbers. By number for
            # Seldon's pods: there two containers call a port so, and the first is not the engine.
            *(
                _port(name, number, (kept_port(kept, name) if kept else None) or name)
                for name, number in (("http", HTTP_PORT), ("grpc", GRPC_PORT))
            ),
            *([_port(COPIES, COPIES_PORT, COPIES)] if has_port_for_copies(subject) else []),
        ],
    }
    return service(subject, service_name(subject.layout), spec)


def _kept(subject: Subject) -> JSON | None:
    """The template of the predictor's pods, if they are Seldon's still."""
    layout = subject.layout
    if layout.separate_engine:
        return kept_template(subject, engine_deployment_name(layout), None)
    entry = next(pod for pod in layout.pods if pod.index == layout.entry_pod)
    return kept_template(subject, deployment_name(layout, entry), entry)


def _containers(subject: Subject, container: str) -> JSON:
    ports: Ports = subject.layout.ports[container]
    name = container_service_name(subject.layout, container)
    spec = {
        "type": "ClusterIP",
        "selector": {container_label(container): name},
        "ports": [_port("http", ports.http, ports.http), _port("grpc", ports.grpc, ports.grpc)],
    }
    return service(subject, name, spec)


def _port(name: str, number: int, target: str | int) -> JSON:
    return {"name": name, "port": number, "targetPort": target, "protocol": "TCP"}
