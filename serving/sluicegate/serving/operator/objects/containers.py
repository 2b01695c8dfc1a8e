"""The container of one unit: our model server, another prepackaged server, or the user's own code.

What the user wrote about a container of the unit's name is laid over it.
"""

from dataclasses import dataclass

import msgspec

from sluicegate.serving.api.defaults import implementation_of, python_class_of
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import Parameter, PredictiveUnit
from sluicegate.serving.api.unwise import LOGGER_MODES
from sluicegate.serving.operator.errors import NotRenderableError
from sluicegate.serving.operator.objects.environment import (
    mlserver_environment,
    our_environment,
    unit_environment,
    variables,
)
from sluicegate.serving.operator.objects.layout import Pod, Ports, is_served
from sluicegate.serving.operator.objects.merging import merged_container
from sluicegate.serving.operator.objects.probes import ending_of, pre_stop, server_probes, users_probes
from sluicegate.serving.operator.objects.security import SCRATCH_MOUNT, restricted
from sluicegate.serving.operator.objects.storage import Provision
from sluicegate.serving.operator.objects.subject import Subject

PODINFO_MOUNT: JSON = {"name": "seldon-podinfo", "mountPath": "/etc/podinfo"}
PODINFO_VOLUME: JSON = {
    "name": "seldon-podinfo",
    "downwardAPI": {"items": [{"path": "annotations", "fieldRef": {"fieldPath": "metadata.annotations"}}]},
}
CERTIFICATE_MOUNT: JSON = {"name": "cert-volume", "mountPath": "/cert/", "readOnly": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """What one unit's container is. ``ours``: it runs our model server."""

    unit: PredictiveUnit
    ports: Ports
    image: str
    ours: bool
    users: JSON


def role_of(subject: Subject, pod: Pod, unit: PredictiveUnit) -> Role:
    """Who runs ``unit``, by which image. Raises NotRenderableError when nobody says."""
    installation, predictor = subject.installation, subject.workload.predictor
    users = pod.users(unit.name)
    named = bool(python_class_of(predictor, unit))
    served = is_served(predictor, unit)
    table = (
        installation.engine_image if named else installation.server_image(unit.implementation or "", subject.protocol)
    )
    image = str(users.get("image") or (table if served else ""))
    if not image:
        wanted = f"protocol {subject.protocol} of {unit.implementation}" if served else f"container {unit.name}"
        raise NotRenderableError(
            f"predictor {predictor.name!r}, unit {unit.name!r}: no image for {wanted}; add it to the operator's "
            "SLUICEGATE_SERVERS, or name an image in the container of that name in componentSpecs"
        )
    ours = served and (named or installation.is_ours(image))
    ports = subject.layout.ports[unit.name]
    # Our server shows its metrics at its only port.
    ports = Ports(http=ports.http, grpc=ports.grpc, metrics=ports.http) if ours else ports
    return Role(unit=unit, ports=ports, image=image, ours=ours, users=users)


def container_of_unit(subject: Subject, role: Role, provision: Provision, pod_spec: JSON) -> JSON:
    """The container, complete."""
    own = _our_container if role.ours else _others_container
    return merged_container(own(subject, role, provision, pod_spec), role.users)


def container_ports(ports: Ports) -> list[JSON]:
    """Named as monitors and Services know them; one that is another's number is not named again."""
    numbers = {"http": ports.http, "grpc": ports.grpc, "metrics": ports.metrics}
    distinct = {number: name for name, number in reversed(numbers.items())}
    return [{"name": name, "containerPort": number, "protocol": "TCP"} for number, name in reversed(distinct.items())]


def our_settings(subject: Subject, pod_spec: JSON) -> JSON:
    """What every container with our model server has, but for its name, image and variables."""
    ending = ending_of(pod_spec)
    certificate = [CERTIFICATE_MOUNT] if subject.workload.predictor.ssl else []
    return {
        "imagePullPolicy": "IfNotPresent",
        **server_probes(),
        "lifecycle": pre_stop(ending.leaving, native=subject.installation.native_sleep, has_shell=False),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": restricted(pod_spec),
        "volumeMounts": [PODINFO_MOUNT, SCRATCH_MOUNT, *certificate],
    }


def _our_container(subject: Subject, role: Role, provision: Provision, pod_spec: JSON) -> JSON:
    unit, predictor = role.unit, subject.workload.predictor
    told = {
        **unit_environment(subject, unit, role.ports, role.image),
        **our_environment(subject, unit, log_url=_log_url(unit), drain=ending_of(pod_spec).drain),
        **_own_receiver(unit),
        "SLUICEGATE_IMPLEMENTATION": implementation_of(predictor, unit),
        **({"SLUICEGATE_MODEL_URI": provision.location} if provision.location else {}),
    }
    settings = our_settings(subject, pod_spec)
    return {
        **settings,
        "name": unit.name,
        "image": role.image,
        "ports": container_ports(role.ports),
        "env": variables(told),
        "envFrom": list(provision.env_from),
        "resources": subject.installation.server_resources,
        "volumeMounts": [*settings["volumeMounts"], *provision.mounts],
    }


def _others_container(subject: Subject, role: Role, provision: Provision, pod_spec: JSON) -> JSON:
    unit, ports = role.unit, role.ports
    v2 = subject.protocol == "v2"
    served = is_served(subject.workload.predictor, unit)
    spoken = _located(unit, provision.location) if served and provision.location else unit
    told = {
        **unit_environment(subject, spoken, ports, role.image),
        **(mlserver_environment(unit, ports, provision.location) if v2 else {}),
        **({"SELDON_CERT_MOUNT_PATH": "/cert/"} if subject.workload.predictor.ssl else {}),
    }
    probed = "grpc" if subject.layout.deployment.spec.transport == "grpc" else "http"
    sleep = pre_stop(ending_of(pod_spec).users_leaving, native=subject.installation.native_sleep, has_shell=True)
    return {
        "name": unit.name,
        "image": role.image,
        "imagePullPolicy": "IfNotPresent",
        "ports": container_ports(ports),
        "env": variables(told),
        "envFrom": list(provision.env_from),
        "lifecycle": sleep,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            PODINFO_MOUNT,
            *([CERTIFICATE_MOUNT] if subject.workload.predictor.ssl else []),
            *provision.mounts,
        ],
        **users_probes(probed),
        **_arguments(unit, ports, subject.protocol, provision.location),
    }


