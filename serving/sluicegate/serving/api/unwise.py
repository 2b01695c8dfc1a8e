"""What is accepted because it always was, and is worth a sentence to whoever submits it."""

from collections.abc import Iterator

from sluicegate.serving.api.annotations import annotation_warnings
from sluicegate.serving.api.graph_rules import is_prepackaged, units_of
from sluicegate.serving.api.metadata import DIGEST_ANNOTATION
from sluicegate.serving.api.seldon_deployment import PredictiveUnit, PredictorSpec, SeldonDeployment

LOGGER_MODES = ("all", "request", "response")


def warnings_of(deployment: SeldonDeployment) -> Iterator[str]:
    """One sentence each."""
    spec = deployment.spec
    if spec.name and spec.name != deployment.metadata.name:
        yield f"spec.name {spec.name!r} has no effect: the deployment is called {deployment.metadata.name!r}"
    if spec.oauth_key or spec.oauth_secret:
        yield "spec.oauth_key and oauth_secret protect nothing: no part of the gateway reads them"
    for predictor in spec.predictors:
        yield from _predictor_warnings(predictor)
    serving = [predictor for predictor in spec.predictors if not predictor.shadow]
    if len(serving) == 1 and serving[0].traffic not in (0, 100):
        alone = serving[0]
        yield f"predictor {alone.name!r} is the only one that answers and gets all traffic, not {alone.traffic}"
    yield from annotation_warnings(deployment)


def _predictor_warnings(predictor: PredictorSpec) -> Iterator[str]:
    if predictor.engine_resources:
        yield f"predictor {predictor.name!r}: engineResources is deprecated, svcOrchSpec.resources takes its place"
    for component in predictor.component_specs:
        if component.hpa_spec and component.keda_spec:
            yield f"predictor {predictor.name!r}: kedaSpec wins, hpaSpec has no effect"
        if component.hpa_spec and component.hpa_spec.get("metrics"):
            yield f"predictor {predictor.name!r}: hpaSpec.metrics is of v2beta1, which is gone; write metricsv2"
    for _, unit in units_of(predictor.graph, ""):
        yield from _unit_warnings(unit)
        if is_prepackaged(unit) and unit.model_uri and DIGEST_ANNOTATION not in predictor.annotations:
            yield (
                f"predictor {predictor.name!r} serves a bare modelUri: nothing proves what it loads "
                f"(condition Verified=False); package it as a bundle and name its digest in {DIGEST_ANNOTATION}"
            )


def _unit_warnings(unit: PredictiveUnit) -> Iterator[str]:
    if unit.endpoint is not None and unit.endpoint.type:
        yield f"unit {unit.name!r}: endpoint.type is deprecated, spec.transport takes its place"
    if unit.type == "COMBINER" and len(unit.children) < 2:
        yield f"unit {unit.name!r}: a COMBINER with {len(unit.children)} children has nothing to combine"
    if unit.type == "ROUTER" and not unit.children:
        yield f"unit {unit.name!r}: a ROUTER without children has nowhere to send a request"
    if unit.logger is not None and unit.logger.mode and unit.logger.mode not in LOGGER_MODES:
        yield f"unit {unit.name!r}: logger mode {unit.logger.mode!r} logs nothing; there are {', '.join(LOGGER_MODES)}"
