"""What a submitted SeldonDeployment would become, by the controller's own renderer: the objects that are tried."""

from collections.abc import Callable, Mapping

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.operator.objects.manifest import ObjectKey
from sluicegate.serving.operator.objects.rendering import objects_of
from sluicegate.serving.operator.settings import Installation
from sluicegate.serving.reconcile.workloads import workload_of

Made = Callable[[str, str], Mapping[ObjectKey, JSON]]
"""What was made for a SeldonDeployment of this namespace and name: a live Deployment keeps its selector."""


def renderer(installation: Installation, made: Made) -> Callable[[JSON], tuple[JSON, ...]]:
    """Renders with these settings. What it returns raises NotRenderableError."""

    def render(deployment: JSON) -> tuple[JSON, ...]:
        view, owner = decode(deployment, SeldonDeployment), deployment["metadata"]
        live = made(view.metadata.namespace, view.metadata.name)
        return tuple(
            each
            for predictor in view.spec.predictors
            for each in objects_of(workload_of(view, predictor), view, owner, installation, live=live)
        )

    return render
