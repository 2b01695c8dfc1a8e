"""Rules about one predictor's graph: its units, what runs them, their parameters, and how they are spoken to."""

from collections.abc import Callable, Iterator

from sluicegate.serving.api.defaults import TIMEOUT, python_class_of, timeout_of
from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.names import LABEL_RULE, is_dns_label
from sluicegate.serving.api.seldon_deployment import (
    BUILT_IN_IMPLEMENTATIONS,
    ParameterType,
    PredictiveUnit,
    PredictorSpec,
    SeldonDeploymentSpec,
)

NO_ENGINE_ANNOTATION = "seldon.io/no-engine"
NO_TENSORFLOW = frozenset({"SKLEARN_SERVER", "XGBOOST_SERVER", "MLFLOW_SERVER", "HUGGINGFACE_SERVER"})
WITHOUT_MODEL_URI = frozenset({"HUGGINGFACE_SERVER"})
_BOOLEANS = frozenset({"true", "false", "1", "0", "yes", "no", "y", "n", "t", "f", "on", "off"})


def units_of(unit: PredictiveUnit, path: str) -> Iterator[tuple[str, PredictiveUnit]]:
    """Every unit of a graph with its path, parents first."""
    yield path, unit
    for index, child in enumerate(unit.children):
        yield from units_of(child, f"{path}.children[{index}]")


def is_prepackaged(unit: PredictiveUnit) -> bool:
    """Whether the implementation names a prepackaged server: whatever is not built in does."""
    return bool(unit.implementation) and unit.implementation not in BUILT_IN_IMPLEMENTATIONS


def is_custom(unit: PredictiveUnit) -> bool:
    """Whether the user's own code runs the unit."""
    return unit.implementation in (None, "", "UNKNOWN_IMPLEMENTATION")


def container_of(predictor: PredictorSpec, unit: PredictiveUnit) -> dict[str, object] | None:
    """The user's container of the unit's name."""
    for component in predictor.component_specs:
        containers = component.spec.get("containers")
        for container in containers if isinstance(containers, list) else ():
            if isinstance(container, dict) and container.get("name") == unit.name:
                return container
    return None


def graph_errors(predictor: PredictorSpec, path: str) -> Iterator[FieldError]:
    """Names of units, and graphs too large to run without an engine."""
    units = list(units_of(predictor.graph, f"{path}.graph"))
    seen: set[str] = set()
    for where, unit in units:
        if not is_dns_label(unit.name):
            yield FieldError(path=f"{where}.name", found=repr(unit.name), expected=LABEL_RULE)
        elif unit.name in seen:
            yield FieldError(path=f"{where}.name", found=repr(unit.name), expected="a name used once in its graph")
        seen.add(unit.name)
    if NO_ENGINE_ANNOTATION in predictor.annotations and len(units) > 1:
        found = f"{len(units)} units with annotation {NO_ENGINE_ANNOTATION}"
        yield FieldError(path=f"{path}.graph", found=found, expected="a single unit, or no such annotation")


def unit_errors(predictor: PredictorSpec, path: str, *, protocol: str, embedded: bool) -> Iterator[FieldError]:
    """What runs each unit, and what it needs for that."""
    for where, unit in units_of(predictor.graph, f"{path}.graph"):
        if is_custom(unit):
            has_class = bool(python_class_of(predictor, unit))
            yield from _custom_errors(predictor, unit, where, runs=embedded or has_class)
        if is_prepackaged(unit):
            yield from _prepackaged_errors(unit, where, protocol)
        if unit.logger is not None and not unit.logger.mode:
            expected = "a logger mode: all, request or response"
            yield FieldError(path=f"{where}.logger.mode", found="''", expected=expected)


