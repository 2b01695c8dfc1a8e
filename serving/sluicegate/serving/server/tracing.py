"""Whether requests are traced, and by which of OpenTelemetry's settings; those of Jaeger's client become these.

Seldon's servers took ``TRACING`` and Jaeger's variables, whose client is gone; Jaeger itself takes OTLP since release
1.35. Nothing of OpenTelemetry is imported here: a server that traces nothing never loads it.
"""

import importlib
import logging
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from sluicegate.serving.protocol.trace_context import SINGLE, TRACE
from sluicegate.serving.server.setting_table import TRUTH
from sluicegate.serving.server.settings import Settings

_LOG = logging.getLogger(__name__)
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_OTLP_PORT = 4318
_SAMPLERS = {("const", True): "parentbased_always_on", ("const", False): "parentbased_always_off"}
_RENAMED = {
    "JAEGER_SERVICE_NAME": "OTEL_SERVICE_NAME",
    "JAEGER_TAGS": "OTEL_RESOURCE_ATTRIBUTES",
    "JAEGER_REPORTER_MAX_QUEUE_SIZE": "OTEL_BSP_MAX_QUEUE_SIZE",
    "JAEGER_REPORTER_FLUSH_INTERVAL": "OTEL_BSP_SCHEDULE_DELAY",
}
_PROPAGATION = ("JAEGER_TRACE_PROPAGATION_TYPE", "JAEGER_PROPAGATION")
_READ = frozenset(
    {
        *_RENAMED,
        *_PROPAGATION,
        *("JAEGER_AGENT_HOST", "JAEGER_ENDPOINT", "JAEGER_DISABLED", "JAEGER_SAMPLER_TYPE", "JAEGER_SAMPLER_PARAM"),
    }
)
_PROPAGATORS = {"b3": frozenset({SINGLE}), "b3multi": frozenset({TRACE})}


@dataclass(frozen=True, slots=True)
class Translated:
    """OpenTelemetry's variables that Jaeger's ask for, and what of these has no effect, and why."""

    variables: dict[str, str]
    warnings: tuple[str, ...]


def switched_on(setting: str, environment: Mapping[str, str]) -> bool:
    """``TRACING`` decides; where it says nothing, an address for spans does."""
    if _truth(environment, "OTEL_SDK_DISABLED") or environment.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    if setting:
        return TRUTH[setting] and not _truth(environment, "JAEGER_DISABLED")
    return any(environment.get(name) for name in _ENDPOINTS)


def translated(environment: Mapping[str, str]) -> Translated:
    """What Jaeger's variables say, in OpenTelemetry's; those of OpenTelemetry that are there win."""
    told = {new: environment[old] for old, new in _RENAMED.items() if environment.get(old)}
    warnings = [
        f"{name} has no effect" for name in sorted(environment) if name.startswith("JAEGER_") and name not in _READ
    ]
    host = urlsplit(environment.get("JAEGER_ENDPOINT", "")).hostname or environment.get("JAEGER_AGENT_HOST")
    if host and not any(environment.get(name) for name in _ENDPOINTS):
        told[_ENDPOINTS[0]] = f"http://{host}:{_OTLP_PORT}"
        warnings.append(f"spans go to {told[_ENDPOINTS[0]]} by OTLP; set {_ENDPOINTS[0]} if Jaeger takes it elsewhere")
    told |= _sampler(environment, warnings)
    told |= _propagators(environment, warnings)
    return Translated({name: text for name, text in told.items() if name not in environment}, tuple(warnings))


def written_too(environment: Mapping[str, str]) -> frozenset[bytes]:
    """Headers of B3 that go on even where none came in, as ``OTEL_PROPAGATORS`` says."""
    names = (name.strip() for name in environment.get("OTEL_PROPAGATORS", "").split(","))
    return frozenset().union(*(_PROPAGATORS.get(name, frozenset()) for name in names))


def spans_of(settings: Settings, environment: MutableMapping[str, str]) -> Any:
    """The server's ``Spans``, or None where nothing is traced, or OpenTelemetry is not installed, which is said.

    ``environment`` gets what Jaeger's variables say: OpenTelemetry reads its own there.
    """
    if not switched_on(settings.tracing, environment):
        return None
    found = translated(environment)
    environment.update(found.variables)
    if not _named(environment):
        environment["OTEL_SERVICE_NAME"] = settings.deployment or settings.name
    try:
        spans = importlib.import_module("sluicegate.serving.server.spans")
    except ImportError as error:
        _LOG.warning("nothing is traced: %s; install sluicegate[tracing]", error)
        return None
    for warning in found.warnings:
        _LOG.warning("tracing: %s", warning)
    about = {
        "service.namespace": settings.namespace,
        "sluicegate.deployment": settings.deployment,
        "sluicegate.predictor": settings.predictor,
        "sluicegate.model.version": settings.model_version,
    }
    return spans.open_spans({name: text for name, text in about.items() if text}, written_too(environment))


def _named(environment: Mapping[str, str]) -> bool:
    return bool(environment.get("OTEL_SERVICE_NAME")) or "service.name=" in environment.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )


def _truth(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name, "").strip().lower() in ("true", "1")


def _sampler(environment: Mapping[str, str], warnings: list[str]) -> dict[str, str]:
    kind, text = environment.get("JAEGER_SAMPLER_TYPE", ""), environment.get("JAEGER_SAMPLER_PARAM", "1")
    try:
        value = float(text)
    except ValueError:
        warnings.append(f"JAEGER_SAMPLER_PARAM: found {text!r}; expected a number; 1 is taken")
        value = 1.0
    if kind == "const":
        return {"OTEL_TRACES_SAMPLER": _SAMPLERS[kind, value != 0]}
    if kind == "probabilistic":
        return {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": str(value)}
    if kind:
        warnings.append(
            f"JAEGER_SAMPLER_TYPE: found {kind!r}; expected const or probabilistic; all requests are traced"
        )
    return {}


def _propagators(environment: Mapping[str, str], warnings: list[str]) -> dict[str, str]:
    wanted = next((environment[name] for name in _PROPAGATION if environment.get(name)), "").lower()
    if wanted == "b3":
        return {"OTEL_PROPAGATORS": "tracecontext,b3multi"}
    if wanted not in ("", "w3c"):
        warnings.append(f"propagation {wanted!r} is not spoken here; traceparent and B3 are")
    return {}
