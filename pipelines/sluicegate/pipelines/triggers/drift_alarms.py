"""What a drift alarm asks for: which pipeline, of which deployment, under which name. Pure.

A ConfigMap labelled ``sluicegate.dev/trigger=drift`` says it: ``deployment`` (empty or ``*``: every one), ``pipeline``
(``module:function`` or the name of a shipped one), ``parameters`` (JSON). An alarm of one episode has one run's name.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import msgspec

from sluicegate.pipelines.triggers.errors import EventRefusedError
from sluicegate.pipelines.triggers.pipeline_runs import Launch
from sluicegate.serving.api.metadata import GROUP, JSON

EVENT_TYPE = "dev.sluicegate.drift.detected"
TRIGGER_LABEL = f"{GROUP}/trigger"
DRIFT = "drift"


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """The alarm's data, as the collector sends it."""

    namespace: str
    deployment: str
    predictor: str = ""
    model: str = ""
    version: str = ""
    features: dict[str, float] = {}
    since: Any = None


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope, as far as it is read."""

    id: str
    type: str
    data: JSON = {}


def read_alarm(body: bytes) -> tuple[CloudEvent, Alarm | None]:
    """The event, and its alarm when it is one. Raises EventRefusedError, naming the field."""
    try:
        event = msgspec.json.decode(body, type=CloudEvent)
        alarm = msgspec.convert(event.data, Alarm) if event.type == EVENT_TYPE else None
    except msgspec.MsgspecError as error:
        raise EventRefusedError(f"expected a CloudEvent 1.0 in structured JSON: {error}") from error
    return event, alarm


def launches(event: CloudEvent, alarm: Alarm, config_maps: Iterable[JSON]) -> tuple[Launch, ...]:
    """The runs that the alarm asks for. Raises EventRefusedError when a ConfigMap is wrong."""
    return tuple(_launch(event, alarm, each) for each in config_maps if _concerns(each, alarm))


def _concerns(config_map: JSON, alarm: Alarm) -> bool:
    metadata, data = config_map["metadata"], config_map.get("data") or {}
    labelled = (metadata.get("labels") or {}).get(TRIGGER_LABEL) == DRIFT
    named = data.get("deployment", "*") in {"", "*", alarm.deployment}
    return labelled and named and metadata.get("namespace", "default") == alarm.namespace


def _launch(event: CloudEvent, alarm: Alarm, config_map: JSON) -> Launch:
    name, data = config_map["metadata"]["name"], config_map.get("data") or {}
    if not data.get("pipeline"):
        raise EventRefusedError(f"ConfigMap {name!r}: data.pipeline is missing; expected a name or module:function")
    try:
        parameters = json.loads(data.get("parameters") or "{}")
    except ValueError as error:
        raise EventRefusedError(f"ConfigMap {name!r}: data.parameters is no JSON ({error})") from error
    if not isinstance(parameters, dict):
        raise EventRefusedError(f"ConfigMap {name!r}: data.parameters is no JSON object")
    worst = ", ".join(f"{key} {value:.2f}" for key, value in sorted(alarm.features.items(), key=lambda f: -f[1])[:3])
    return Launch(
        name=f"{name[:80]}-{_episode(event, alarm, name)}",
        pipeline=data["pipeline"],
        namespace=alarm.namespace,
        deployment=alarm.deployment,
        parameters=parameters,
        because=f"drift of {alarm.predictor or alarm.deployment} against its own threshold: {worst or 'no figures'}",
    )


def _episode(event: CloudEvent, alarm: Alarm, trigger: str) -> str:
    """Ten letters: the same for each alarm of one episode; without a beginning, of one event."""
    begun = [alarm.since] if alarm.since is not None else [event.id]
    said = json.dumps([trigger, alarm.namespace, alarm.deployment, alarm.predictor, alarm.version, begun])
    return hashlib.sha256(said.encode()).hexdigest()[:10]
