"""Settings of the model server: one table, from which the options, the environment and ``--help`` follow.

An option wins over the environment, the environment over the default. What cannot be read is refused with the
setting's name, what was found and what is expected.
"""

import argparse
import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from sluicegate.serving.api import defaults
from sluicegate.serving.api.seldon_deployment import Parameter, PredictiveUnit, PredictorSpec, UnitType
from sluicegate.serving.server.errors import SettingsRefusedError
from sluicegate.serving.server.journal import FORMATS


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the table."""

    name: str
    env: str
    default: str | int | float
    unit: str
    sentence: str
    spelled: str = ""
    """The option, where it is not made of the name."""

    @property
    def option(self) -> str:
        """Its spelling on the command line."""
        return self.spelled or "--" + self.name.replace("_", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a server is told; the table below says what each is."""

    implementation: str
    model_uri: str
    name: str
    service_type: str
    parameters: str
    predictor_file: str
    graph: str
    bundle_digest: str
    host: str
    http_port: int
    shadow_port: int
    grpc_port: int
    deployment: str
    predictor: str
    predictor_version: str
    namespace: str
    model_name: str
    model_version: str
    image: str
    metadata: str
    metrics_in_answers: str
    cors_origins: str
    cors_headers: str
    output: str
    log_url: str
    log_queue: int
    log_drop: str
    log_hash: str
    log_hash_key: str
    max_body_bytes: int
    max_message_bytes: int
    request_timeout_seconds: float
    receive_seconds: float
    keep_alive_seconds: float
    drain_seconds: float
    queue: int
    batch_rows: int
    inline_milliseconds: float


SERVICE_TYPES: dict[str, UnitType] = {
    "MODEL": "MODEL",
    "ROUTER": "ROUTER",
    "TRANSFORMER": "TRANSFORMER",
    "COMBINER": "COMBINER",
    "OUTPUT_TRANSFORMER": "OUTPUT_TRANSFORMER",
    "OUTLIER_DETECTOR": "TRANSFORMER",
}
"""Seldon's words for what a class serves, and the unit's type; its outlier detectors transform the input."""
TRUTH = {"true": True, "1": True, "false": False, "0": False}

