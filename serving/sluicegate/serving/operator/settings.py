"""Settings of an installation of the operator: one table, read once from the environment of its Deployment.

Rendering reads them as one frozen value, ``Installation``; what cannot be read is refused with the setting's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import msgspec

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.errors import SettingsRefusedError
from sluicegate.serving.runtime.catalogue import PREPACKAGED

_SPOKEN = ("seldon", "v2", "kfserving")
"""Protocols that our servers speak on a cluster."""
_OTHERS: Mapping[str, Mapping[str, str]] = {
    "HUGGINGFACE_SERVER": {"v2": "seldonio/mlserver:1.3.5-huggingface"},
    "TENSORFLOW_SERVER": {"tensorflow": "tensorflow/serving:2.1.0"},
}
"""What Seldon Core 1.17.1 runs where we have no image, so that what it ran goes on."""
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the table. ``kind`` is what the text is read as: text, truth, or a JSON object."""

    name: str
    env: str
    default: str
    sentence: str
    kind: str = "text"


SETTINGS = (
    Setting("registry", "SLUICEGATE_IMAGE_REGISTRY", "sluicegate", "Prefix of the names of our images."),
    Setting("version", "SLUICEGATE_IMAGE_VERSION", version("sluicegate"), "Tag of our images."),
    Setting(
        "servers",
        "SLUICEGATE_SERVERS",
        "{}",
        "Images of prepackaged servers, beside ours or instead: {implementation: {protocol: image}}.",
        "object",
    ),
    Setting("explainers", "SLUICEGATE_EXPLAINERS", "{}", "Images of explainers: {protocol: image}.", "object"),
    Setting("engine", "SLUICEGATE_ENGINE_IMAGE", "", "Image that runs graphs; our scikit-learn server if empty."),
    Setting(
        "storage_initializer",
        "SLUICEGATE_STORAGE_INITIALIZER_IMAGE",
        "",
        "Image that fetches models; ours if empty. Another one is called with the URI and /mnt/models.",
    ),
    Setting(
        "default_env_secret",
        "SLUICEGATE_DEFAULT_ENV_SECRET",
        "",
        "Secret with credentials of storages, where a unit names none; in each namespace of deployments.",
    ),
    Setting("request_log_url", "REQUEST_LOGGER_DEFAULT_ENDPOINT", "", "Where the request log goes; nowhere if empty."),
    Setting(
        "server_resources",
        "SLUICEGATE_SERVER_RESOURCES",
        '{"requests": {"cpu": "100m", "memory": "256Mi"}}',
        "Resources of our model servers, where a deployment states none.",
        "object",
    ),
    Setting(
        "engine_resources",
        "SLUICEGATE_ENGINE_RESOURCES",
        '{"requests": {"cpu": "500m", "memory": "512Mi"}}',
        "Resources of the engine of a graph, where a deployment states none.",
        "object",
    ),
    Setting(
        "initializer_resources",
        "SLUICEGATE_STORAGE_INITIALIZER_RESOURCES",
        '{"requests": {"cpu": "100m", "memory": "100Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}',
        "Resources of what fetches models.",
        "object",
    ),
    Setting(
        "user_id",
        "SLUICEGATE_DEFAULT_USER_ID",
        "",
        "User of pods whose deployment states no securityContext; the image's own if empty.",
    ),
    Setting(
        "native_sleep",
        "SLUICEGATE_NATIVE_SLEEP",
        "true",
        "Whether the cluster's kubelets know the sleep action of a preStop hook (Kubernetes 1.30 and up).",
        "truth",
    ),
    Setting("keda", "SLUICEGATE_KEDA", "true", "Whether the cluster has KEDA's ScaledObject.", "truth"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Everything that rendering is told; the table above says what each is."""

    registry: str
    version: str
    servers: Mapping[str, Mapping[str, str]]
    explainers: Mapping[str, str]
    engine: str
    storage_initializer: str
    default_env_secret: str
    request_log_url: str
    server_resources: JSON
    engine_resources: JSON
    initializer_resources: JSON
    user_id: str
    native_sleep: bool
    keda: bool
    foreign_gateway: bool = False
    """No setting, but what the chosen gateway needs: one that is not our Envoy cannot mark copies, and counts nothing
    for us, so our servers get a port for copies and give up a little before it does."""

    def server_image(self, implementation: str, protocol: str) -> str:
        """Image of a prepackaged server, nothing when there is none."""
        stated = self.servers.get(implementation, {}).get(protocol, "")
        known = PREPACKAGED.get(implementation)
        ours = self._image(known.image) if known and known.image and protocol in _SPOKEN else ""
        return stated or ours or _OTHERS.get(implementation, {}).get(protocol, "")

    def served(self, protocol: str) -> frozenset[str]:
        """Prepackaged servers that there is an image for, in this protocol."""
        named = {*PREPACKAGED, *_OTHERS, *self.servers}
        return frozenset(each for each in named if self.server_image(each, protocol))

    @property
    def engine_image(self) -> str:
        """What runs graphs and users' classes."""
        return self.engine or self._image("server-sklearn")

    @property
    def storage_initializer_image(self) -> str:
        """What fetches models, unless a unit names another."""
        return self.storage_initializer or self._image("storage-initializer")

    def is_ours(self, image: str) -> bool:
        """Whether it is of our making: then it is started, probed and told things in our way."""
        return image.startswith((self._name("server-"), self._name("storage-initializer")))

    def _image(self, name: str) -> str:
        return f"{self._name(name)}:{self.version}"

    def _name(self, name: str) -> str:
        return f"{self.registry}/{name}"


def read_installation(environment: Mapping[str, str]) -> Installation:
    """Settings of the environment, defaults where it says nothing. Raises SettingsRefusedError."""
    return Installation(**{each.name: _read(each, environment.get(each.env, each.default)) for each in SETTINGS})


def _read(setting: Setting, text: str) -> Any:
    if setting.kind == "truth":
        if text.lower() not in _TRUTHS:
            raise SettingsRefusedError(f"{setting.env}: found {text!r}; expected true or false")
        return _TRUTHS[text.lower()]
    if setting.kind == "object":
        try:
            return msgspec.json.decode(text or "{}", type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise SettingsRefusedError(f"{setting.env}: {error}; expected a JSON object") from error
    return text