def image_errors(predictor: PredictorSpec, path: str, installed: frozenset[str] | None) -> Iterator[FieldError]:
    """Prepackaged servers that neither the installation nor the user has an image for."""
    if installed is None:
        return
    for where, unit in units_of(predictor.graph, f"{path}.graph"):
        own = container_of(predictor, unit) or {}
        if is_prepackaged(unit) and unit.implementation not in installed and not own.get("image"):
            known = ", ".join(sorted(installed)) or "none is installed"
            expected = f"a server that is installed ({known}), or a container named {unit.name!r} with an image"
            yield FieldError(path=f"{where}.implementation", found=str(unit.implementation), expected=expected)


def parameter_errors(predictor: PredictorSpec, path: str) -> Iterator[FieldError]:
    """Values that are not of the type that they claim."""
    for where, unit in units_of(predictor.graph, f"{path}.graph"):
        seen: set[str] = set()
        for index, parameter in enumerate(unit.parameters):
            place = f"{where}.parameters[{index}]"
            if not parameter.name or parameter.name in seen:
                expected = "a parameter name, once in its unit"
                yield FieldError(path=f"{place}.name", found=repr(parameter.name), expected=expected)
            seen.add(parameter.name)
            if parameter.name == TIMEOUT and not _is_timeout(unit):
                yield FieldError(
                    path=f"{place}.value", found=repr(parameter.value), expected="milliseconds, a number of 1 or more"
                )
            if not _is(parameter.type, parameter.value):
                yield FieldError(
                    path=f"{place}.value", found=repr(parameter.value), expected=f"text that reads as {parameter.type}"
                )


def transport_errors(spec: SeldonDeploymentSpec) -> Iterator[FieldError]:
    """Endpoints that disagree with each other or with ``spec.transport``."""
    stated = [
        (where, unit.endpoint.type)
        for index, predictor in enumerate(spec.predictors)
        for where, unit in units_of(predictor.graph, f"spec.predictors[{index}].graph")
        if unit.endpoint is not None and unit.endpoint.type
    ]
    if len({kind for _, kind in stated}) > 1:
        expected = "one endpoint type in all graphs; say spec.transport instead"
        yield FieldError(path=f"{stated[-1][0]}.endpoint.type", found="REST and GRPC", expected=expected)
    for where, kind in stated:
        if spec.transport and kind.lower() != spec.transport:
            expected = f"no endpoint type, as spec.transport is {spec.transport}"
            yield FieldError(path=f"{where}.endpoint.type", found=kind, expected=expected)


def _custom_errors(predictor: PredictorSpec, unit: PredictiveUnit, where: str, *, runs: bool) -> Iterator[FieldError]:
    # A plane without containers says in its own rules what it can run instead.
    if not runs and container_of(predictor, unit) is None:
        expected = f"an implementation, or a container named {unit.name!r} in componentSpecs"
        yield FieldError(path=where, found=f"unit {unit.name!r} that nothing runs", expected=expected)
    if unit.type == "UNKNOWN_TYPE" and not unit.methods:
        expected = "a known type, or the methods that the unit implements"
        yield FieldError(path=f"{where}.type", found="UNKNOWN_TYPE without methods", expected=expected)


def _prepackaged_errors(unit: PredictiveUnit, where: str, protocol: str) -> Iterator[FieldError]:
    if not unit.model_uri and unit.implementation not in WITHOUT_MODEL_URI:
        yield FieldError(path=f"{where}.modelUri", found="''", expected=f"the model that {unit.implementation} loads")
    if protocol == "tensorflow" and unit.implementation in NO_TENSORFLOW:
        expected = "a server that speaks the tensorflow protocol"
        yield FieldError(path=f"{where}.implementation", found=str(unit.implementation), expected=expected)


def _is_timeout(unit: PredictiveUnit) -> bool:
    try:
        timeout_of(unit)
    except ValueError:
        return False
    return True


def _reads(value: str, read: Callable[[str], object]) -> bool:
    try:
        read(value)
    except ValueError:
        return False
    return True


def _is(kind: ParameterType, value: str) -> bool:
    match kind:
        case "INT":
            return _reads(value, int)
        case "FLOAT" | "DOUBLE":
            return _reads(value, float)
        case "BOOL":
            return value.lower() in _BOOLEANS
        case _:
            return True
