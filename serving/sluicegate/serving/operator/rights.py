"""What the operator may do on a cluster: one table, from which its RBAC objects are generated. Pure.

A verb stands here because a line of ``cluster``, ``events`` or ``admission`` uses it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sluicegate.serving.api.metadata import GROUP, JSON

NAME = "sluicegate-operator"
_SELDON = "machinelearning.seldon.io"


@dataclass(frozen=True, slots=True)
class Right:
    """Verbs on resources of one group; ``names`` narrows it to objects called so."""

    group: str
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()


SEEN = ("list", "watch")
MADE = ("list", "watch", "create", "patch", "delete")
"""Server-side apply is ``patch``, and ``create`` where there is nothing yet."""

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
    Right("admissionregistration.k8s.io", ("validatingwebhookconfigurations",), ("get", "update"), ("sluicegate",)),
)
"""On objects without a namespace."""
AT_HOME = (
    Right("coordination.k8s.io", ("leases",), ("create",)),
    Right("coordination.k8s.io", ("leases",), ("get", "update"), (NAME,)),
    Right("", ("secrets",), ("create",)),
    Right("", ("secrets",), ("get", "update"), ("sluicegate-webhook-certificate",)),
)
"""In its own namespace."""

_ROUTED = (*MADE, "get")
"""An object that a route would be called like may be a person's, and is looked at before it is written."""
BY_GATEWAY = {
    "gateway-api": (
        Right("gateway.networking.k8s.io", ("gateways",), ("get", "list")),
        Right("gateway.networking.k8s.io", ("gatewayclasses",), ("get",)),
        Right("gateway.networking.k8s.io", ("httproutes", "grpcroutes"), _ROUTED),
        Right("gateway.envoyproxy.io", ("backendtrafficpolicies", "httproutefilters"), _ROUTED),
        Right("discovery.k8s.io", ("endpointslices",), SEEN),
    ),
    "istio": (
        Right("networking.istio.io", ("gateways",), ("get",)),
        Right("networking.istio.io", ("virtualservices", "destinationrules"), _ROUTED),
        Right("discovery.k8s.io", ("endpointslices",), SEEN),
    ),
}
"""What each gateway of the cluster needs besides; whoever runs none of them grants none of it."""


def rules(rights: Iterable[Right]) -> list[JSON]:
    """The rules of a role."""
    return [
        {"apiGroups": [right.group], "resources": list(right.resources), "verbs": list(right.verbs)}
        | ({"resourceNames": list(right.names)} if right.names else {})
        for right in rights
    ]


def manifests(namespace: str) -> list[JSON]:
    """ServiceAccount, roles and bindings of an operator that lives in ``namespace`` and looks after all."""
    return [
        _object("v1", "ServiceAccount", namespace),
        _object("rbac.authorization.k8s.io/v1", "ClusterRole", None) | {"rules": rules((*EVERYWHERE, *CLUSTER_WIDE))},
        _binding("ClusterRoleBinding", "ClusterRole", None, namespace),
        _object("rbac.authorization.k8s.io/v1", "Role", namespace) | {"rules": rules(AT_HOME)},
        _binding("RoleBinding", "Role", namespace, namespace),
    ]


def gateway_manifests(kind: str, namespace: str) -> list[JSON]:
    """Role and binding that an operator in ``namespace`` needs besides for gateways of this kind."""
    name = f"{NAME}-{kind}"
    role = _object("rbac.authorization.k8s.io/v1", "ClusterRole", None, name) | {"rules": rules(BY_GATEWAY[kind])}
    return [role, _binding("ClusterRoleBinding", "ClusterRole", None, namespace, name)]


def _object(api_version: str, kind: str, namespace: str | None, name: str = NAME) -> JSON:
    place = {"namespace": namespace} if namespace else {}
    labels = {"labels": {"app.kubernetes.io/part-of": "sluicegate"}}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **place, **labels}}


def _binding(kind: str, role: str, namespace: str | None, home: str, name: str = NAME) -> JSON:
    return _object("rbac.authorization.k8s.io/v1", kind, namespace, name) | {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": home}],
    }
