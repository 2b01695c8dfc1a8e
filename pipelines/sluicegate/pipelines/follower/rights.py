"""What the registry's follower may do on a cluster, as its RBAC objects are generated from it. Pure.

It reads two kinds and writes nothing. Who creates workflows can start any pod that a service account of that namespace
may start, so that right is apart: only who wants the alias ``challenger`` to start rollouts grants it.
"""

from sluicegate.serving.api.metadata import GROUP, JSON
from sluicegate.serving.operator.rights import SEEN, Right, rules

NAME = "sluicegate-registry"
READS = (Right("machinelearning.seldon.io", ("seldondeployments",), SEEN), Right(GROUP, ("modelrollouts",), SEEN))
STARTS = (Right("argoproj.io", ("workflows",), ("create",)),)
_AUTHORIZATION = "rbac.authorization.k8s.io"


def manifests(namespace: str) -> list[JSON]:
    """ServiceAccount, role and binding of a follower that lives in ``namespace`` and looks at all."""
    return [
        _object("v1", "ServiceAccount", NAME) | {"metadata": _meta(NAME, namespace)},
        *_granted(NAME, READS, namespace),
    ]


def to_start(namespace: str) -> list[JSON]:
    """Role and binding by which it may start rollouts besides."""
    return _granted(f"{NAME}-challengers", STARTS, namespace)


def _granted(name: str, rights: tuple[Right, ...], namespace: str) -> list[JSON]:
    reference = {"apiGroup": _AUTHORIZATION, "kind": "ClusterRole", "name": name}
    subjects = [{"kind": "ServiceAccount", "name": NAME, "namespace": namespace}]
    return [
        _object(f"{_AUTHORIZATION}/v1", "ClusterRole", name) | {"rules": rules(rights)},
        _object(f"{_AUTHORIZATION}/v1", "ClusterRoleBinding", name) | {"roleRef": reference, "subjects": subjects},
    ]


def _object(api_version: str, kind: str, name: str) -> JSON:
    return {"apiVersion": api_version, "kind": kind, "metadata": _meta(name)}


def _meta(name: str, namespace: str = "") -> JSON:
    place = {"namespace": namespace} if namespace else {}
    return {"name": name, **place, "labels": {"app.kubernetes.io/part-of": "sluicegate"}}
