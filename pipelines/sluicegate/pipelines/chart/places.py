"""Which value goes where in which object of ``manifests/install``. Pure.

Objects that nobody names here are in the chart as they are, in the release's namespace.
"""

from collections.abc import Iterator

from sluicegate.pipelines.chart.templating import NAMESPACE, Lines, Path, Place, Word, Yaml
from sluicegate.pipelines.chart.values import kind_of, settable, value_name
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.process import ProcessSetting
from sluicegate.serving.operator.settings import Setting

_COUNTED = '(has (.Values.settings.gatewayKind | default "") (list "gateway-api" "istio"))'
"""Whether model servers count, because the gateway is none of ours."""
CERTIFICATE = "/certificate"
"""Where cert-manager's certificate is mounted."""
WATCHED = "-watched"
"""End of the name of what is in the only namespace that is looked after."""
SUFFIX = '{{ include "sluicegate.suffix" . }}'
"""End of the name of what each of several operators on a cluster has."""
ANY_ID = "any"
"""Where the manifests have this controller id, the chart has the one that is set."""
_ID = "{{ .Values.settings.controllerId }}"
_NAMED_BY_ID = {"leases", "validatingwebhookconfigurations"}
_POD: Path = ("spec", "template", "spec")
_CONTAINER: Path = (*_POD, "containers", 0)
_ADMIN_ENV = "SLUICEGATE_COLLECTOR_ENVOY_ADMIN"
_LOG_ENV = "REQUEST_LOGGER_DEFAULT_ENDPOINT"
_PULL = "image.pullSecrets"


def places(made: JSON) -> Iterator[Place]:
    """All places of one object."""
    if "namespace" in made["metadata"]:
        yield Place(("metadata", "namespace"), Word(NAMESPACE))
    kind, name = made["kind"], made["metadata"]["name"].removeprefix("sluicegate-")
    if kind == "Deployment":
        yield from _deployment(made, name)
    if (kind, name) == ("Deployment", "operator"):
        yield from _operator(made)
    if (kind, name) == ("Deployment", "collector"):
        yield from _data(made)
    if (kind, name) == ("Service", "gateway"):
        yield from _front()
    if kind == "ValidatingWebhookConfiguration":
        yield from _webhooks(made)
    if kind == "CustomResourceDefinition":
        yield Place(("metadata", "annotations"), Lines(_KEPT))
    if made["apiVersion"].startswith("rbac."):
        yield from _shared(made)


def _shared(made: JSON) -> Iterator[Place]:
    """Rights of operators that share a cluster: what is outside of their own namespaces is called by the id as well."""
    kind, name = made["kind"], made["metadata"]["name"]
    common = kind.startswith("Cluster") or name.endswith(WATCHED)
    if common:
        yield Place(("metadata", "name"), Word(name + SUFFIX))
    if kind.endswith("Binding"):
        yield Place(("subjects", 0, "namespace"), Word(NAMESPACE))
        if common:
            yield Place(("roleRef", "name"), Word(made["roleRef"]["name"] + SUFFIX))
    for number, rule in enumerate(made.get("rules") or ()):
        if rule["resources"][0] in _NAMED_BY_ID and "resourceNames" in rule:
            yield Place(("rules", number, "resourceNames", 0), Word(rule["resourceNames"][0] + SUFFIX))


def condition(made: JSON) -> str:
    """Of what it depends whether the object is there; empty: of nothing."""
    name = made["metadata"]["name"]
    if made["kind"] == "CustomResourceDefinition":
        return ".Values.installCRDs"
    if made["kind"] == "ValidatingWebhookConfiguration" or name == "sluicegate-webhook":
        return ".Values.webhook.enabled"
    if (made["kind"], name) == ("Service", "sluicegate-operator"):
        return _COUNTED
    for part in ("gateway", "collector"):
        if name.startswith(f"sluicegate-{part}"):
            return f".Values.{part}.enabled"
    if name == "sluicegate-xds":
        return ".Values.gateway.enabled"
    return ""


_KEPT = """
{{- if .Values.keepCRDs }}
annotations:
  helm.sh/resource-policy: keep
{{- end }}
"""


