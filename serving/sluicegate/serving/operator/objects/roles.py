"""Services by role: ``<deployment>-stable`` and ``<deployment>-candidate``, for dashboards and colleagues.

A predictor's name changes at each release; who wants "the one in service", or "the new one, if any", asks these. Users'
requests go through the gateway, which alone knows weights.
"""

from collections.abc import Iterable, Iterator, Mapping

from sluicegate.serving.api.defaults import stable_of
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.operator.objects.layout import Layout
from sluicegate.serving.operator.objects.manifest import ObjectKey, key_of, manifest_of
from sluicegate.serving.operator.objects.names import APP_LABEL, PREDICTOR_LABEL, as_service, service_name

ROLE_LABEL = "sluicegate.dev/role"
_PORTS = {"http", "grpc"}
"""Copies of requests are a gateway's business."""


def role_services(
    deployment: SeldonDeployment,
    owner: JSON,
    layouts: Iterable[Layout],
    rollout: ModelRollout | None,
    made: Mapping[ObjectKey, JSON],
) -> Iterator[JSON]:
    """A Service for each role that a predictor has now. One that another object is called like gives way to that.

    It leads where the predictor's own Service, one of those ``made``, does.
    """
    by_name = {layout.predictor.name: layout for layout in layouts}
    for role, predictor in _roles(deployment, rollout).items():
        if predictor in by_name:
            layout = by_name[predictor]
            service = _service(role, layout, made["Service", service_name(layout)]["spec"], owner)
            if key_of(service) not in made:
                yield service


def _roles(deployment: SeldonDeployment, rollout: ModelRollout | None) -> dict[str, str]:
    if rollout is not None:
        return {"stable": rollout.status.stable, "candidate": rollout.status.candidate}
    alone = stable_of(deployment.spec)
    return {"stable": alone.name} if alone is not None else {}


def _service(role: str, layout: Layout, like: JSON, owner: JSON) -> JSON:
    name = as_service(f"{layout.deployment.metadata.name}-{role}")
    labels = {APP_LABEL: name, PREDICTOR_LABEL: layout.predictor.name, ROLE_LABEL: role}
    ports = [each for each in like["ports"] if each["name"] in _PORTS]
    spec = {"type": "ClusterIP", "selector": like["selector"], "ports": ports}
    return manifest_of("v1", "Service", {"name": name, "labels": labels}, spec, owner=owner)
