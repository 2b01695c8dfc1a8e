"""The pod template of one componentSpec: the user's pod with what serves its units added.

It changes with the workload's revision, and never by traffic, replicas or autoscalers.
"""

from sluicegate.serving.api.annotations import for_pods
from sluicegate.serving.api.graph_rules import units_of
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import PredictiveUnit
from sluicegate.serving.operator.objects.containers import (
    CERTIFICATE_MOUNT,
    PODINFO_VOLUME,
    container_of_unit,
    role_of,
)
from sluicegate.serving.operator.objects.copies import with_port_for_copies
from sluicegate.serving.operator.objects.engine import engine_container
from sluicegate.serving.operator.objects.environment import METRICS_PATH, MODEL_DIRECTORY
from sluicegate.serving.operator.objects.layout import ENGINE, Pod
from sluicegate.serving.operator.objects.manifest import MANAGED_BY
from sluicegate.serving.operator.objects.merging import merged_container, merged_items
from sluicegate.serving.operator.objects.names import (
    APP_LABEL,
    DEPLOYMENT_LABEL,
    PREDICTOR_LABEL,
    REVISION_ANNOTATION,
    container_label,
    container_service_name,
    entry_selector,
)
from sluicegate.serving.operator.objects.probes import ending_of
from sluicegate.serving.operator.objects.security import SCRATCH_VOLUME
from sluicegate.serving.operator.objects.storage import Provision, provision_of
from sluicegate.serving.operator.objects.subject import Subject

_TYPE_LABELS = {
    "MODEL": "seldon.io/model",
    "ROUTER": "seldon.io/router",
    "COMBINER": "seldon.io/combiner",
    "TRANSFORMER": "seldon.io/transformer",
    "OUTPUT_TRANSFORMER": "seldon.io/output-transformer",
}


def template_of(subject: Subject, pod: Pod, app: str) -> JSON:
    """The template of a componentSpec's Deployment, called ``app``."""
    metadata = pod.component.metadata
    labels = {
        **(metadata.get("labels") or {}),
        **pod_labels(subject, app),
        **component_labels(subject, pod),
    }
    entry = subject.layout.entry_pod == pod.index
    port = subject.layout.ports[subject.layout.entry].http if entry else None
    return {
        "metadata": {
            "labels": labels,
            "annotations": pod_annotations(subject, metadata.get("annotations") or {}, port),
        },
        "spec": _pod_spec(subject, pod),
    }


def engine_template(subject: Subject, app: str) -> JSON:
    """The template of an engine with pods of its own."""
    labels = {**pod_labels(subject, app), **entry_selector(subject.layout), **ENGINE_LABEL}
    port = subject.layout.ports[ENGINE].http
    spec = _completed(subject, {}, [with_port_for_copies(subject, engine_container(subject, {}, {}))], [])
    return {"metadata": {"labels": labels, "annotations": pod_annotations(subject, {}, port)}, "spec": spec}


ENGINE_LABEL = {"seldon-deployment-contains-svcorch": "true"}


def component_labels(subject: Subject, pod: Pod) -> dict[str, str]:
    """Labels that say what runs in a componentSpec's pods: for its Deployment and for them."""
    layout = subject.layout
    units = [layout.units[name] for name in pod.containers if name in layout.units]
    entry = layout.entry_pod == pod.index
    run = [*units, *(layout.fused.values() if entry else ())]
    return {
        **{container_label(unit.name): container_service_name(layout, unit.name) for unit in units},
        **{_TYPE_LABELS[kind]: "true" for unit in run if (kind := _type(unit)) in _TYPE_LABELS},
        **(entry_selector(layout) if entry else {}),
        **(ENGINE_LABEL if entry and layout.has_engine else {}),
    }


def pod_labels(subject: Subject, app: str) -> dict[str, str]:
    """Labels of every pod of the predictor. ``version`` is what meshes make subsets of."""
    predictor = subject.workload.predictor
    return {
        **predictor.labels,
        APP_LABEL: app,
        "version": predictor.name,
        "fluentd": "true",
        DEPLOYMENT_LABEL: subject.workload.deployment,
        PREDICTOR_LABEL: predictor.name,
        **MANAGED_BY,
    }


def pod_annotations(subject: Subject, stated: JSON, port: int | None) -> JSON:
    """Annotations of pods; wrappers read Seldon's in /etc/podinfo. ``port``: where metrics are, if here."""
    scraped = {"prometheus.io/scrape": "true", "prometheus.io/path": METRICS_PATH}
    return {
        **({**scraped, "prometheus.io/port": str(port)} if port else scraped),
        **for_pods(subject.layout.deployment),
        **subject.workload.predictor.annotations,
        **stated,
        REVISION_ANNOTATION: subject.workload.revision,
    }


def _pod_spec(subject: Subject, pod: Pod) -> JSON:
    spec, layout = pod.component.spec, subject.layout
    provisions: list[Provision] = []
    containers: list[JSON] = []
    for name in pod.containers:
        if name in layout.units:
            unit = layout.units[name]
            provisions.append(provision_of(subject, unit, spec))
            container = container_of_unit(subject, role_of(subject, pod, unit), provisions[-1], spec)
            containers.append(with_port_for_copies(subject, container))
        else:
            containers.append(merged_container({}, pod.users(name)))
    if layout.has_engine and layout.entry_pod == pod.index:
        models = {
            name: provision_of(subject, unit, spec, f"{MODEL_DIRECTORY}/{name}") for name, unit in layout.fused.items()
        }
        provisions += models.values()
        engine = engine_container(subject, spec, pod.users(ENGINE), models)
        containers.append(with_port_for_copies(subject, engine))
    # The first container with a port of a name is where a Service's port of that name leads.
    containers.sort(key=lambda container: container["name"] != layout.entry)
    return _completed(subject, spec, containers, provisions)


def _completed(subject: Subject, spec: JSON, containers: list[JSON], provisions: list[Provision]) -> JSON:
    initializers = [each for provision in provisions for each in provision.init_containers]
    volumes = [each for provision in provisions for each in provision.volumes]
    ours = [PODINFO_VOLUME, SCRATCH_VOLUME, *volumes, *_certificate(subject)]
    account = _service_account(subject, {container["name"] for container in containers} | {*subject.layout.fused})
    user = subject.installation.user_id
    return {
        **({"securityContext": {"runAsUser": int(user)}} if user and not spec.get("securityContext") else {}),
        **({"serviceAccountName": account} if account else {}),
        **{key: value for key, value in spec.items() if value not in ({}, [], "")},
        "terminationGracePeriodSeconds": ending_of(spec).grace,
        "initContainers": _initializers(initializers, spec),
        "containers": containers,
        "volumes": merged_items("volumes", ours, spec.get("volumes") or ()),
    }


def _initializers(ours: list[JSON], spec: JSON) -> list[JSON]:
    users = {each["name"]: each for each in spec.get("initContainers") or ()}
    mine = [merged_container(each, users.pop(each["name"], {})) for each in ours]
    return [*mine, *users.values()]


def _certificate(subject: Subject) -> list[JSON]:
    secret = (subject.workload.predictor.ssl or {}).get("certSecretName")
    return [{"name": CERTIFICATE_MOUNT["name"], "secret": {"secretName": secret}}] if secret else []


def _service_account(subject: Subject, containers: set[str]) -> str:
    units = (unit for _, unit in units_of(subject.workload.predictor.graph, "") if unit.name in containers)
    return next((unit.service_account_name for unit in units if unit.service_account_name), "")


def _type(unit: PredictiveUnit) -> str:
    return unit.type or ("" if unit.methods else "MODEL")
