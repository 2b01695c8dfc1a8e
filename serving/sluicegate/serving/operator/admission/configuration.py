"""The ValidatingWebhookConfiguration as a value, for the manifests. It has no caBundle: the operator puts it in.

Fail-closed: while no replica answers, our two kinds cannot be created and their spec cannot be changed; what serves
goes on serving, and pods, Deployments and everything else are never asked about. Out of the way otherwise: labels,
finalizers and status are written without us (match condition and rules leave them out), and so is everything in
``kube-system`` and in the operator's own namespace, whose installation and removal must not wait for the operator. A
namespaced operator reviews the namespaces that it is for, its own among them if it is.
"""

from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.admission.subjects import SUBJECTS, Subject
from sluicegate.serving.operator.sharing import CONTROLLER_ID, named

_NAMESPACE = "kubernetes.io/metadata.name"
_SPEC_CHANGES = "request.operation != 'UPDATE' || object.?spec != oldObject.?spec"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where the webhook is reached, and for whom.

    ``namespaces``: those that a namespaced operator is for; none means all. ``controller_id``: the operator's share, as
    Seldon Core marks it by a label on an object or its namespace. ``inject_ca_from``: cert-manager's Certificate
    (``namespace/name``), when it keeps the certificate instead of the operator.
    """

    name: str = "sluicegate"
    service: str = "sluicegate-webhook"
    namespace: str = "sluicegate-system"
    port: int = 443
    namespaces: tuple[str, ...] = ()
    controller_id: str = ""
    inject_ca_from: str = ""


def webhook_configuration(door: Door) -> JSON:
    """The object to install."""
    annotations = {"cert-manager.io/inject-ca-from": door.inject_ca_from} if door.inject_ca_from else {}
    name = named(door.name, door.controller_id)
    metadata: JSON = {"name": name, "labels": {"app.kubernetes.io/part-of": "sluicegate"}}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": metadata | ({"annotations": annotations} if annotations else {}),
        "webhooks": [webhook for subject in SUBJECTS for webhook in _webhooks(door, subject)],
    }


def _webhooks(door: Door, subject: Subject) -> list[JSON]:
    namespaces = [_namespaces(door)]
    nothing: JSON = {"key": CONTROLLER_ID, "operator": "DoesNotExist"}
    unmarked = {"matchExpressions": [nothing]}
    if not door.controller_id:
        # An operator of one namespace does not read its labels.
        around = namespaces if door.namespaces else [*namespaces, nothing]
        return [_webhook(door, subject, "", around, unmarked)]
    # Marked itself, or unmarked in a namespace that is marked: two selectors, so two webhooks.
    mark = {"key": CONTROLLER_ID, "operator": "In", "values": [door.controller_id]}
    return [
        _webhook(door, subject, "marked.", namespaces, {"matchExpressions": [mark]}),
        _webhook(door, subject, "namespace.", [*namespaces, mark], unmarked),
    ]


def _webhook(door: Door, subject: Subject, prefix: str, namespaces: list[JSON], objects: JSON) -> JSON:
    rule = {
        "apiGroups": [subject.group],
        "apiVersions": list(subject.versions),
        "operations": ["CREATE", "UPDATE"],
        # Not "/status" and not "/scale": only a spec is judged, and replicas are the schema's.
        "resources": [subject.resource],
        "scope": "Namespaced",
    }
    service = {"name": door.service, "namespace": door.namespace, "path": subject.path, "port": door.port}
    return {
        "name": prefix + subject.webhook,
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"service": service},
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "matchConditions": [{"name": "spec-changes", "expression": _SPEC_CHANGES}],
        "namespaceSelector": {"matchExpressions": namespaces},
        "objectSelector": objects,
        "rules": [rule],
        "sideEffects": "None",
        "timeoutSeconds": 10,
    }


def _namespaces(door: Door) -> JSON:
    if door.namespaces:
        return {"key": _NAMESPACE, "operator": "In", "values": list(door.namespaces)}
    return {"key": _NAMESPACE, "operator": "NotIn", "values": sorted({"kube-system", door.namespace})}