def _deployment(made: JSON, part: str) -> Iterator[Place]:
    image = f'{{{{ include "sluicegate.image" (list . "{part}") }}}}'
    yield Place((*_CONTAINER, "image"), Word(image))
    yield Place((*_CONTAINER, "imagePullPolicy"), Word("{{ .Values.image.pullPolicy }}"))
    yield Place((*_CONTAINER, "resources"), Yaml(f".Values.{part}.resources", always=True))
    yield Place((*_CONTAINER, "env", -1), Lines(_extra(part)))
    if made["spec"].get("strategy", {}).get("type") != "Recreate":
        yield Place(("spec", "replicas"), Word(f"{{{{ .Values.{part}.replicas }}}}"))
    for field in ("nodeSelector", "tolerations", "affinity"):
        yield Place((*_POD, field), Yaml(f".Values.{part}.{field}"))
    yield Place((*_POD, "imagePullSecrets"), Yaml(f".Values.{_PULL}"))
    yield Place((*_POD, "priorityClassName"), Lines(_PRIORITY.format(part=part)))
    yield from _marked(made, part)


def _marked(made: JSON, part: str) -> Iterator[Place]:
    """More labels and annotations of pods. New fields of a map go behind those that the manifests have."""
    labels = ("spec", "template", "metadata", "labels", "more")
    yield Place(labels, Lines(_MORE.format(value=f".Values.{part}.podLabels")))
    if "annotations" in made["spec"]["template"]["metadata"]:
        annotations = ("spec", "template", "metadata", "annotations", "more")
        yield Place(annotations, Lines(_MORE.format(value=f".Values.{part}.podAnnotations")))
    else:
        yield Place(("spec", "template", "metadata", "annotations"), Yaml(f".Values.{part}.podAnnotations"))


_MORE = """
{{{{- range $name, $text := {value} }}}}
{{{{ $name }}}}: {{{{ $text | quote }}}}
{{{{- end }}}}
"""
_PRIORITY = """
{{{{- with .Values.{part}.priorityClassName }}}}
priorityClassName: {{{{ . }}}}
{{{{- end }}}}
"""


def _extra(part: str) -> str:
    return f"{{{{- range .Values.{part}.extraEnv }}}}\n- {{{{ toJson . }}}}\n{{{{- end }}}}"


def _operator(made: JSON) -> Iterator[Place]:
    environment = made["spec"]["template"]["spec"]["containers"][0]["env"]
    found = next(number for number, each in enumerate(environment) if each["name"] == _LOG_ENV)
    yield Place((*_CONTAINER, "env", found, "value"), Word('{{ include "sluicegate.requestLogUrl" . | quote }}'))
    yield Place((*_CONTAINER, "env", -1), Lines(_ENVIRONMENT + "\n".join(_settings())))
    yield Place((*_CONTAINER, "volumeMounts", -1), Lines(_MOUNT))
    yield Place((*_POD, "volumes", -1), Lines(_VOLUME))


_WITH_CERTIFICATE = "{{- if and .Values.webhook.enabled .Values.webhook.certManager.enabled }}"
_ENVIRONMENT = f"""
{{{{- if ne .Values.image.registry "sluicegate" }}}}
- name: SLUICEGATE_IMAGE_REGISTRY
  value: {{{{ .Values.image.registry | quote }}}}
{{{{- end }}}}
{{{{- with .Values.image.tag }}}}
- name: SLUICEGATE_IMAGE_VERSION
  value: {{{{ . | quote }}}}
{{{{- end }}}}
{{{{- with .Values.watchNamespace }}}}
- name: SLUICEGATE_WATCH_NAMESPACE
  value: {{{{ . | quote }}}}
{{{{- end }}}}
{{{{- if not .Values.webhook.enabled }}}}
- name: SLUICEGATE_WEBHOOK_PORT
  value: "0"
{{{{- end }}}}
{_WITH_CERTIFICATE}
- name: SLUICEGATE_WEBHOOK_CERTIFICATE
  value: {CERTIFICATE}
{{{{- end }}}}
"""
_MOUNT = f"""
{_WITH_CERTIFICATE}
- name: certificate
  mountPath: {CERTIFICATE}
  readOnly: true
{{{{- end }}}}
"""
_VOLUME = f"""
{_WITH_CERTIFICATE}
- name: certificate
  secret:
    secretName: sluicegate-webhook-cert-manager
{{{{- end }}}}
"""


