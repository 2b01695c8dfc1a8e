"""Variables of containers: Seldon's for every unit, our server's, and MLServer's for others that speak v2."""

import base64
from collections.abc import Mapping

import msgspec

from sluicegate.serving.api.annotations import entry_of
from sluicegate.serving.api.decoding import encode
from sluicegate.serving.api.defaults import digest_bearer, milliseconds, model_of
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import Endpoint, PredictiveUnit, PredictorSpec
from sluicegate.serving.operator.objects.layout import Layout, Ports, annotation
from sluicegate.serving.operator.objects.names import container_service_name
from sluicegate.serving.operator.objects.subject import Subject
from sluicegate.serving.reconcile.server_environment import parameters_of, router_home_of, server_environment
from sluicegate.serving.reconcile.traffic import DEFAULT_TIMEOUT_MS, GRPC_TIMEOUT_ANNOTATION, TIMEOUT_ANNOTATION

METRICS_PATH = "/prometheus"
NO_LOCATIONS: Mapping[str, str] = {}
MODEL_DIRECTORY = "/mnt/models"
BEFORE_THE_GATEWAY = 0.9
"""Share of the gateway's patience after which a server gives up by itself, where only servers count."""
_QUEUE_ANNOTATION = "seldon.io/executor-logger-queue-size"
_ENGINE_PREFIX = "seldon.io/engine-"
_MLSERVER_IMPLEMENTATIONS = {
    "SKLEARN_SERVER": "mlserver_sklearn.SKLearnModel",
    "XGBOOST_SERVER": "mlserver_xgboost.XGBoostModel",
    "MLFLOW_SERVER": "mlserver_mlflow.MLflowRuntime",
    "HUGGINGFACE_SERVER": "mlserver_huggingface.HuggingFaceRuntime",
    "TEMPO_SERVER": "tempo.mlserver.InferenceRuntime",
}


def variables(values: Mapping[str, str]) -> list[JSON]:
    """As a container has them."""
    return [{"name": name, "value": value} for name, value in values.items()]


def unit_environment(subject: Subject, unit: PredictiveUnit, ports: Ports, image: str) -> dict[str, str]:
    """What Seldon tells every container of a unit."""
    predictor = subject.workload.predictor
    grpc = subject.layout.deployment.spec.transport == "grpc"
    labels = {**predictor.labels, "version": predictor.name}
    return {
        "PREDICTIVE_UNIT_SERVICE_PORT": str(ports.grpc if grpc else ports.http),
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(ports.http),
        "PREDICTIVE_UNIT_GRPC_SERVICE_PORT": str(ports.grpc),
        "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(ports.metrics),
        "PREDICTIVE_UNIT_METRICS_ENDPOINT": METRICS_PATH,
        "PREDICTIVE_UNIT_ID": unit.name,
        "PREDICTIVE_UNIT_IMAGE": image,
        "PREDICTIVE_UNIT_PARAMETERS": parameters_of(unit),
        "PREDICTOR_ID": predictor.name,
        "PREDICTOR_LABELS": msgspec.json.encode(labels, order="sorted").decode(),
        "SELDON_DEPLOYMENT_ID": subject.workload.deployment,
        "SELDON_EXECUTOR_ENABLED": "true",
    }


def our_environment(subject: Subject, unit: PredictiveUnit, *, log_url: str, drain: int) -> dict[str, str]:
    """What our server is told beside it, whether it serves a unit or a graph."""
    predictor, deployment = subject.workload.predictor, subject.layout.deployment
    model, bears = model_of(predictor), digest_bearer(predictor.graph) in (unit.name, *subject.layout.fused)
    queue = annotation(deployment, _QUEUE_ANNOTATION)
    patience = _patience(subject)
    optional = {
        "REQUEST_LOGGER_DEFAULT_ENDPOINT": log_url or subject.installation.request_log_url,
        "SLUICEGATE_ROUTER_HOME": router_home_of(predictor, subject.installation.request_log_url),
        "SLUICEGATE_BUNDLE_DIGEST": model.bundle_digest if model and bears else "",
        "SLUICEGATE_PREDICTOR_VERSION": predictor.annotations.get("version", ""),
        "SLUICEGATE_LOG_QUEUE": queue if queue.isdigit() else "",
        "SLUICEGATE_REQUEST_TIMEOUT_SECONDS": f"{patience / 1000:g}" if patience else "",
        "SELDON_CERT_MOUNT_PATH": "/cert/" if predictor.ssl else "",
    }
    return {
        **server_environment(subject.workload, unit),
        "SLUICEGATE_HOST": "0.0.0.0",
        "SLUICEGATE_DRAIN_SECONDS": str(drain),
        **{name: value for name, value in optional.items() if value},
    }


