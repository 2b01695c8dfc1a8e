"""What is meant when it is not said. Applied in memory at each reading, never written back, as Seldon Core does.

Used by validation, by reconcile, and by the rims that start servers.
"""

import math
from collections.abc import Iterator

import msgspec

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.metadata import DIGEST_ANNOTATION, GROUP, JSON, MODEL_ANNOTATION, VERSION_ANNOTATION
from sluicegate.serving.api.model_rollout import ModelRollout, RegisteredModel
from sluicegate.serving.api.names import candidate_name
from sluicegate.serving.api.seldon_deployment import PredictiveUnit, PredictorSpec, SeldonDeploymentSpec

PYTHON_CLASS = f"{GROUP}/python-class"
"""Parameter of a unit, or for a graph's first unit annotation of its predictor: ``module.Class`` to run in it."""

TIMEOUT = f"{GROUP}/timeout-ms"
"""Parameter of a unit: how long each call of it may take, in milliseconds."""
OURS = frozenset({PYTHON_CLASS, TIMEOUT})
"""Parameters that are not for the unit's code."""


def python_class_of(predictor: PredictorSpec, unit: PredictiveUnit) -> str:
    """``module.Class`` that a unit of the predictor's graph is to run, or nothing."""
    stated = [parameter.value for parameter in unit.parameters if parameter.name == PYTHON_CLASS]
    noted = predictor.annotations.get(PYTHON_CLASS, "") if unit is predictor.graph else ""
    return next(iter(stated), noted)


def implementation_of(predictor: PredictorSpec, unit: PredictiveUnit) -> str:
    """What the model server is told to run: ``module.Class`` or the name of a prepackaged server."""
    return python_class_of(predictor, unit) or unit.implementation or "UNKNOWN_IMPLEMENTATION"


def graph_of(predictor: PredictorSpec) -> PredictiveUnit:
    """The predictor's graph as a model server runs it: each unit's implementation says what to load."""
    return _implemented(predictor, predictor.graph)


def timeout_of(unit: PredictiveUnit) -> float | None:
    """Seconds that each call of the unit may take; None where its graph does not say. Raises ValueError."""
    stated = next((each.value for each in unit.parameters if each.name == TIMEOUT), None)
    if stated is None:
        return None
    try:
        found = float(stated)
    except ValueError as error:
        raise ValueError(stated) from error
    if not (math.isfinite(found) and found >= 1):
        raise ValueError(stated)
    return found / 1000


def digest_bearer(graph: PredictiveUnit) -> str:
    """The unit that a predictor's digest speaks of, by name: the first that has a model, else the graph's first."""

    def located(unit: PredictiveUnit) -> Iterator[str]:
        if unit.model_uri:
            yield unit.name
        for child in unit.children:
            yield from located(child)

    return next(located(graph), graph.name)


def _implemented(predictor: PredictorSpec, unit: PredictiveUnit) -> PredictiveUnit:
    return msgspec.structs.replace(
        unit,
        implementation=implementation_of(predictor, unit),
        parameters=tuple(each for each in unit.parameters if each.name != PYTHON_CLASS),
        children=tuple(_implemented(predictor, child) for child in unit.children),
    )


def model_of(predictor: PredictorSpec) -> RegisteredModel | None:
    """The registered model version that a predictor's annotations name."""
    notes = predictor.annotations
    if not notes.get(MODEL_ANNOTATION):
        return None
    return RegisteredModel(
        name=notes[MODEL_ANNOTATION],
        version=notes.get(VERSION_ANNOTATION, ""),
        bundle_digest=notes.get(DIGEST_ANNOTATION, ""),
    )


def shares_of(spec: SeldonDeploymentSpec) -> dict[str, int]:
    """Percent of the traffic by predictor, shadows left out; a single one gets everything, whatever it says."""
    serving = [predictor for predictor in spec.predictors if not predictor.shadow]
    if len(serving) == 1:
        return {serving[0].name: 100}
    return {predictor.name: predictor.traffic for predictor in serving}


def stable_of(spec: SeldonDeploymentSpec) -> PredictorSpec | None:
    """The predictor that serves alone, the one a rollout replaces; None when none or several do."""
    serving = [name for name, share in shares_of(spec).items() if share > 0]
    return next((each for each in spec.predictors if [each.name] == serving), None)


def with_candidate_defaults(rollout: JSON) -> JSON:
    """The rollout with its candidate's name and its model's annotations filled in. Raises InvalidObjectError."""
    spec = decode(rollout, ModelRollout).spec
    if spec.model is None:
        return rollout
    stated = (MODEL_ANNOTATION, spec.model.name), (VERSION_ANNOTATION, spec.model.version)
    digest = ((DIGEST_ANNOTATION, spec.model.bundle_digest),) if spec.model.bundle_digest else ()
    notes = dict((*stated, *digest)) | spec.candidate.annotations
    candidate = dict(rollout["spec"].get("candidate") or {}) | {"annotations": notes}
    name = spec.candidate.name or candidate_name(spec.model.version, decode(candidate, PredictorSpec))
    return rollout | {"spec": rollout["spec"] | {"candidate": candidate | {"name": name}}}


def milliseconds(text: str, otherwise: int) -> int:
    """An annotation's time-out as a positive whole number of milliseconds."""
    try:
        value = float(text)
    except ValueError:
        return otherwise
    return int(value) if math.isfinite(value) and value >= 1 else otherwise