SETTINGS = (
    Setting("implementation", "SLUICEGATE_IMPLEMENTATION", "SKLEARN_SERVER", "", "Prepackaged server or module.Class."),
    Setting("model_uri", "SLUICEGATE_MODEL_URI", "", "", "Where the bundle or the model lies: file:///… or a path."),
    Setting("name", "PREDICTIVE_UNIT_ID", "model", "", "The unit's name in the graph."),
    Setting("service_type", "SERVICE_TYPE", "MODEL", "", f"What the one unit is: {', '.join(SERVICE_TYPES)}."),
    Setting("parameters", "PREDICTIVE_UNIT_PARAMETERS", "[]", "", "JSON list of {name, value, type}."),
    Setting(
        "predictor_file",
        "SLUICEGATE_PREDICTOR_FILE",
        "",
        "",
        "File with a predictor, or with a SeldonDeployment that has one, JSON or YAML; its graph is served.",
        "--predictor",
    ),
    Setting(
        "graph", "ENGINE_PREDICTOR", "", "", "A predictor with its graph, JSON or base64 of it; instead of one unit."
    ),
    Setting(
        "bundle_digest", "SLUICEGATE_BUNDLE_DIGEST", "", "", "sha256:… of bundle.json; any other bundle is refused."
    ),
    Setting("host", "SLUICEGATE_HOST", "127.0.0.1", "", "Address to listen on."),
    Setting("http_port", "PREDICTIVE_UNIT_HTTP_SERVICE_PORT", 9000, "", "Port to listen on."),
    Setting("shadow_port", "SLUICEGATE_SHADOW_PORT", 0, "", "Port that gets mirrored copies only; 0: there is none."),
    Setting("grpc_port", "PREDICTIVE_UNIT_GRPC_SERVICE_PORT", 0, "", "Port to listen on for gRPC; 0: there is none."),
    Setting("deployment", "SELDON_DEPLOYMENT_ID", "", "", "The SeldonDeployment, for metrics and the request log."),
    Setting("predictor", "PREDICTOR_ID", "", "", "Its name, for metrics and the request log.", "--predictor-name"),
    Setting("predictor_version", "SLUICEGATE_PREDICTOR_VERSION", "", "", "Its version, for metrics."),
    Setting("namespace", "SLUICEGATE_NAMESPACE", "default", "", "The namespace, for the request log."),
    Setting("model_name", "SLUICEGATE_MODEL_NAME", "", "", "The registered model; the bundle's name unless given."),
    Setting("model_version", "SLUICEGATE_MODEL_VERSION", "", "", "Its version; the bundle's unless given."),
    Setting("image", "PREDICTIVE_UNIT_IMAGE", "", "", "What meta.requestPath says ran; the model's name:version else."),
    Setting("metadata", "MODEL_METADATA", "", "", "JSON or YAML that /metadata tells; wins over init_metadata()."),
    Setting(
        "metrics_in_answers",
        "INCLUDE_METRICS_IN_CLIENT_RESPONSE",
        "true",
        "",
        "Whether meta.metrics of an answer shows what the model reported: true or false.",
    ),
    Setting(
        "cors_origins", "CORS_ALLOWED_ORIGINS", "*", "", "Web pages that may read answers, by commas; empty: none."
    ),
    Setting("cors_headers", "CORS_ALLOWED_HEADERS", "content-type", "", "Headers that those pages may send."),
    Setting("output", "SLUICEGATE_OUTPUT", "plain", "", "Form of the lines on stdout: plain or json."),
    Setting("log_url", "REQUEST_LOGGER_DEFAULT_ENDPOINT", "", "", "Where the request log goes; nowhere when empty."),
    Setting(
        "log_queue", "SLUICEGATE_LOG_QUEUE", 10_000, "events", "How many events wait; more are dropped and counted."
    ),
    Setting("log_drop", "SLUICEGATE_LOG_DROP", "", "", "Fields that the log never shows, separated by commas."),
    Setting("log_hash", "SLUICEGATE_LOG_HASH", "", "", "Fields that the log shows as a keyed hash."),
    Setting("log_hash_key", "SLUICEGATE_LOG_HASH_KEY", "", "", "The key of those hashes; prefer the environment."),
    Setting("max_body_bytes", "SLUICEGATE_MAX_BODY_BYTES", 16 * 1024 * 1024, "bytes", "Longest body; more is 413."),
    Setting(
        "max_message_bytes",
        "SLUICEGATE_MAX_MESSAGE_BYTES",
        16 * 1024 * 1024,
        "bytes",
        "Longest message over gRPC; more is RESOURCE_EXHAUSTED.",
    ),
    Setting("request_timeout_seconds", "SLUICEGATE_REQUEST_TIMEOUT_SECONDS", 30.0, "s", "Longest wait for an answer."),
    Setting("receive_seconds", "SLUICEGATE_RECEIVE_SECONDS", 60.0, "s", "Longest time for a request to arrive whole."),
    Setting("keep_alive_seconds", "SLUICEGATE_KEEP_ALIVE_SECONDS", 75.0, "s", "An idle connection is closed then."),
    Setting(
        "drain_seconds", "SLUICEGATE_DRAIN_SECONDS", 5.0, "s", "Longest end: not ready, then finish what is begun."
    ),
    Setting("queue", "SLUICEGATE_QUEUE", 1024, "requests", "How many wait for the model; more are 503."),
    Setting(
        "batch_rows", "SLUICEGATE_BATCH_ROWS", 256, "rows", "Most rows in one call of the model; 1: never together."
    ),
    Setting(
        "inline_milliseconds", "SLUICEGATE_INLINE_MILLISECONDS", 3.0, "ms", "A slower model leaves the event loop."
    ),
)
_POSITIVE = frozenset(
    {"max_body_bytes", "max_message_bytes", "request_timeout_seconds", "receive_seconds", "keep_alive_seconds", "queue"}
)


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Settings of the command line and the environment. Raises SettingsRefusedError."""
    given = vars(_parser().parse_args(arguments))
    _take_class(given)
    values: dict[str, Any] = {}
    for setting in SETTINGS:
        text, where = given[setting.name], setting.option
        if text is None:
            text, where = environment.get(setting.env), setting.env
        values[setting.name] = setting.default if text is None else _read(setting, text, where)
    settings = Settings(**values)
    _check_words(settings)
    return settings


def _take_class(given: dict[str, str | None]) -> None:
    """``module.Class`` as the first word, as Seldon's command takes it; it wins over a graph of the environment."""
    unit = given["class"]
    if unit is None:
        return
    other = next((name for name in ("implementation", "graph", "predictor_file") if given[name] is not None), "")
    if other:
        raise SettingsRefusedError(f"found both {unit!r} and {other} {given[other]!r}; expected one of them")
    given |= {"implementation": unit, "graph": "", "predictor_file": ""}


def _check_words(settings: Settings) -> None:
    for name, known in (
        ("output", FORMATS),
        ("service_type", tuple(SERVICE_TYPES)),
        ("metrics_in_answers", tuple(TRUTH)),
    ):
        value = getattr(settings, name)
        if value not in known:
            raise SettingsRefusedError(f"{name}: found {value!r}; expected {' or '.join(known)}")
    if settings.log_hash and not settings.log_hash_key:
        raise SettingsRefusedError("log_hash_key: found none; expected a key, as log_hash names fields")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sluicegate.serving.server", description="Serve a model.")
    parser.add_argument("class", nargs="?", help="A Python class, module.Class; the same as --implementation.")
    for setting in SETTINGS:
        unit = f" {setting.unit}" if setting.unit else ""
        shown = f" Default {setting.default}{unit}." if setting.default != "" else ""
        text = f"{setting.sentence} [{setting.env}]{shown}".replace("%", "%%")
        parser.add_argument(setting.option, dest=setting.name, metavar=setting.name.upper(), help=text)
    return parser


def _read(setting: Setting, text: str, where: str) -> str | int | float:
    if isinstance(setting.default, str):
        return text
    kind, name = (int, "a whole number") if isinstance(setting.default, int) else (float, "a number")
    least = 1 if setting.name in _POSITIVE else 0
    most = 65535 if setting.name.endswith("_port") else 2**31
    try:
        value = kind(text)
    except ValueError as error:
        raise SettingsRefusedError(f"{where}: found {text!r}; expected {name}") from error
    if not least <= value <= most:
        raise SettingsRefusedError(f"{where}: found {text!r}; expected {name} from {least} to {most}")
    return value


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
        found = msgspec.yaml.decode(path.read_bytes(), type=dict[str, Any])
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
    return {parameter.name: _typed(unit.name, parameter) for parameter in unit.parameters}


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
