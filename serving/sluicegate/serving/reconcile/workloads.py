"""Workloads: the servers that should run for a predictor, said without Kubernetes' or a process table's words.

``desired`` functions of this room return them; the embedded supervisor renders each to processes, the Kubernetes
operator to a Deployment and Services.
"""

from dataclasses import dataclass, field
from typing import Literal

from sluicegate.serving.api.seldon_deployment import PredictorSpec
from sluicegate.serving.gateway.routes import Address

ReplicaState = Literal["Starting", "Ready", "Draining", "Failed"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One server as the rim observes it."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """All servers and the gateway, at one moment."""

    replicas: tuple[Replica, ...] = ()
    traffic: dict[str, int] = field(default_factory=dict)
    """What the gateway acknowledged for this deployment, percent by predictor."""
    mirror: dict[str, int] = field(default_factory=dict)
