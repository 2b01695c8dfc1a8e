"""What a plane of processes cannot run: named one by one, so that nothing is accepted and then silently left out."""

import re
from collections.abc import Iterator

from sluicegate.serving.api.defaults import PYTHON_CLASS, python_class_of
from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.graph_rules import container_of, is_custom, units_of
from sluicegate.serving.api.seldon_deployment import (
    BUILT_IN_IMPLEMENTATIONS,
    PredictiveUnit,
    PredictorSpec,
    SeldonDeploymentSpec,
)

WITHOUT_CODE = BUILT_IN_IMPLEMENTATIONS - {"UNKNOWN_IMPLEMENTATION"}
_CLASS = re.compile(r"([A-Za-z_]\w*\.)+[A-Za-z_]\w*")


def embedded_errors(spec: SeldonDeploymentSpec, known_servers: frozenset[str]) -> Iterator[FieldError]:
    """Refusals; paths start at ``spec``."""
    if spec.protocol == "tensorflow":
        yield FieldError(path="spec.protocol", found="'tensorflow'", expected="seldon, v2 or kfserving on this plane")
    if spec.server_type == "kafka":
        yield FieldError(path="spec.serverType", found="'kafka'", expected="rpc: this plane reads no Kafka topics")
    for index, predictor in enumerate(spec.predictors):
        path = f"spec.predictors[{index}]"
        if predictor.ssl:
            yield FieldError(path=f"{path}.ssl", found="a certificate", expected="none: this plane listens on loopback")
        yield from _graph_errors(predictor, f"{path}.graph", known_servers)


def embedded_warnings(spec: SeldonDeploymentSpec) -> Iterator[str]:
    """What is accepted and has no effect here."""
    if spec.transport == "grpc":
        yield "spec.transport: this plane serves REST only"
    for predictor in spec.predictors:
        if predictor.explainer:
            yield f"predictor {predictor.name!r}: explainers do not run on this plane"
        if any(component.hpa_spec or component.keda_spec for component in predictor.component_specs):
            yield f"predictor {predictor.name!r}: this plane does not autoscale, replicas stay as written"


def _graph_errors(predictor: PredictorSpec, path: str, known_servers: frozenset[str]) -> Iterator[FieldError]:
    for where, unit in units_of(predictor.graph, path):
        yield from _unit_errors(predictor, unit, where, known_servers)


def _unit_errors(
    predictor: PredictorSpec, unit: PredictiveUnit, path: str, known_servers: frozenset[str]
) -> Iterator[FieldError]:
    named = python_class_of(predictor, unit)
    if named and _CLASS.fullmatch(named) is None:
        yield FieldError(path=path, found=f"{PYTHON_CLASS} {named!r}", expected="module.Class")
    if named and is_custom(unit):
        return
    if container_of(predictor, unit) is not None and is_custom(unit):
        expected = f"a prepackaged server, or parameter {PYTHON_CLASS}: module.Class; this plane runs no containers"
        yield FieldError(path=path, found=f"container {unit.name!r}", expected=expected)
    elif unit.implementation not in known_servers | WITHOUT_CODE:
        expected = f"{', '.join(sorted(known_servers))}, or parameter {PYTHON_CLASS}: module.Class"
        yield FieldError(path=f"{path}.implementation", found=str(unit.implementation or "none"), expected=expected)
