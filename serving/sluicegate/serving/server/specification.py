"""What the settings say is to be served: a graph from a file, from the environment, or of one unit; its parameters."""

import base64
import binascii
from pathlib import Path
from typing import Any

import msgspec

from sluicegate.serving.api import defaults
from sluicegate.serving.api.seldon_deployment import Parameter, PredictiveUnit, PredictorSpec
from sluicegate.serving.graph.rest_dialects import PROTOCOLS, SELDON
from sluicegate.serving.server.errors import SettingsRefusedError
from sluicegate.serving.server.setting_table import SERVICE_TYPES, TRUTH
from sluicegate.serving.server.settings import Settings


def graph_of(settings: Settings) -> PredictiveUnit:
    """The graph to serve: the predictor's, or one unit made of the other settings. Raises SettingsRefusedError."""
    if settings.predictor_file:
        return _of_file(Path(settings.predictor_file))
    if settings.graph:
        return _graph(settings.graph)
    return PredictiveUnit(
        name=settings.name,
        type=SERVICE_TYPES[settings.service_type],
        implementation=settings.implementation,
        model_uri=settings.model_uri,
        parameters=_parameters(settings.parameters),
    )


def _parameters(text: str) -> tuple[Parameter, ...]:
    """As Kubernetes has them, with text as value, or as people write them by hand, with a number or a truth value."""
    try:
        given = msgspec.json.decode(text or "[]", type=list[dict[str, Any]])
        told = [each if isinstance(each.get("value"), str) else {**each, "value": _written(each)} for each in given]
        return msgspec.convert(told, tuple[Parameter, ...])
    except (msgspec.DecodeError, KeyError) as error:
        raise SettingsRefusedError(f"parameters: {error}; expected a JSON list of name, value, type") from error


def _written(parameter: dict[str, Any]) -> str:
    return msgspec.json.encode(parameter["value"]).decode()


def _of_file(path: Path) -> PredictiveUnit:
    try:
        found = _document(path)
        predictors = found["spec"]["predictors"] if found.get("kind") == "SeldonDeployment" else [found]
        if len(predictors) != 1:
            names = ", ".join(str(each.get("name")) for each in predictors)
            raise SettingsRefusedError(f"--predictor {path}: found the predictors {names}; expected a file with one")
        return defaults.graph_of(msgspec.convert(predictors[0], PredictorSpec))
    except OSError as error:
        info = f"--predictor {path}: {error.strerror}; expected a file (a predictor's name is --predictor-name)"
        raise SettingsRefusedError(info) from error
    except (msgspec.DecodeError, LookupError, TypeError, AttributeError) as error:
        problem = " ".join(str(error).split())
        raise SettingsRefusedError(f"--predictor {path}: {problem}; expected a predictor as JSON or YAML") from error


def _document(path: Path) -> dict[str, Any]:
    return msgspec.yaml.decode(path.read_bytes(), type=dict[str, Any])


def protocol_of(settings: Settings) -> str:
    """How units of other processes are called: as is said, or else as a SeldonDeployment in a file says.

    Raises SettingsRefusedError.
    """
    stated = ""
    if settings.predictor_file and settings.protocol == SELDON:
        found = _document(Path(settings.predictor_file))
        stated = found["spec"].get("protocol") or "" if found.get("kind") == "SeldonDeployment" else ""
        if stated not in ("", *PROTOCOLS):
            path = settings.predictor_file
            raise SettingsRefusedError(f"{path}: found protocol {stated!r}; expected {' or '.join(PROTOCOLS)}")
    return stated or settings.protocol


def _graph(text: str) -> PredictiveUnit:
    try:
        document = text if text.lstrip().startswith("{") else base64.b64decode(text, validate=True)
        return defaults.graph_of(msgspec.json.decode(document, type=PredictorSpec))
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise SettingsRefusedError(f"graph: {error}; expected a predictor as JSON, or base64 of it") from error


def metadata_of(settings: Settings) -> dict[str, Any]:
    """What the settings tell of the model. Raises SettingsRefusedError."""
    try:
        return msgspec.yaml.decode(settings.metadata, type=dict[str, Any]) if settings.metadata else {}
    except msgspec.DecodeError as error:
        raise SettingsRefusedError(f"metadata: {error}; expected an object as JSON or YAML") from error


def typed_parameters(unit: PredictiveUnit) -> dict[str, Any]:
    """A unit's parameters with their types. Raises SettingsRefusedError naming the parameter."""
    return {
        parameter.name: _typed(unit.name, parameter)
        for parameter in unit.parameters
        if parameter.name not in defaults.OURS
    }


def _typed(unit: str, parameter: Parameter) -> Any:
    text = parameter.value
    try:
        if parameter.type == "INT":
            return int(text)
        if parameter.type in ("FLOAT", "DOUBLE"):
            return float(text)
        if parameter.type == "BOOL":
            return TRUTH[text.lower()]
    except (ValueError, KeyError) as error:
        where = f"unit {unit!r} parameter {parameter.name!r}"
        raise SettingsRefusedError(f"{where}: found {text!r}; expected {parameter.type}") from error
    return text
