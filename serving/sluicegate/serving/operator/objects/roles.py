"""Services by role: ``<deployment>-stable`` and ``<deployment>-candidate``, for dashboards and colleagues.

A predictor's name changes at each release; who wants "the one in service", or "the new one, if any", asks these. Users'
requests go through the gateway, which alone knows weights.
"""

from collections.abc import Iterable, Iterator

from sluicegate.serving.api.defaults import stable_of
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.operator.objects.layout import Layout
from sluicegate.serving.operator.objects.manifest import ObjectKey, key_of, manifest_of
from sluicegate.serving.operator.objects.names import APP_LABEL, PREDICTOR_LABEL, as_service, entry_selector
from sluicegate.serving.operator.objects.services import predictor_ports

ROLE_LABEL = "sluicegate.dev/role"


def role_services(
    deployment: SeldonDeployment,
    owner: JSON,
    layouts: Iterable[Layout],
    rollout: ModelRollout | None,
    taken: frozenset[ObjectKey],
) -> Iterator[JSON]:
    """A Service for each role that a predictor has now. One that another object is called like gives way to that."""
    by_name = {layout.predictor.name: layout for layout in layouts}
    for role, predictor in _roles(deployment, rollout).items():
        if predictor in by_name:
            service = _service(role, by_name[predictor], owner)
            if key_of(service) not in taken:
                yield service


def _roles(deployment: SeldonDeployment, rollout: ModelRollout | None) -> dict[str, str]:
    if rollout is not None:
        return {"stable": rollout.status.stable, "candidate": rollout.status.candidate}
    alone = stable_of(deployment.spec)
    return {"stable": alone.name} if alone is not None else {}


def _service(role: str, layout: Layout, owner: JSON) -> JSON:
    name = as_service(f"{layout.deployment.metadata.name}-{role}")
    labels = {APP_LABEL: name, PREDICTOR_LABEL: layout.predictor.name, ROLE_LABEL: role}
    spec = {"type": "ClusterIP", "selector": entry_selector(layout), "ports": predictor_ports()}
    return manifest_of("v1", "Service", {"name": name, "labels": labels}, spec, owner=owner)
