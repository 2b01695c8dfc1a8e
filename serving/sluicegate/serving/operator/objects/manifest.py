"""What all our objects carry: whose they are, what they are called, and a hash of what was applied."""

from sluicegate.serving.api.decoding import without_nulls
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.names import short_hash
from sluicegate.serving.api.seldon_deployment import API_VERSION, KIND

ObjectKey = tuple[str, str]
"""Kind and name."""
APPLIED_ANNOTATION = "sluicegate.dev/applied"
MANAGED_BY = {"app.kubernetes.io/managed-by": "seldon-core"}
"""Seldon's monitors select by it."""


def key_of(obj: JSON) -> ObjectKey:
    """Which object it is, in its namespace."""
    return (str(obj["kind"]), str(obj["metadata"]["name"]))


def manifest_of(api_version: str, kind: str, metadata: JSON, spec: JSON, *, owner: JSON) -> JSON:
    """An object of ours, complete for server-side apply."""
    reference = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": owner["name"],
        "uid": owner.get("uid", ""),
        "controller": True,
        "blockOwnerDeletion": True,
    }
    described = {
        **metadata,
        "namespace": owner.get("namespace", "default"),
        "labels": {**metadata.get("labels", {}), "seldon-deployment-id": owner["name"], **MANAGED_BY},
        "ownerReferences": [reference],
    }
    manifest: JSON = without_nulls({"apiVersion": api_version, "kind": kind, "metadata": described, "spec": spec})
    notes = {**manifest["metadata"].get("annotations", {}), APPLIED_ANNOTATION: short_hash(manifest)}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": notes}}
