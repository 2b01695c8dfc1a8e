"""Settings of the model server, read by the table: an option wins over the environment, that over the default.

What cannot be read is refused with the setting's name, what was found and what is expected.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sluicegate.serving.api.unwise import LOGGER_MODES
from sluicegate.serving.graph.rest_dialects import PROTOCOLS
from sluicegate.serving.server.errors import SettingsRefusedError
from sluicegate.serving.server.journal import FORMATS
from sluicegate.serving.server.setting_table import LOG_FORMS, SERVICE_TYPES, SETTINGS, TRUTH, Setting


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
    protocol: str
    bundle_digest: str
    allow_unverified: str
    host: str
    http_port: int
    shadow_port: int
    grpc_port: int
    metrics_port: int
    workers: int
    worker_silence_seconds: float
    tls_cert: str
    tls_key: str
    client_ca: str
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
    access_log: str
    tracing: str
    log_url: str
    log_queue: int
    log_queue_bytes: int
    log_form: str
    log_mode: str
    router_home: str
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
    queue_bytes: int
    batch_rows: int
    batch_bytes: int
    inline_milliseconds: float

    @property
    def own_metrics_port(self) -> int:
        """A port of metrics beside the HTTP port, which has them, too; 0: there is none."""
        return 0 if self.metrics_port == self.http_port else self.metrics_port


_PORTS = ("grpc_port", "shadow_port")
_TRUTHS = frozenset({"metrics_in_answers", "access_log", "tracing", "allow_unverified"})
_POSITIVE = frozenset(
    {"max_body_bytes", "max_message_bytes", "request_timeout_seconds", "receive_seconds", "keep_alive_seconds"}
    | {"queue", "queue_bytes", "batch_bytes", "workers", "worker_silence_seconds"}
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


def names_of(text: str) -> frozenset[str]:
    """What a setting lists, separated by commas."""
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _check_words(settings: Settings) -> None:
    for name, known in (
        ("output", FORMATS),
        ("service_type", tuple(SERVICE_TYPES)),
        ("log_form", LOG_FORMS),
        ("log_mode", LOGGER_MODES),
        ("protocol", tuple(PROTOCOLS)),
        *((name, (*TRUTH, "") if name == "tracing" else tuple(TRUTH)) for name in sorted(_TRUTHS)),
    ):
        value = getattr(settings, name)
        if value not in known:
            raise SettingsRefusedError(f"{name}: found {value!r}; expected {' or '.join(known)}")
    if bool(settings.tls_cert) != bool(settings.tls_key) or (settings.client_ca and not settings.tls_cert):
        found = ", ".join(name for name in ("tls_cert", "tls_key", "client_ca") if getattr(settings, name))
        raise SettingsRefusedError(f"found {found} only; expected tls_cert with tls_key, and client_ca with both")
    ports = [settings.http_port, *(getattr(settings, name) for name in _PORTS if getattr(settings, name))]
    ports += [settings.own_metrics_port] if settings.own_metrics_port else []
    if len(set(ports)) != len(ports):
        told = ", ".join(f"{name} {getattr(settings, name)}" for name in ("http_port", "metrics_port", *_PORTS))
        raise SettingsRefusedError(f"found {told}; expected a port of its own for each")
    if settings.log_hash and not settings.log_hash_key:
        raise SettingsRefusedError("log_hash_key: found none; expected a key, as log_hash names fields")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sluicegate.serving.server", description="Serve a model.")
    parser.add_argument("class", nargs="?", help="A Python class, module.Class; the same as --implementation.")
    for setting in SETTINGS:
        unit = f" {setting.unit}" if setting.unit else ""
        shown = f" Default {setting.default}{unit}." if setting.default != "" else ""
        text = f"{setting.sentence} [{setting.env}]{shown}".replace("%", "%%")
        bare: dict[str, Any] = {"nargs": "?", "const": "true"} if setting.name in _TRUTHS else {}
        parser.add_argument(setting.option, dest=setting.name, metavar=setting.name.upper(), help=text, **bare)
    return parser


def _read(setting: Setting, text: str, where: str) -> str | int | float:
    if isinstance(setting.default, str):
        return text.lower() if setting.name in _TRUTHS else text
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
