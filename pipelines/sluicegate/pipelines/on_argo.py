"""What an Argo controller gets: the rollout and every single step as WorkflowTemplates, and what their pods may do.

Generated into ``manifests/argo``. Pods learn where gateway, collector and registry are from the ConfigMap
``sluicegate-environment`` of their namespace.
"""

from typing import Any

from hera.workflows import WorkflowTemplate

from sluicegate.components.emit.argo import template
from sluicegate.components.emit.catalogue import every_step
from sluicegate.pipelines.rollout import rollout_template

ACCOUNT = "sluicegate-steps"
ENVIRONMENT = "sluicegate-environment"
_PART = {"app.kubernetes.io/part-of": "sluicegate"}
_RIGHTS = (
    ("sluicegate.dev", ["modelrollouts"], ["get", "create", "patch"]),
    ("machinelearning.seldon.io", ["seldondeployments"], ["get", "create"]),
    ("argoproj.io", ["workflows"], ["get", "create"]),
    # Argo's own: each pod reports its outputs so.
    ("argoproj.io", ["workflowtaskresults"], ["create", "patch"]),
)


def steps_template() -> WorkflowTemplate:
    """Each step by its name, for ``templateRef`` in people's own workflows."""
    parts: list[Any] = [template(step, environment=ENVIRONMENT) for step in every_step()]
    return WorkflowTemplate(name="sluicegate-steps", templates=parts, service_account_name=ACCOUNT)


def workflow_templates() -> dict[str, WorkflowTemplate]:
    """File name to template."""
    return {
        "sluicegate-rollout": rollout_template(environment=ENVIRONMENT, account=ACCOUNT),
        "sluicegate-steps": steps_template(),
    }


def rights() -> list[dict[str, Any]]:
    """ServiceAccount, Role and RoleBinding of the pods, for the namespace that they are applied in."""
    rules = [{"apiGroups": [group], "resources": names, "verbs": verbs} for group, names, verbs in _RIGHTS]
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": ACCOUNT}
    return [
        _object("v1", "ServiceAccount"),
        _object("rbac.authorization.k8s.io/v1", "Role") | {"rules": rules},
        _object("rbac.authorization.k8s.io/v1", "RoleBinding")
        | {"roleRef": reference, "subjects": [{"kind": "ServiceAccount", "name": ACCOUNT}]},
    ]


def _object(api_version: str, kind: str) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": ACCOUNT, "labels": _PART}}
