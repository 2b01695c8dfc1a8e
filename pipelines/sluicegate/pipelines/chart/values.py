"""The chart's values: one table, from which ``values.yaml``, its schema and the reference page are written. Pure.

Settings of the operator are not listed here: each line of its two tables is a value below ``settings``, so that a new
setting is a new value by itself.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.process import PROCESS_SETTINGS, ProcessSetting
from sluicegate.serving.operator.settings import SETTINGS, Setting

TEXT: JSON = {"type": "string"}
NUMBER: JSON = {"type": "integer", "minimum": 0}
TRUTH: JSON = {"type": "boolean"}
OBJECT: JSON = {"type": "object"}
TEXTS: JSON = {"type": "object", "additionalProperties": TEXT}
LIST: JSON = {"type": "array", "items": OBJECT}
_NAMED: JSON = {
    "type": "array",
    "items": {"type": "object", "properties": {"name": TEXT}, "required": ["name"], "additionalProperties": False},
}
FIXED = {
    "registry": "image.registry",
    "version": "image.tag",
    "watch_namespace": "watchNamespace",
    "webhook_port": "webhook.enabled",
    "webhook_certificate": "webhook.certManager.enabled",
    "identity": "the pod's name",
    "namespace": "the release's namespace",
    "lease": "a name that the operator's rights are narrowed to",
    "host": "all addresses of the pod",
    "http_port": "what Service and probes name",
    "xds_port": "what Service and gateway name",
    "front_port": "what the gateway's Service names",
    "kubeconfig": "the pod's service account",
}
"""Settings that are not below ``settings``, and what decides them."""

OTHERWISE = {"request_log_url": "our collector, where it is enabled"}
"""Settings that the manifests set themselves, and to what."""


@dataclass(frozen=True, slots=True)
class Value:
    """One line of the table. ``path`` is dotted, ``schema`` is JSON schema."""

    path: str
    default: Any
    schema: JSON
    sentence: str


def _pods(part: str, resources: JSON) -> tuple[Value, ...]:
    """What each of our three Deployments can be told."""
    return (
        Value(f"{part}.resources", resources, OBJECT, "Resources of its container."),
        Value(f"{part}.nodeSelector", {}, TEXTS, "Labels that its node must have."),
        Value(f"{part}.tolerations", [], LIST, "Taints that its pods bear."),
        Value(f"{part}.affinity", {}, OBJECT, "Where its pods would rather be."),
        Value(f"{part}.priorityClassName", "", TEXT, "Its pods' PriorityClass."),
        Value(f"{part}.podLabels", {}, TEXTS, "More labels of its pods."),
        Value(f"{part}.podAnnotations", {}, TEXTS, "More annotations of its pods."),
        Value(f"{part}.extraEnv", [], LIST, "More environment variables of its container, as a pod has them."),
    )


def _replicas(part: str, number: int) -> Value:
    return Value(f"{part}.replicas", number, NUMBER, "How many pods.")


GROUPS: Mapping[str, str] = {
    "": "The installation as a whole",
    "image": "Our images",
    "operator": "The operator",
    "webhook": "The admission webhook",
    "gateway": "The bundled gateway",
    "collector": "The collector of the request log",
    "settings": "Settings of the operator",
}
"""First part of a path to what its values are about, in the order in which they are shown."""

STATED = (
    Value("installCRDs", True, TRUTH, "Whether the custom resource definitions are part of the release."),
    Value("keepCRDs", True, TRUTH, "Whether they, and with them all their objects, outlive `helm uninstall`."),
    Value(
        "watchNamespace",
        "",
        TEXT,
        "The only namespace to look after: then the operator has rights in no other. All namespaces if empty.",
    ),
    Value("image.registry", "sluicegate", TEXT, "Prefix of the names of our images, those of model servers too."),
    Value("image.tag", "", TEXT, "Tag of our images; the chart's `appVersion` if empty."),
    Value(
        "image.pullPolicy",
        "IfNotPresent",
        TEXT | {"enum": ["Always", "IfNotPresent", "Never"]},
        "When nodes pull the images of operator, gateway and collector.",
    ),
    Value(
        "image.pullSecrets",
        [],
        _NAMED,
        "Secrets for pulling them: `[{name: …}]`. Pods of models take those of their own service account.",
    ),
    _replicas("operator", 2),
    *_pods("operator", {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}),
    Value("webhook.enabled", True, TRUTH, "Whether objects are reviewed before they are stored."),
    Value(
        "webhook.failurePolicy",
        "Fail",
        TEXT | {"enum": ["Fail", "Ignore"]},
        "What happens to a new object while no operator answers: refused, or let in unreviewed.",
    ),
    Value(
        "webhook.timeoutSeconds",
        10,
        NUMBER | {"minimum": 1, "maximum": 30},
        "How long the API server waits for a review.",
    ),
    Value(
        "webhook.certManager.enabled",
        False,
        TRUTH,
        "Whether cert-manager keeps the webhook's certificate, instead of the operator.",
    ),
    Value(
        "webhook.certManager.issuerRef",
        {},
        OBJECT,
        "Issuer that signs it: `{kind: …, name: …}`. A self-signed one of the chart's own if empty.",
    ),
    Value("gateway.enabled", True, TRUTH, "Whether the bundled Envoys run."),
    _replicas("gateway", 2),
    Value(
        "gateway.service.type",
        "ClusterIP",
        TEXT | {"enum": ["ClusterIP", "LoadBalancer", "NodePort"]},
        "Type of the Service at which users ask.",
    ),
    Value("gateway.service.port", 80, NUMBER | {"minimum": 1, "maximum": 65535}, "Its port."),
    Value("gateway.service.annotations", {}, TEXTS, "Its annotations."),
    *_pods("gateway", {"requests": {"cpu": "100m", "memory": "128Mi"}}),
    Value("collector.enabled", True, TRUTH, "Whether it runs. Without it rollouts measure nothing."),
    Value("collector.persistence.enabled", False, TRUTH, "Whether its database outlives its pod."),
    Value("collector.persistence.size", "10Gi", TEXT, "Size of the volume that is claimed for it."),
    Value("collector.persistence.storageClass", "", TEXT, "Its StorageClass; the cluster's default if empty."),
    Value(
        "collector.persistence.existingClaim",
        "",
        TEXT,
        "A claim that is there already, to be used instead of one that comes and goes with the release.",
    ),
    *_pods("collector", {"requests": {"cpu": "100m", "memory": "256Mi"}}),
)


def settable() -> tuple[Setting | ProcessSetting, ...]:
    """Settings of the operator that are values below ``settings``."""
    return tuple(each for each in (*SETTINGS, *PROCESS_SETTINGS) if each.name not in FIXED)


def kind_of(setting: Setting | ProcessSetting) -> str:
    """As what it is read: text, truth, object or number."""
    if isinstance(setting, ProcessSetting):
        return "text" if isinstance(setting.default, str) else "number"
    return setting.kind


def value_name(setting: Setting | ProcessSetting) -> str:
    """Its path: ``settings.serverResources``."""
    first, *others = setting.name.split("_")
    return "settings." + first + "".join(each.capitalize() for each in others)


def table() -> tuple[Value, ...]:
    """Every value."""
    return (*STATED, *map(_setting, settable()))


def _setting(setting: Setting | ProcessSetting) -> Value:
    schema = {"text": TEXT, "truth": TRUTH, "object": OBJECT, "number": NUMBER}[kind_of(setting)]
    told = OTHERWISE.get(setting.name) or (f"`{setting.default}`" if setting.default != "" else "empty")
    sentence = f"{setting.sentence} `{setting.env}`; if null: {told}."
    return Value(value_name(setting), None, {"type": [schema["type"], "null"]}, sentence)


def defaults() -> JSON:
    """All values as nested objects."""
    found: JSON = {}
    for value in table():
        *above, last = value.path.split(".")
        place = found
        for name in above:
            place = place.setdefault(name, {})
        place[last] = value.default
    return found


def schema() -> JSON:
    """JSON schema: what is not in the table is refused, so that a mistyped name is heard of."""
    root: JSON = {"$schema": "http://json-schema.org/draft-07/schema#"}
    root |= _node("Values of the chart sluicegate.")
    for value in table():
        *above, last = value.path.split(".")
        place = root
        for name in above:
            place = place["properties"].setdefault(name, _node(GROUPS.get(name, "")))
        place["properties"][last] = value.schema | {"description": value.sentence, "default": value.default}
    # What Helm hands every chart that is a part of another.
    root["properties"]["global"] = OBJECT | {"description": "Not read here."}
    return root


def _node(description: str) -> JSON:
    said = {"description": description} if description else {}
    return {"type": "object", **said, "additionalProperties": False, "properties": {}}


def grouped() -> Iterator[tuple[str, tuple[Value, ...]]]:
    """Title and values of each group."""
    for group, title in GROUPS.items():
        values = tuple(each for each in table() if each.path.rpartition(".")[0].partition(".")[0] == group)
        yield title, values
