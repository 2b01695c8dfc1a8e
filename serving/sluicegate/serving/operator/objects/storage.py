"""How a unit's model comes into its container: fetched before it starts, mounted from a claim, or left to the server.

A model that lies in the server's own image (a path, ``file:``) is left to it: an init container would not see it.
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import PredictiveUnit
from sluicegate.serving.operator.objects.environment import MODEL_DIRECTORY
from sluicegate.serving.operator.objects.names import short
from sluicegate.serving.operator.objects.security import SCRATCH_MOUNT, SCRATCH_VOLUME, restricted
from sluicegate.serving.operator.objects.subject import Subject

NO_INITIALIZER_ANNOTATION = "seldon.io/no-storage-initializer"
_FETCH = ("python", "-m", "sluicegate.serving.bundle", "fetch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provision:
    """``location`` is what the server is told; the rest goes into its pod."""

    location: str = ""
    init_containers: tuple[JSON, ...] = ()
    volumes: tuple[JSON, ...] = ()
    mounts: tuple[JSON, ...] = ()
    env_from: tuple[JSON, ...] = field(default=())
    """For the server itself: credentials, when it is the one who fetches."""


def provision_of(subject: Subject, unit: PredictiveUnit, pod_spec: JSON, directory: str = MODEL_DIRECTORY) -> Provision:
    """How ``unit`` gets its model, to ``directory`` in the container that serves it."""
    uri = unit.model_uri
    scheme = urlsplit(uri).scheme
    if not uri:
        return Provision()
    if scheme == "pvc":
        return _claimed(unit, uri, directory)
    skipped = subject.workload.predictor.annotations.get(NO_INITIALIZER_ANNOTATION, "").lower() == "true"
    if skipped or scheme in ("", "file"):
        return Provision(location=uri, env_from=credentials_of(subject, unit))
    volume = _volume_name(unit)
    return Provision(
        location=directory,
        init_containers=(_initializer(subject, unit, pod_spec),),
        volumes=({"name": volume, "emptyDir": {}}, SCRATCH_VOLUME),
        mounts=({"name": volume, "mountPath": directory, "readOnly": True},),
    )


def credentials_of(subject: Subject, unit: PredictiveUnit) -> tuple[JSON, ...]:
    """Secret with the variables that a storage asks for."""
    secret = unit.env_secret_ref_name or subject.installation.default_env_secret
    # The installation's Secret need not be in every namespace; one that the unit names has to be.
    optional = {} if unit.env_secret_ref_name else {"optional": True}
    return ({"secretRef": {"name": secret, **optional}},) if secret else ()


def _claimed(unit: PredictiveUnit, uri: str, directory: str) -> Provision:
    parts = urlsplit(uri)
    volume, path = _volume_name(unit), parts.path.strip("/")
    mount = {"name": volume, "mountPath": directory, "readOnly": True, **({"subPath": path} if path else {})}
    claim = {"claimName": parts.netloc, "readOnly": True}
    return Provision(location=directory, volumes=({"name": volume, "persistentVolumeClaim": claim},), mounts=(mount,))


def _initializer(subject: Subject, unit: PredictiveUnit, pod_spec: JSON) -> JSON:
    image = unit.storage_initializer_image or subject.installation.storage_initializer_image
    ours = subject.installation.is_ours(image)
    mine = {"command": list(_FETCH), "securityContext": restricted(pod_spec)} if ours else {}
    return {
        "name": short(f"{unit.name}-model-initializer"),
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        **mine,
        "args": [unit.model_uri, MODEL_DIRECTORY],
        "envFrom": list(credentials_of(subject, unit)),
        "resources": subject.installation.initializer_resources,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [{"name": _volume_name(unit), "mountPath": MODEL_DIRECTORY}, SCRATCH_MOUNT],
    }


def _volume_name(unit: PredictiveUnit) -> str:
    return short(f"{unit.name}-provision-location")
