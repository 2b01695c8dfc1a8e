"""``SeldonDeployment`` as a value: the shape of Seldon Core 1.17.1, read by validation, reconcile and the server.

Pod specs, autoscaler and explainer blocks stay plain dictionaries: we pass them on to Kubernetes and never decide by
their inside. Fields that the original spelt in snake_case keep that spelling on the wire.
"""

from typing import Any, Literal

import msgspec

from sluicegate.serving.api.metadata import JSON, Condition, ObjectMeta, View

API_VERSION = "machinelearning.seldon.io/v1"
KIND = "SeldonDeployment"
BUILT_IN_IMPLEMENTATIONS = frozenset(
    {
        "UNKNOWN_IMPLEMENTATION",
        "SIMPLE_MODEL",
        "SIMPLE_ROUTER",
        "RANDOM_ABTEST",
        "AVERAGE_COMBINER",
        "EPSILON_GREEDY",
        "THOMPSON_SAMPLING",
    }
)
"""Every other implementation names a prepackaged server."""
LEARNING_ROUTERS = frozenset({"EPSILON_GREEDY", "THOMPSON_SAMPLING"})
"""Those that learn by feedback, and so want a home for what they learnt."""

UnitType = Literal["UNKNOWN_TYPE", "ROUTER", "COMBINER", "MODEL", "TRANSFORMER", "OUTPUT_TRANSFORMER"]
UnitMethod = Literal["TRANSFORM_INPUT", "TRANSFORM_OUTPUT", "ROUTE", "AGGREGATE", "SEND_FEEDBACK"]
ParameterType = Literal["INT", "FLOAT", "DOUBLE", "STRING", "BOOL"]
State = Literal["Available", "Creating", "Failed"]


class Parameter(View, frozen=True, kw_only=True):
    """A typed argument of a unit; the value is always text on the wire."""

    name: str
    value: str
    type: ParameterType = "STRING"


class Endpoint(View, frozen=True, kw_only=True):
    """Where a unit listens, when the user says so."""

    service_host: str = msgspec.field(default="", name="service_host")
    service_port: int = msgspec.field(default=0, name="service_port")
    type: str = ""
    http_port: int = 0
    grpc_port: int = 0


class Logger(View, frozen=True, kw_only=True):
    """Request logging of one unit."""

    url: str | None = None
    mode: str = ""


class PredictiveUnit(View, frozen=True, kw_only=True):
    """One node of an inference graph."""

    name: str = ""
    type: UnitType | None = None
    implementation: str | None = None
    methods: tuple[UnitMethod, ...] = ()
    children: tuple["PredictiveUnit", ...] = ()
    endpoint: Endpoint | None = None
    parameters: tuple[Parameter, ...] = ()
    model_uri: str = ""
    service_account_name: str = ""
    env_secret_ref_name: str = ""
    storage_initializer_image: str = ""
    logger: Logger | None = None


class SvcOrchSpec(View, frozen=True, kw_only=True):
    """Settings of the orchestrator."""

    resources: JSON = {}
    env: tuple[JSON, ...] = ()
    replicas: int | None = None


class ComponentSpec(View, frozen=True, kw_only=True):
    """One pod of a predictor, with its autoscaling."""

    metadata: JSON = {}
    spec: JSON = {}
    replicas: int | None = None
    hpa_spec: JSON | None = None
    keda_spec: JSON | None = None
    pdb_spec: JSON | None = None


class PredictorSpec(View, frozen=True, kw_only=True):
    """One version of a model: a graph, its pods and its share of the traffic (percent)."""

    name: str = ""
    graph: PredictiveUnit = PredictiveUnit()
    component_specs: tuple[ComponentSpec, ...] = ()
    replicas: int | None = None
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}
    engine_resources: JSON = {}
    svc_orch_spec: SvcOrchSpec = SvcOrchSpec()
    traffic: int = 0
    explainer: JSON | None = None
    shadow: bool = False
    ssl: JSON | None = None
    progress_deadline_seconds: int | None = None


class SeldonDeploymentSpec(View, frozen=True, kw_only=True):
    """What should be served."""

    name: str = ""
    predictors: tuple[PredictorSpec, ...] = ()
    annotations: dict[str, str] = {}
    protocol: str = ""
    transport: str = ""
    replicas: int | None = None
    server_type: str = ""
    oauth_key: str = msgspec.field(default="", name="oauth_key")
    oauth_secret: str = msgspec.field(default="", name="oauth_secret")


class DeploymentStatus(View, frozen=True, kw_only=True):
    """How one workload stands."""

    name: str = ""
    status: str = ""
    description: str = ""
    replicas: int = 0
    available_replicas: int = 0
    explainer_for: str = ""


class ServiceStatus(View, frozen=True, kw_only=True):
    """Where one predictor is reached."""

    svc_name: str = ""
    http_endpoint: str = ""
    grpc_endpoint: str = ""
    explainer_for: str = ""


class Address(View, frozen=True, kw_only=True):
    """Where the deployment is reached."""

    url: str = ""


class SeldonDeploymentStatus(View, frozen=True, kw_only=True):
    """What is served. ``traffic`` is what the gateway acknowledged, percent by predictor; ``rollout_id`` is empty when
    no rollout is on its way, ``phase`` repeats the rollout's (or ``Stable``).
    """

    state: State = "Creating"
    description: str = ""
    deployment_status: dict[str, DeploymentStatus] = {}
    service_status: dict[str, ServiceStatus] = {}
    replicas: int = 0
    address: Address | None = None
    conditions: tuple[Condition, ...] = ()
    observed_generation: int = 0
    phase: str = ""
    rollout_id: str = ""
    traffic: dict[str, int] = {}


class SeldonDeployment(View, frozen=True, kw_only=True):
    """The whole object."""

    api_version: str = API_VERSION
    kind: str = KIND
    metadata: ObjectMeta = ObjectMeta()
    spec: SeldonDeploymentSpec = SeldonDeploymentSpec()
    status: SeldonDeploymentStatus = SeldonDeploymentStatus()


def replicas_of(deployment: SeldonDeploymentSpec, predictor: PredictorSpec) -> int:
    """Replicas of a predictor: componentSpec over predictor over spec, 1 when nobody says."""
    stated = [component.replicas for component in predictor.component_specs[:1]]
    chosen: list[Any] = [*stated, predictor.replicas, deployment.replicas, 1]
    return int(next(value for value in chosen if value is not None))
