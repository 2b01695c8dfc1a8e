"""What a SeldonDeployment's status says: Available means that a request would be answered, and nothing weaker.

A refused bundle and a server that does not come up speak here with their own last words.
"""

from dataclasses import dataclass

import msgspec

from sluicegate.serving.api.conditions import condition, since
from sluicegate.serving.api.decoding import encode
from sluicegate.serving.api.metadata import DIGEST_ANNOTATION, JSON, Condition
from sluicegate.serving.api.model_rollout import ModelRollout, ModelRolloutStatus
from sluicegate.serving.api.seldon_deployment import (
    Address,
    DeploymentStatus,
    SeldonDeployment,
    SeldonDeploymentStatus,
    ServiceStatus,
    State,
)
from sluicegate.serving.gateway.routes import Route
from sluicegate.serving.reconcile.notices import Notice
from sluicegate.serving.reconcile.workloads import Observed, Replica, Workload

STABLE = "Stable"
_WORST: tuple[State, ...] = ("Failed", "Creating", "Available")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One workload beside its servers."""

    workload: Workload
    servers: tuple[Replica, ...]

    @property
    def ready(self) -> tuple[Replica, ...]:
        """Servers of the wanted revision that answer."""
        return tuple(replica for replica in self.servers if replica.state == "Ready")

    @property
    def state(self) -> State:
        """Available with all its replicas, Failed when one ended by itself."""
        if len(self.ready) >= self.workload.replicas:
            return "Available"
        return "Failed" if any(replica.state == "Failed" for replica in self.servers) else "Creating"

    @property
    def words(self) -> str:
        """What its servers said last, if they are not all ready."""
        return "" if self.state == "Available" else next((each.message for each in self.servers if each.message), "")


def deployment_status(
    deployment: SeldonDeployment,
    rollout: ModelRollout | None,
    workloads: tuple[Workload, ...],
    route: Route,
    observed: Observed,
    *,
    gateway_url: str,
    rejected: str,
    now: float,
) -> SeldonDeploymentStatus:
    """The status. ``route`` is what was published, ``rejected`` the gateway's words when it refused the table."""
    standings = tuple(
        Standing(workload=workload, servers=tuple(each for each in observed.replicas if each.key == workload.key))
        for workload in workloads
    )
    own = {predictor.name for predictor in deployment.spec.predictors}
    mine = tuple(standing for standing in standings if standing.workload.predictor.name in own)
    reached = _reached(route, observed)
    state = _state(mine, reached, observed)
    conditions = (
        _settled_condition(observed, rejected),
        _deployments_condition(mine),
        _services_condition(reached),
        _verified_condition(mine),
        condition("Ready", state == "Available", state, _description(mine)),
    )
    return SeldonDeploymentStatus(
        state=state,
        description=_description(standings),
        deployment_status={each.workload.name: _deployment_status(each) for each in standings},
        service_status={each.workload.name: _service_status(each, deployment, gateway_url) for each in standings},
        replicas=sum(len(standing.ready) for standing in mine),
        address=Address(url=_url(deployment, gateway_url)),
        conditions=since(deployment.status.conditions, conditions, now),
        observed_generation=deployment.metadata.generation,
        phase=rollout.status.phase if rollout is not None else STABLE,
        rollout_id=rollout.status.rollout_id if rollout is not None else "",
        traffic={name: share for name, share in sorted(observed.traffic.items()) if share},
    )


def was_acknowledged(deployment: SeldonDeployment) -> bool:
    """Whether its status says that the gateway acknowledged what it asks for now."""
    status = deployment.status
    said = {each.type: each.status for each in status.conditions}
    return status.observed_generation == deployment.metadata.generation and said.get("TrafficAcknowledged") == "True"


def invalid_status(deployment: SeldonDeployment, why: str, now: float) -> SeldonDeploymentStatus:
    """The status of a stored deployment that breaks rules: what ran goes on, what it asks for is not started."""
    return msgspec.structs.replace(
        deployment.status,
        state="Failed",
        description=why,
        observed_generation=deployment.metadata.generation,
        conditions=since(
            deployment.status.conditions, (condition("Ready", holds=False, reason="Invalid", message=why),), now
        ),
    )


