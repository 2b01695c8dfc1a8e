"""What the operator may do on a cluster: one table, from which its RBAC objects are generated. Pure.

A verb stands here because a line of ``cluster``, ``events`` or ``admission`` uses it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sluicegate.serving.api.metadata import GROUP, JSON
from sluicegate.serving.operator.sharing import named

NAME = "sluicegate-operator"
NAMESPACED = "sluicegate-operator-namespaced"
HERE = "sluicegate"
"""The namespace that manifests are written for; kustomize puts another in its place."""
_SELDON = "machinelearning.seldon.io"
_RBAC = "rbac.authorization.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs on resources of one group; ``names`` narrows it to objects called so."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()


SEEN = ("list", "watch")
MADE = (*SEEN, "get", "create", "patch", "delete")
"""Server-side apply is ``patch``, and ``create`` where there is nothing yet. An object of another's making is read with
its field managers, which caches leave out, before it is taken over; and a person's may have the name of a route.
"""

EVERYWHERE = (
    # The swap at a promotion writes the whole object.
    Right(_SELDON, ("seldondeployments",), (*SEEN, "update")),
    # Objects that block their owner's deletion may only be made by who may finalise it.
    Right(_SELDON, ("seldondeployments/status", "seldondeployments/finalizers"), ("update",)),
    Right(GROUP, ("modelrollouts",), SEEN),
    Right(GROUP, ("modelrollouts/status",), ("update",)),
    Right("", ("pods",), SEEN),
    Right("apps", ("deployments",), MADE),
    Right("", ("services",), MADE),
    Right("autoscaling", ("horizontalpodautoscalers",), MADE),
    Right("policy", ("poddisruptionbudgets",), MADE),
    Right("keda.sh", ("scaledobjects",), MADE),
    Right("", ("events",), ("create",)),
    # Whether the workflow that a rollout names is still there. Without this the rollout's lease has to run out.
    Right("argoproj.io", ("workflows",), ("get",)),
)
"""In the namespaces that it looks after."""
CLUSTER_WIDE = (
    # A label on a namespace may say whose its deployments are.
    Right("", ("namespaces",), SEEN),
)
"""On objects without a namespace."""


def webhook_rights(controller_id: str = "") -> tuple[Right, ...]:
    """On the configuration of the webhook, which has no namespace: it is told whom to trust."""
    names = (named("sluicegate", controller_id),)
    return (Right("admissionregistration.k8s.io", ("validatingwebhookconfigurations",), ("get", "update"), names),)


def lease_rights(controller_id: str = "") -> tuple[Right, ...]:
    """In its own namespace, for the leader's lease."""
    return (
        Right("coordination.k8s.io", ("leases",), ("create",)),
        Right("coordination.k8s.io", ("leases",), ("get", "update"), (named(NAME, controller_id),)),
    )


CERTIFICATE = (
    Right("", ("secrets",), ("create",)),
    Right("", ("secrets",), ("get", "update"), ("sluicegate-webhook-certificate",)),
)
"""In its own namespace, for the webhook's certificate."""

AROUND_GATEWAYS = {
    "gateway-api": (
        Right("gateway.networking.k8s.io", ("gateways",), ("get", "list")),
        Right("gateway.networking.k8s.io", ("gatewayclasses",), ("get",)),
    ),
    "istio": (Right("networking.istio.io", ("gateways",), ("get",)),),
}
"""By kind of gateway: on what routes attach to, in whatever namespace it is."""
ROUTES = {
    "gateway-api": (
        Right("gateway.networking.k8s.io", ("httproutes", "grpcroutes"), MADE),
        Right("gateway.envoyproxy.io", ("backendtrafficpolicies", "httproutefilters"), MADE),
        Right("discovery.k8s.io", ("endpointslices",), SEEN),
    ),
    "istio": (
        Right("networking.istio.io", ("virtualservices", "destinationrules"), MADE),
        Right("discovery.k8s.io", ("endpointslices",), SEEN),
    ),
}
"""By kind of gateway: in the namespaces that it looks after. Whoever runs neither grants nothing of these tables."""


def rules(rights: Iterable[Right]) -> list[JSON]:
    """The rules of a role."""
    return [
        {"apiGroups": [right.group], "resources": list(right.resources), "verbs": list(right.verbs)}
        | ({"resourceNames": list(right.names)} if right.names else {})
        for right in rights
    ]


def manifests(namespace: str, controller_id: str = "") -> list[JSON]:
    """ServiceAccount, roles and bindings of an operator that lives in ``namespace`` and looks after all.

    With a controller id it looks after its share of them, beside other operators.
    """
    everywhere = rules((*EVERYWHERE, *CLUSTER_WIDE, *webhook_rights(controller_id)))
    name = named(NAME, controller_id)
    return [
        _object("v1", "ServiceAccount", NAME, namespace),
        _object(_RBAC, "ClusterRole", name, None) | {"rules": everywhere},
        _binding("ClusterRoleBinding", name, None, namespace),
        _object(_RBAC, "Role", NAME, namespace) | {"rules": rules((*lease_rights(controller_id), *CERTIFICATE))},
        _binding("RoleBinding", NAME, namespace, namespace),
    ]


def namespaced_manifests() -> list[JSON]:
    """The rights of an operator that lives in the namespace that it looks after, without a webhook: a Role is all."""
    return [
        _object(_RBAC, "Role", NAMESPACED, HERE) | {"rules": rules((*EVERYWHERE, *lease_rights()))},
        _binding("RoleBinding", NAMESPACED, HERE, HERE),
    ]


def gateway_manifests(kind: str, namespace: str) -> list[JSON]:
    """Role and binding that an operator in ``namespace`` needs besides for gateways of this kind."""
    name, granted = f"{NAME}-{kind}", (*AROUND_GATEWAYS[kind], *ROUTES[kind])
    role = _object(_RBAC, "ClusterRole", name, None) | {"rules": rules(granted)}
    return [role, _binding("ClusterRoleBinding", name, None, namespace)]


def _object(api_version: str, kind: str, name: str, namespace: str | None) -> JSON:
    place = {"namespace": namespace} if namespace else {}
    labels = {"labels": {"app.kubernetes.io/part-of": "sluicegate"}}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **place, **labels}}


def _binding(kind: str, name: str, namespace: str | None, home: str) -> JSON:
    role = "ClusterRole" if kind == "ClusterRoleBinding" else "Role"
    return _object(_RBAC, kind, name, namespace) | {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": home}],
    }
