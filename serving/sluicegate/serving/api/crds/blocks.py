"""The insides of blocks that our views pass on as they are: what ``kubectl explain`` tells, and what is checked.

Blocks of Kubernetes' own (pods, autoscalers) are open: a field that is not named here is kept, because its rules are
Kubernetes' business and change with its version. Blocks of Seldon's are closed, as they always were.
"""

from sluicegate.serving.api.metadata import JSON, View
from sluicegate.serving.api.seldon_deployment import ComponentSpec, Endpoint, PredictorSpec, SvcOrchSpec


class Variable(View, frozen=True, kw_only=True):
    """One environment variable, as in a pod."""

    name: str
    value: str = ""
    value_from: JSON = {}


class Container(View, frozen=True, kw_only=True):
    """A container, as in a pod."""

    name: str = ""
    image: str = ""


class PodSpec(View, frozen=True, kw_only=True):
    """A pod, as Kubernetes has it."""

    containers: tuple[Container, ...] = ()


class PodMetadata(View, frozen=True, kw_only=True):
    """Name, labels and annotations of the pods."""

    name: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class HpaSpec(View, frozen=True, kw_only=True):
    """Autoscaling by Kubernetes' HorizontalPodAutoscaler."""

    max_replicas: int
    min_replicas: int | None = None
    metrics: tuple[JSON, ...] = ()
    metricsv2: tuple[JSON, ...] = ()


class KedaSpec(View, frozen=True, kw_only=True):
    """Autoscaling by a KEDA ScaledObject."""

    triggers: tuple[JSON, ...]
    polling_interval: int | None = None
    cooldown_period: int | None = None
    min_replica_count: int | None = None
    max_replica_count: int | None = None
    idle_replica_count: int | None = None
    advanced: JSON = {}
    fallback: JSON = {}


class PdbSpec(View, frozen=True, kw_only=True):
    """How many pods a drain may take at once."""

    min_available: int | str | None = None
    max_unavailable: int | str | None = None


class Ssl(View, frozen=True, kw_only=True):
    """A certificate for the predictor's own port."""

    cert_secret_name: str = ""


class Explainer(View, frozen=True, kw_only=True):
    """A server beside the predictor that says why it answered so."""

    type: str = ""
    model_uri: str = ""
    service_account_name: str = ""
    env_secret_ref_name: str = ""
    storage_initializer_image: str = ""
    container_spec: Container | None = None
    config: dict[str, str] = {}
    endpoint: Endpoint | None = None
    replicas: int | None = None
    init_parameters: str = ""


OPEN: frozenset[type[View]] = frozenset({Variable, Container, PodSpec, PodMetadata, HpaSpec, KedaSpec, PdbSpec})
"""Blocks that keep what they do not name."""

INSIDES: dict[tuple[type[View], str], type[View]] = {
    (ComponentSpec, "metadata"): PodMetadata,
    (ComponentSpec, "spec"): PodSpec,
    (ComponentSpec, "hpa_spec"): HpaSpec,
    (ComponentSpec, "keda_spec"): KedaSpec,
    (ComponentSpec, "pdb_spec"): PdbSpec,
    (PredictorSpec, "explainer"): Explainer,
    (PredictorSpec, "ssl"): Ssl,
    (SvcOrchSpec, "env"): Variable,
}
"""Which field of which view holds which block."""