def _patience(subject: Subject) -> int:
    """Milliseconds after which our server gives a request up; 0: by its own default."""
    rest, grpc = (
        milliseconds(annotation(subject.layout.deployment, name), 0)
        for name in (TIMEOUT_ANNOTATION, GRPC_TIMEOUT_ANNOTATION)
    )
    if subject.installation.foreign_gateway:
        # What the gateway gives up on, nobody would count: the server says 504 before.
        return round((rest or DEFAULT_TIMEOUT_MS) * BEFORE_THE_GATEWAY)
    # The gateway bounds each protocol by its own; a server has one limit, and cuts neither short.
    return max(rest or DEFAULT_TIMEOUT_MS, grpc) if grpc else rest


def mlserver_environment(unit: PredictiveUnit, ports: Ports, model: str) -> dict[str, str]:
    """What MLServer is told; other servers do not read it."""
    parameters = {each.name: each.value for each in unit.parameters}
    implementation = _MLSERVER_IMPLEMENTATIONS.get(unit.implementation or "")
    return {
        "MLSERVER_HTTP_PORT": str(ports.http),
        "MLSERVER_GRPC_PORT": str(ports.grpc),
        "MLSERVER_METRICS_PORT": str(ports.metrics),
        "MLSERVER_METRICS_ENDPOINT": METRICS_PATH,
        "MLSERVER_MODEL_NAME": unit.name,
        "MLSERVER_MODEL_VERSION": "v1",
        "MLSERVER_PARALLEL_WORKERS": "0",
        **({"MLSERVER_MODEL_URI": model} if model else {}),
        **({"MLSERVER_MODEL_IMPLEMENTATION": implementation} if implementation else {}),
        **({"MLSERVER_MODEL_EXTRA": msgspec.json.encode(parameters).decode()} if parameters else {}),
    }


def engine_environment(subject: Subject, locations: Mapping[str, str]) -> dict[str, str]:
    """What the engine is told: its graph, and the deployment's annotations made for it.

    ``locations``: where the models of units lie that it runs itself.
    """
    deployment = subject.layout.deployment
    notes = {**deployment.metadata.annotations, **deployment.spec.annotations}
    stated = {
        name.removeprefix(_ENGINE_PREFIX).upper().replace("-", "_"): value
        for name, value in notes.items()
        if (known := entry_of(name)) is not None and known.name == f"{_ENGINE_PREFIX}*"
    }
    spoken = {"SLUICEGATE_PROTOCOL": subject.protocol} if subject.protocol not in ("", "seldon") else {}
    told = encoded_predictor(subject.layout, subject.workload.namespace, locations)
    return {"ENGINE_PREDICTOR": told, **spoken, **stated}


def encoded_predictor(layout: Layout, namespace: str, locations: Mapping[str, str] = NO_LOCATIONS) -> str:
    """The predictor's graph with the addresses of its units, or where their models lie; base64 of JSON.

    Traffic, replicas and autoscalers stay out: a change of theirs must not start new pods.
    """
    predictor = layout.predictor
    spoken = PredictorSpec(
        name=predictor.name,
        graph=_addressed(predictor.graph, layout, namespace, locations),
        annotations=predictor.annotations,
        labels=predictor.labels,
    )
    return base64.b64encode(msgspec.json.encode(encode(spoken), order="sorted")).decode()


def _addressed(unit: PredictiveUnit, layout: Layout, namespace: str, locations: Mapping[str, str]) -> PredictiveUnit:
    children = tuple(_addressed(child, layout, namespace, locations) for child in unit.children)
    if unit.name in layout.fused:
        uri = locations.get(unit.name) or unit.model_uri
        return msgspec.structs.replace(unit, children=children, endpoint=None, model_uri=uri)
    if unit.name not in layout.units:
        return msgspec.structs.replace(unit, children=children)
    ports, transport = layout.ports[unit.name], layout.deployment.spec.transport
    stated = unit.endpoint or Endpoint()
    together = layout.pod_of(unit.name) == 0 and not layout.separate_engine
    elsewhere = f"{container_service_name(layout, unit.name)}.{namespace}.svc.cluster.local"
    kind = stated.type or ("GRPC" if transport == "grpc" else "REST")
    endpoint = Endpoint(
        service_host="localhost" if together else elsewhere,
        service_port=ports.grpc if kind == "GRPC" else ports.http,
        type=kind,
        http_port=ports.http,
        grpc_port=ports.grpc,
    )
    return msgspec.structs.replace(unit, children=children, endpoint=endpoint)