def _located(unit: PredictiveUnit, location: str) -> PredictiveUnit:
    """Seldon's own servers are told by a parameter where their model lies; MLServer's by a variable."""
    stated = tuple(each for each in unit.parameters if each.name != "model_uri")
    located = Parameter(name="model_uri", value=location)
    return msgspec.structs.replace(unit, parameters=(*stated, located))


def _arguments(unit: PredictiveUnit, ports: Ports, protocol: str, location: str) -> JSON:
    """Command lines of servers that read no variables."""
    if unit.implementation == "TENSORFLOW_SERVER" and protocol == "tensorflow":
        stated = (f"--port={ports.grpc}", f"--rest_api_port={ports.http}", f"--model_name={unit.name}")
        return {"args": [*stated, f"--model_base_path={location}"]}
    if unit.implementation == "TRITON_SERVER":
        extra = [f"--{each.name.replace('_', '-')}={each.value}" for each in unit.parameters]
        command = ["tritonserver", f"--http-port={ports.http}", f"--grpc-port={ports.grpc}"]
        return {"args": [*command, f"--metrics-port={ports.metrics}", f"--model-repository={location}", *extra]}
    return {}


def _own_receiver(unit: PredictiveUnit) -> dict[str, str]:
    """A receiver that the deployment names is one of Seldon's time: it gets one event in each request, of its mode."""
    if not _log_url(unit) or unit.logger is None or unit.logger.mode not in LOGGER_MODES:
        return {}
    return {"SLUICEGATE_LOG_FORM": "binary", "SLUICEGATE_LOG_MODE": str(unit.logger.mode)}


def _log_url(unit: PredictiveUnit) -> str:
    return (unit.logger.url or "") if unit.logger is not None and unit.logger.mode else ""
