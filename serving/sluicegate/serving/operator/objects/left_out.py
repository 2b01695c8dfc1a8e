"""What a deployment asks for and this installation does not carry out: a sentence each, for admission and status."""

from collections.abc import Iterator

from sluicegate.serving.api.graph_rules import units_of
from sluicegate.serving.api.seldon_deployment import PredictorSpec, SeldonDeployment
from sluicegate.serving.operator.errors import NotRenderableError
from sluicegate.serving.operator.objects.containers import role_of
from sluicegate.serving.operator.objects.explainer import has_image
from sluicegate.serving.operator.objects.layout import layout_of
from sluicegate.serving.operator.objects.subject import Subject
from sluicegate.serving.operator.settings import Installation
from sluicegate.serving.reconcile.workloads import workload_of


def left_out(deployment: SeldonDeployment, installation: Installation) -> Iterator[str]:
    """What has no effect, and what to do about it where something can be done."""
    if deployment.spec.server_type == "kafka":
        yield "spec.serverType: kafka has no effect: requests come over HTTP only"
    for predictor in deployment.spec.predictors:
        for sentence in _of_predictor(_subject(deployment, predictor, installation)):
            yield f"predictor {predictor.name!r}: {sentence}"


def _subject(deployment: SeldonDeployment, predictor: PredictorSpec, installation: Installation) -> Subject:
    return Subject(
        workload=workload_of(deployment, predictor),
        layout=layout_of(deployment, predictor),
        owner={},
        installation=installation,
        live={},
        hold_replicas=None,
    )


def _of_predictor(subject: Subject) -> Iterator[str]:
    predictor, layout = subject.workload.predictor, subject.layout
    if predictor.explainer and not has_image(subject):
        yield (
            f"its explainer does not run, as there is no image for protocol {subject.protocol}; name one in "
            "explainer.containerSpec.image or in the operator's SLUICEGATE_EXPLAINERS"
        )
    if not subject.installation.keda and any(component.keda_spec for component in predictor.component_specs):
        yield "kedaSpec has no effect, as this cluster has no KEDA; hpaSpec and replicas are honoured"
    ours = _ours(subject)
    if predictor.ssl and (layout.has_engine or layout.entry in ours):
        yield "its certificate is mounted at /cert/, but its server speaks plain HTTP; let the gateway do TLS"
    for _, unit in units_of(predictor.graph, ""):
        if unit.logger is not None and unit.logger.mode and not layout.has_engine and unit.name not in ours:
            yield f"the logger of unit {unit.name!r} has no effect: what runs there is not our server"


def _ours(subject: Subject) -> frozenset[str]:
    """Units that our model server runs."""
    found = set()
    for pod in subject.layout.pods:
        for name in pod.containers:
            unit = subject.layout.units.get(name)
            try:
                if unit is not None and role_of(subject, pod, unit).ours:
                    found.add(name)
            except NotRenderableError:
                continue
    return frozenset(found)
