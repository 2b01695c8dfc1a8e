"""Services: one for the predictor, by which gateways and clients reach it, and one for each unit's container."""

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.copies import COPIES, COPIES_PORT, has_port_for_copies
from sluicegate.serving.operator.objects.layout import Ports
from sluicegate.serving.operator.objects.manifest import manifest_of
from sluicegate.serving.operator.objects.names import (
    APP_LABEL,
    ENTRY_LABEL,
    PREDICTOR_LABEL,
    container_label,
    container_service_name,
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
    headless = subject.workload.predictor.annotations.get(HEADLESS_ANNOTATION, "").lower() == "true"
    spec = {
        "type": "ClusterIP",
        **({"clusterIP": "None"} if headless else {}),
        "selector": entry_selector(subject.layout),
        # By name: while a changed graph rolls out, old and new pods answer at different numbers.
        "ports": [
            _port("http", HTTP_PORT, "http"),
            _port("grpc", GRPC_PORT, "grpc"),
            *([_port(COPIES, COPIES_PORT, COPIES)] if has_port_for_copies(subject) else []),
        ],
    }
    return service(subject, service_name(subject.layout), spec)


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
