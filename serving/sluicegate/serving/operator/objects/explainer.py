"""A predictor's explainer: a Deployment and a Service of its own, that asks the predictor while it explains."""

import msgspec

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import PredictiveUnit
from sluicegate.serving.operator.objects.containers import PODINFO_MOUNT, PODINFO_VOLUME, container_ports
from sluicegate.serving.operator.objects.environment import unit_environment, variables
from sluicegate.serving.operator.objects.layout import FIRST_PORTS, Layout
from sluicegate.serving.operator.objects.manifest import MANAGED_BY, manifest_of
from sluicegate.serving.operator.objects.merging import merged_container, merged_items
from sluicegate.serving.operator.objects.names import (
    APP_LABEL,
    DEPLOYMENT_LABEL,
    ENTRY_LABEL,
    explainer_name,
    service_name,
)
from sluicegate.serving.operator.objects.probes import users_probes
from sluicegate.serving.operator.objects.services import HTTP_PORT, service
from sluicegate.serving.operator.objects.storage import Provision, provision_of
from sluicegate.serving.operator.objects.subject import Subject
from sluicegate.serving.operator.settings import Installation

_EXPLAINER = {"seldon.io/explainer": "true"}


def explainer_objects(subject: Subject) -> tuple[JSON, ...]:
    """Deployment and Service of the explainer, if one is asked for and there is an image."""
    stated = subject.workload.predictor.explainer
    if not stated or not has_image(subject):
        return ()
    name = explainer_name(subject.layout)
    return (_deployment(subject, stated, name), _service(subject, name))


def has_image(subject: Subject) -> bool:
    """Whether something would run as the explainer."""
    return bool(_image(subject.workload.predictor.explainer or {}, subject.installation, subject.protocol))


def _image(stated: JSON, installation: Installation, protocol: str) -> str:
    if not stated.get("type") and not stated.get("containerSpec"):
        return ""
    return str((stated.get("containerSpec") or {}).get("image") or installation.explainers.get(protocol, ""))


def _deployment(subject: Subject, stated: JSON, name: str) -> JSON:
    unit = _as_unit(stated, name)
    provision = provision_of(subject, unit, {})
    live = subject.live.get(("Deployment", name)) or {}
    labels = {DEPLOYMENT_LABEL: subject.workload.deployment, APP_LABEL: name}
    selector: JSON = (live.get("spec") or {}).get("selector") or {"matchLabels": labels}
    pods = {**labels, ENTRY_LABEL: name, **_EXPLAINER, **MANAGED_BY, **(selector.get("matchLabels") or {})}
    account = unit.service_account_name
    spec = {
        "replicas": stated.get("replicas", 1),
        "selector": selector,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
        "template": {
            "metadata": {"labels": pods},
            "spec": {
                **({"serviceAccountName": account} if account else {}),
                "initContainers": list(provision.init_containers),
                "containers": [_container(subject, stated, unit, provision)],
                "volumes": merged_items("volumes", (PODINFO_VOLUME, *provision.volumes), ()),
            },
        },
    }
    described = {"name": name, "labels": {APP_LABEL: name, **_EXPLAINER}}
    return manifest_of("apps/v1", "Deployment", described, spec, owner=subject.owner)


def _as_unit(stated: JSON, name: str) -> PredictiveUnit:
    kept = ("modelUri", "serviceAccountName", "envSecretRefName", "storageInitializerImage")
    return decode({"name": name, **{key: stated[key] for key in kept if key in stated}}, PredictiveUnit)


def _container(subject: Subject, stated: JSON, unit: PredictiveUnit, provision: Provision) -> JSON:
    image = _image(stated, subject.installation, subject.protocol)
    told = unit_environment(subject, unit, FIRST_PORTS, image)
    ours = {
        "name": unit.name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": _arguments(subject.layout, stated, provision.location),
        "ports": container_ports(FIRST_PORTS),
        "env": variables({**told, **_mlserver(subject, stated, provision.location)}),
        "envFrom": list(provision.env_from),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [PODINFO_MOUNT, *provision.mounts],
        **users_probes("http"),
    }
    if subject.protocol == "v2":
        del ours["args"]
    return merged_container(ours, stated.get("containerSpec") or {})


def _arguments(layout: Layout, stated: JSON, location: str) -> list[str]:
    """Command line of Seldon's explainer: the predictor to ask, the explainer, its settings."""
    return [
        f"--model_name={layout.deployment.metadata.name}",
        f"--predictor_host={service_name(layout)}:{HTTP_PORT}",
        f"--protocol={layout.deployment.spec.protocol or 'seldon'}.http",
        f"--http_port={FIRST_PORTS.http}",
        *([f"--storage_uri={location}"] if location else []),
        str(stated.get("type") or ""),
        *(f"--{key}={value}" for key, value in sorted((stated.get("config") or {}).items())),
    ]


def _mlserver(subject: Subject, stated: JSON, location: str) -> dict[str, str]:
    """Variables of MLServer's explainer."""
    if subject.protocol != "v2":
        return {}
    graph = subject.workload.predictor.graph.name
    asked = f"http://{service_name(subject.layout)}.{subject.workload.namespace}:{HTTP_PORT}/v2/models/{graph}/infer"
    extra: JSON = {"explainer_type": _snake(str(stated.get("type") or "")), "infer_uri": asked}
    if stated.get("initParameters"):
        extra["init_parameters"] = msgspec.json.decode(str(stated["initParameters"]))
    return {
        "MLSERVER_HTTP_PORT": str(FIRST_PORTS.http),
        "MLSERVER_GRPC_PORT": str(FIRST_PORTS.grpc),
        "MLSERVER_MODEL_NAME": explainer_name(subject.layout),
        "MLSERVER_MODEL_IMPLEMENTATION": "mlserver_alibi_explain.AlibiExplainRuntime",
        "MLSERVER_MODEL_EXTRA": msgspec.json.encode(extra, order="sorted").decode(),
        **({"MLSERVER_MODEL_URI": location} if location else {}),
    }


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")


def _service(subject: Subject, name: str) -> JSON:
    ports = [
        {"name": "http", "port": FIRST_PORTS.http, "targetPort": "http", "protocol": "TCP"},
        {"name": "grpc", "port": FIRST_PORTS.grpc, "targetPort": "grpc", "protocol": "TCP"},
    ]
    return service(subject, name, {"type": "ClusterIP", "selector": {ENTRY_LABEL: name}, "ports": ports})
