"""What a SeldonDeployment's status says on Kubernetes beyond what it says everywhere.

Deployments, Services, autoscalers, and what was accepted though it is unwise.

Names and forms are Seldon Core's, so that scripts and Argo templates that read them go on. Pure.
"""

from collections.abc import Iterable, Iterator

import msgspec

from sluicegate.serving.api.conditions import condition, since
from sluicegate.serving.api.metadata import JSON, Condition
from sluicegate.serving.api.seldon_deployment import (
    Address,
    DeploymentStatus,
    SeldonDeployment,
    SeldonDeploymentStatus,
    ServiceStatus,
)
from sluicegate.serving.operator.ports import InForce

HTTP_PORT, GRPC_PORT = 8000, 5001
_V2 = ("v2", "kfserving")
_WRITTEN = "this gateway acknowledges nothing: traffic is what was written"


def on_kubernetes(
    status: SeldonDeploymentStatus,
    deployment: SeldonDeployment,
    made: Iterable[JSON],
    *,
    services: dict[str, str],
    warnings: tuple[str, ...],
    now: float,
) -> SeldonDeploymentStatus:
    """``status`` with what Kubernetes knows. ``made`` are the live objects, ``services`` a predictor's Service."""
    made = tuple(made)
    added = (_autoscalers(made), _budgets(made), _unwise(warnings))
    first = next((services[each.name] for each in deployment.spec.predictors if each.name in services), "")
    namespace = deployment.metadata.namespace
    return msgspec.structs.replace(
        status,
        deployment_status={each["metadata"]["name"]: _deployment(each) for each in _kind(made, "Deployment")},
        service_status={
            name: ServiceStatus(
                svc_name=name,
                http_endpoint=f"{name}.{namespace}:{HTTP_PORT}",
                grpc_endpoint=f"{name}.{namespace}:{GRPC_PORT}",
            )
            for name in services.values()
        },
        address=Address(url=_url(first, deployment)) if first else None,
        conditions=(*status.conditions, *since(deployment.status.conditions, added, now)),
    )


def told_by_gateway(status: SeldonDeploymentStatus, in_force: InForce) -> SeldonDeploymentStatus:
    """``status`` with what a gateway of the cluster says, or that it says nothing."""
    conditions = (
        _acknowledged(each, in_force) if each.type == "TrafficAcknowledged" else each for each in status.conditions
    )
    return msgspec.structs.replace(status, conditions=tuple(conditions))


def _acknowledged(said: Condition, in_force: InForce) -> Condition:
    if in_force.settled and not in_force.acknowledges:
        return msgspec.structs.replace(said, reason="Written", message=_WRITTEN)
    if in_force.rejected or not in_force.waiting:
        return said
    return msgspec.structs.replace(said, message=in_force.waiting)


def _kind(made: Iterable[JSON], kind: str) -> Iterator[JSON]:
    return (each for each in made if each["kind"] == kind)


def _deployment(live: JSON) -> DeploymentStatus:
    spec, status = live.get("spec") or {}, live.get("status") or {}
    wanted, available = int(spec.get("replicas", 1)), int(status.get("availableReplicas", 0))
    said = {each["type"]: each for each in status.get("conditions") or ()}
    stuck = said.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded"
    failed = stuck and available < wanted
    return DeploymentStatus(
        name=live["metadata"]["name"],
        status="Failed" if failed else "Available" if available >= wanted else "Creating",
        description="Deployment is no longer progressing and not available." if failed else "",
        replicas=wanted,
        available_replicas=available,
    )


def _url(service: str, deployment: SeldonDeployment) -> str:
    base = f"http://{service}.{deployment.metadata.namespace}.svc.cluster.local:{HTTP_PORT}"
    if deployment.spec.protocol in _V2:
        return f"{base}/v2/models/{deployment.spec.predictors[0].graph.name}/infer"
    return f"{base}/api/v1.0/predictions"


def _autoscalers(made: tuple[JSON, ...]) -> Condition:
    found = [*_kind(made, "HorizontalPodAutoscaler"), *_kind(made, "ScaledObject")]
    if not found:
        return condition("HpasReady", holds=True, reason="No HPAs defined")
    troubled = [
        f"{each['metadata']['name']}: {said.get('message', '')}"
        for each in found
        for said in (each.get("status") or {}).get("conditions") or ()
        if said.get("type") in ("AbleToScale", "Ready") and said.get("status") == "False"
    ]
    reason = "Not all HPAs ready" if troubled else "All HPAs resources ready"
    return condition("HpasReady", not troubled, reason, "; ".join(troubled))


def _budgets(made: tuple[JSON, ...]) -> Condition:
    found = list(_kind(made, "PodDisruptionBudget"))
    return condition("PdbsReady", holds=True, reason="All PDBs resources ready" if found else "No PDBs defined")


def _unwise(warnings: tuple[str, ...]) -> Condition:
    """Everything that is accepted and deserves a sentence: an annotation without effect, a bare modelUri."""
    return condition("Unwise", bool(warnings), "Warnings" if warnings else "NothingToSay", "; ".join(warnings))