def notice_of(status: SeldonDeploymentStatus) -> Notice:
    """What is told when a deployment's state or its description changed."""
    bad = status.state == "Failed" or status.description
    return Notice(reason=status.state, message=status.description, type="Warning" if bad else "Normal")


def written(status: SeldonDeploymentStatus | ModelRolloutStatus) -> JSON:
    """The status as it is stored: defaults left out, except for what people and templates compare."""
    plain: JSON = msgspec.json.decode(msgspec.json.encode(encode(status)))
    if isinstance(status, ModelRolloutStatus):
        return {"phase": status.phase, **plain}
    return {"state": status.state, "replicas": status.replicas, **plain}


def _reached(route: Route, observed: Observed) -> frozenset[str]:
    """Predictors of which a server is ready; a route leads to silent ones too, when there are no others."""
    ready = {replica.address for replica in observed.replicas if replica.state == "Ready"}
    return frozenset(backend.predictor for backend in route.backends if not ready.isdisjoint(backend.addresses))


def _state(mine: tuple[Standing, ...], reached: frozenset[str], observed: Observed) -> State:
    if any(share and name in reached for name, share in observed.traffic.items()):
        return "Available"
    return "Failed" if any(standing.state == "Failed" for standing in mine) else "Creating"


def _description(standings: tuple[Standing, ...]) -> str:
    said = ((standing.workload.predictor.name, standing.words) for standing in standings)
    return "; ".join(f"predictor {name!r}: {words}" for name, words in said if words)


def _deployment_status(standing: Standing) -> DeploymentStatus:
    return DeploymentStatus(
        name=standing.workload.predictor.name,
        status=standing.state,
        description=standing.words,
        replicas=standing.workload.replicas,
        available_replicas=len(standing.ready),
    )


def _service_status(standing: Standing, deployment: SeldonDeployment, gateway_url: str) -> ServiceStatus:
    servers = standing.ready
    endpoint = f"http://{servers[0].address.host}:{servers[0].address.port}" if servers else ""
    return ServiceStatus(svc_name=standing.workload.name, http_endpoint=endpoint or _url(deployment, gateway_url))


def _url(deployment: SeldonDeployment, gateway_url: str) -> str:
    meta, predictors = deployment.metadata, deployment.spec.predictors
    base = f"{gateway_url.rstrip('/')}/seldon/{meta.namespace}/{meta.name}"
    if deployment.spec.protocol in ("v2", "kfserving") and predictors:
        return f"{base}/v2/models/{predictors[0].graph.name}/infer"
    return f"{base}/api/v1.0/predictions"


def _settled_condition(observed: Observed, rejected: str) -> Condition:
    if rejected:
        return condition("TrafficAcknowledged", holds=False, reason="Rejected", message=rejected)
    reason = "Acknowledged" if observed.settled else "Waiting"
    return condition("TrafficAcknowledged", observed.settled, reason)


def _deployments_condition(mine: tuple[Standing, ...]) -> Condition:
    worst = min((standing.state for standing in mine), key=_WORST.index, default="Creating")
    return condition("DeploymentsReady", worst == "Available", f"Deployments{worst}", _description(mine))


def _services_condition(reached: frozenset[str]) -> Condition:
    return condition("ServicesReady", bool(reached), "AllServicesReady" if reached else "NoServerReady")


def _verified_condition(mine: tuple[Standing, ...]) -> Condition:
    bare = [each for each in mine if DIGEST_ANNOTATION not in each.workload.predictor.annotations]
    if bare:
        names = ", ".join(repr(each.workload.predictor.name) for each in bare)
        reason = "BareModelUri" if any(each.workload.predictor.graph.model_uri for each in bare) else "NoBundle"
        message = f"predictor {names} names no bundle, so nothing proves what it serves"
        return condition("Verified", holds=False, reason=reason, message=message)
    refused = next((each.words for each in mine if each.words.startswith("refused:")), "")
    if refused:
        return condition("Verified", holds=False, reason="BundleRefused", message=refused)
    proven = bool(mine) and all(each.ready and all(server.verified for server in each.ready) for each in mine)
    return condition("Verified", proven or None, "BundleProven" if proven else "NotReady")
