"""The port at which a predictor of ours gets copies only, where the gateway cannot mark them.

A predictor that answers users and is mirrored too would else take copies of its own requests for users'. Servers of
others have no such port; ``gateway.services`` says what that means.
"""

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.objects.containers import role_of
from sluicegate.serving.operator.objects.layout import Layout
from sluicegate.serving.operator.objects.subject import Subject

COPIES = "shadow"
"""Name of the port, in pods and in the Service."""
COPIES_PORT = 8001
"""Its number in the Service, and the first that is tried in pods."""


def has_port_for_copies(subject: Subject) -> bool:
    """Whether the container that answers is our server, and the gateway needs the port. Raises NotRenderableError."""
    layout = subject.layout
    if not subject.installation.foreign_gateway:
        return False
    if layout.has_engine:
        return True
    pod = next(pod for pod in layout.pods if layout.entry in pod.containers)
    return role_of(subject, pod, layout.units[layout.entry]).ours


def with_port_for_copies(subject: Subject, container: JSON) -> JSON:
    """The container, with the port if it is the one that answers and has one."""
    if container["name"] != subject.layout.entry or not has_port_for_copies(subject):
        return container
    number = _free_port(subject.layout)
    stated = [each for each in container["env"] if each["name"] != "SLUICEGATE_SHADOW_PORT"]
    return {
        **container,
        "ports": [*container["ports"], {"name": COPIES, "containerPort": number, "protocol": "TCP"}],
        "env": [*stated, {"name": "SLUICEGATE_SHADOW_PORT", "value": str(number)}],
    }


def _free_port(layout: Layout) -> int:
    taken = {number for ports in layout.ports.values() for number in (ports.http, ports.grpc, ports.metrics)}
    for component in layout.predictor.component_specs:
        for container in component.spec.get("containers") or ():
            taken |= {int(each["containerPort"]) for each in container.get("ports") or ()}
    return next(number for number in range(COPIES_PORT, 65536) if number not in taken)
