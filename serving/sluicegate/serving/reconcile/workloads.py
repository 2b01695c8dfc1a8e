"""Workloads: the servers that should run for a predictor, said without Kubernetes' or a process table's words.

``desired`` functions of this room return them; the embedded supervisor renders each to processes, the Kubernetes
operator to a Deployment and Services.
"""

from dataclasses import dataclass, field
from typing import Literal

from sluicegate.serving.api.annotations import shared_by_servers
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.names import revision_of, workload_name
from sluicegate.serving.api.seldon_deployment import PredictorSpec, SeldonDeployment, replicas_of
from sluicegate.serving.gateway.routes import Address, Route

ReplicaState = Literal["Starting", "Ready", "Silent", "Draining", "Failed"]
WorkloadKey = tuple[str, str, str]
"""Namespace, workload name, revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One predictor's servers. ``name`` is unique in the namespace; a new ``revision`` needs new servers."""

    namespace: str
    deployment: str
    predictor: PredictorSpec
    name: str
    revision: str
    replicas: int
    protocol: str = "seldon"

    @property
    def key(self) -> WorkloadKey:
        """Which servers are meant, whatever their number."""
        return (self.namespace, self.name, self.revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One server as the rim observes it.

    ``Failed`` means that it ended by itself and is not (yet) running again; ``message`` then starts with ``refused:``
    when the server refused its bundle. ``Silent``: it was ready, has run ever since, and is not called ready now.
    """

    namespace: str = "default"
    workload: str
    revision: str
    index: int
    address: Address
    state: ReplicaState
    message: str = ""
    """The server's last words when it failed or is not ready: its refusal of the bundle, or its last log lines."""
    restarts: int = 0
    verified: bool | None = None
    """Whether it serves a bundle that was proven; None for a bare model URI or before readiness."""

    @property
    def key(self) -> WorkloadKey:
        """The workload's key that it belongs to."""
        return (self.namespace, self.workload, self.revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The servers of one namespace and the gateway, at one moment."""

    replicas: tuple[Replica, ...] = ()
    traffic: dict[str, int] = field(default_factory=dict)
    """What the gateway acknowledged for this deployment, percent by predictor."""
    mirror: dict[str, int] = field(default_factory=dict)
    """Copies by predictor, percent, under the same acknowledgement."""
    settled: bool = False
    """Whether the gateway acknowledged the newest table that was made from what is stored."""


def workload_of(deployment: SeldonDeployment, predictor: PredictorSpec) -> Workload:
    """The servers of one predictor. A rollout's candidate gets the same ones before and after its promotion."""
    protocol = deployment.spec.protocol
    return Workload(
        namespace=deployment.metadata.namespace,
        deployment=deployment.metadata.name,
        predictor=predictor,
        name=workload_name(deployment.metadata.name, predictor.name),
        revision=revision_of(predictor, protocol, shared_by_servers(deployment)),
        replicas=replicas_of(deployment.spec, predictor),
        protocol=protocol or "seldon",
    )


def desired_workloads(deployment: SeldonDeployment, rollout: ModelRollout | None) -> tuple[Workload, ...]:
    """All servers that should run for a deployment: its own, and both sides of the rollout under way (or None)."""
    predictors = {predictor.name: predictor for predictor in deployment.spec.predictors}
    if rollout is not None:
        stable = decode(rollout.status.stable_predictor, PredictorSpec)
        for predictor in (stable, rollout.spec.candidate):
            predictors.setdefault(predictor.name, predictor)
    return tuple(workload_of(deployment, predictor) for predictor in predictors.values())


def still_reachable(
    routes: tuple[Route, ...], observed: tuple[Replica, ...], *, settled: bool
) -> frozenset[WorkloadKey]:
    """Servers that must not be ended yet, wanted or not: those in a route, and all until the gateway has the routes."""
    routed = {address for route in routes for backend in route.backends for address in backend.addresses}
    return frozenset(replica.key for replica in observed if not settled or replica.address in routed)
