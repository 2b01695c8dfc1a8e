"""All Kubernetes objects of one predictor: the way into this room, for the operator.

Values in, manifests out, each complete for server-side apply; nothing here asks the API server.
"""

from collections.abc import Mapping

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.operator.objects.autoscaling import scalers_of
from sluicegate.serving.operator.objects.deployments import deployment_of, engine_deployment
from sluicegate.serving.operator.objects.explainer import explainer_objects
from sluicegate.serving.operator.objects.fusing import fused
from sluicegate.serving.operator.objects.layout import layout_of
from sluicegate.serving.operator.objects.manifest import ObjectKey, key_of
from sluicegate.serving.operator.objects.services import services_of
from sluicegate.serving.operator.objects.subject import Subject
from sluicegate.serving.operator.settings import Installation
from sluicegate.serving.reconcile.workloads import Workload


def objects_of(
    workload: Workload,
    deployment: SeldonDeployment,
    owner: JSON,
    installation: Installation,
    *,
    live: Mapping[ObjectKey, JSON],
    hold_replicas: int | None = None,
) -> tuple[JSON, ...]:
    """Every object of a predictor, sorted by kind and name. Raises NotRenderableError.

    ``owner`` is the SeldonDeployment's own metadata. ``live`` are the objects there are; what cannot change in them (a
    Deployment's selector) is kept. ``hold_replicas``: so many pods answer at least, whatever an autoscaler thinks;
    pods of a graph that do not answer themselves are held as many as they are.
    """
    subject = fused(
        Subject(
            workload=workload,
            layout=layout_of(deployment, workload.predictor),
            owner=owner,
            installation=installation,
            live=live,
            hold_replicas=hold_replicas,
        )
    )
    found = [
        *(deployment_of(subject, pod) for pod in subject.layout.pods),
        *(manifest for pod in subject.layout.pods for manifest in scalers_of(subject, pod)),
        *engine_deployment(subject),
        *services_of(subject),
        *explainer_objects(subject),
    ]
    return tuple(sorted(found, key=key_of))
