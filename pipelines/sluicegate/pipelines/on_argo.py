"""What an Argo controller gets: pipelines, the rollout and single steps as WorkflowTemplates, and their pods' rights.

Generated into ``manifests/argo``. Pods learn where gateway, collector, registry and bundles are from the ConfigMap
``sluicegate-environment`` of their namespace, and get credentials from the Secret ``sluicegate-credentials``.
"""

from dataclasses import replace
from typing import Any

from hera.workflows import WorkflowTemplate

from sluicegate.components.emit.argo import LOCAL, OF_CALLER, Pods, template
from sluicegate.components.emit.argo_pipeline import argo_pipeline
from sluicegate.components.emit.catalogue import every_step
from sluicegate.components.rollout.starting import ATTEMPT, IMAGE
from sluicegate.pipelines.delivery import delivery
from sluicegate.pipelines.retraining import retraining
from sluicegate.pipelines.rollout import rollout_template

ACCOUNT = "sluicegate-steps"
ENVIRONMENT = "sluicegate-environment"
CREDENTIALS = "sluicegate-credentials"
_PART = {"app.kubernetes.io/part-of": "sluicegate"}
_RIGHTS = (
    ("sluicegate.dev", ["modelrollouts"], ["get", "create", "patch"]),
    ("machinelearning.seldon.io", ["seldondeployments"], ["get", "create"]),
    ("argoproj.io", ["workflows"], ["get", "create"]),
    # Argo's own: each pod reports its outputs so.
    ("argoproj.io", ["workflowtaskresults"], ["create", "patch"]),
)


_GIVEN = Pods(image=LOCAL.image, environment=ENVIRONMENT, credentials=CREDENTIALS)
# A rollout that a pipeline starts runs in the pipeline's own image. Argo begins a lost pod again by itself, and counts;
# it counts from 0 again when a person retries the workflow.
_PIPELINE = replace(_GIVEN, variables={ATTEMPT: "{{retries}}", IMAGE: LOCAL.image}, attempts=2)

# Each of its steps finds what the one before it did, and it may go on for days.
_ROLLOUT = replace(_GIVEN, attempts=5)


def steps_template() -> WorkflowTemplate:
    """Each step by its name, for ``templateRef`` in people's own workflows; ``image`` is an input of each."""
    pods = replace(_GIVEN, image=OF_CALLER)
    parts: list[Any] = [template(step, pods) for step in every_step()]
    return WorkflowTemplate(name="sluicegate-steps", templates=parts, service_account_name=ACCOUNT)


def workflow_templates() -> dict[str, WorkflowTemplate]:
    """File name to template."""
    pipelines = {f"sluicegate-{each.name}": each for each in (delivery, retraining)}
    return {
        name: argo_pipeline(each, name=name, pods=_PIPELINE, account=ACCOUNT) for name, each in pipelines.items()
    } | {
        "sluicegate-rollout": rollout_template(_ROLLOUT, account=ACCOUNT),
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