def _settings() -> Iterator[str]:
    """A variable for each setting that somebody set."""
    for setting in settable():
        if setting.env == _LOG_ENV:
            continue
        value = f".Values.{value_name(setting)}"
        yield f'{{{{- if not (kindIs "invalid" {value}) }}}}'
        yield f"- name: {setting.env}"
        yield f"  value: {{{{ {_text(setting, value)} }}}}"
        yield "{{- end }}"


def _text(setting: Setting | ProcessSetting, value: str) -> str:
    told = {"object": f"toJson {value} | quote", "number": f"int64 {value} | quote"}
    return told.get(kind_of(setting), f"{value} | quote")


def _data(made: JSON) -> Iterator[Place]:
    environment = made["spec"]["template"]["spec"]["containers"][0]["env"]
    found = next(number for number, each in enumerate(environment) if each["name"] == _ADMIN_ENV)
    yield Place((*_CONTAINER, "env", found), Lines(_COUNTS.format(counted=_COUNTED, **environment[found])))
    volumes = made["spec"]["template"]["spec"]["volumes"]
    found = next(number for number, each in enumerate(volumes) if each["name"] == "data")
    yield Place((*_POD, "volumes", found, "emptyDir"), Lines(_DATA))


_COUNTS = """
{{{{- if {counted} }}}}
- name: SLUICEGATE_COLLECTOR_ENVOY_ADMIN
  value: ""
- name: SLUICEGATE_COLLECTOR_SERVERS
  value: http://sluicegate-operator:8080/servers
{{{{- else }}}}
- name: {name}
  value: {value}
{{{{- end }}}}
"""
_DATA = """
{{- if .Values.collector.persistence.enabled }}
persistentVolumeClaim:
  claimName: {{ .Values.collector.persistence.existingClaim | default "sluicegate-collector" }}
{{- else }}
emptyDir: {}
{{- end }}
"""


def _front() -> Iterator[Place]:
    yield Place(("metadata", "annotations"), Yaml(".Values.gateway.service.annotations"))
    yield Place(("spec", "type"), Lines(_TYPE))
    yield Place(("spec", "ports", 0, "port"), Word("{{ .Values.gateway.service.port }}"))


_TYPE = """
{{- if ne .Values.gateway.service.type "ClusterIP" }}
type: {{ .Values.gateway.service.type }}
{{- end }}
"""


def _webhooks(made: JSON) -> Iterator[Place]:
    yield Place(("metadata", "name"), Word(made["metadata"]["name"] + SUFFIX))
    yield Place(("metadata", "annotations"), Lines(_INJECTED))
    for number, webhook in enumerate(made["webhooks"]):
        above: Path = ("webhooks", number)
        yield Place((*above, "clientConfig", "service", "namespace"), Word(NAMESPACE))
        yield Place((*above, "failurePolicy"), Word("{{ .Values.webhook.failurePolicy }}"))
        yield Place((*above, "timeoutSeconds"), Word("{{ .Values.webhook.timeoutSeconds }}"))
        for index, each in enumerate(webhook["namespaceSelector"]["matchExpressions"]):
            if each.get("values") == [ANY_ID]:
                yield Place((*above, "namespaceSelector", "matchExpressions", index, "values", 0), Word(_ID))
            elif each["operator"] == "NotIn":
                yield Place((*above, "namespaceSelector", "matchExpressions", index), Lines(_NAMESPACES))
        for index, each in enumerate(webhook["objectSelector"]["matchExpressions"]):
            if each.get("values") == [ANY_ID]:
                yield Place((*above, "objectSelector", "matchExpressions", index, "values", 0), Word(_ID))


_NAMESPACES = """
- key: kubernetes.io/metadata.name
  {{- if .Values.watchNamespace }}
  operator: In
  values:
  - {{ .Values.watchNamespace }}
  {{- else }}
  operator: NotIn
  values:
  - kube-system
  - {{ .Release.Namespace }}
  {{- end }}
"""
_INJECTED = """
{{- if .Values.webhook.certManager.enabled }}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/sluicegate-webhook
{{- end }}
"""
