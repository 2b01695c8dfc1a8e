"""The CustomResourceDefinitions as JSON: what ``manifests/install/crds`` holds, and what the operator expects."""

from sluicegate.serving.api.crds.kinds import CustomKind, PrinterColumn
from sluicegate.serving.api.crds.schema import object_schema
from sluicegate.serving.api.metadata import JSON

LARGEST = 256 * 1024
"""Bytes of JSON above which a client-side ``kubectl apply`` fails: it keeps the whole file in an annotation."""
_TYPES = {"text": "string", "shares": "string", "age": "date"}


def definition(kind: CustomKind) -> JSON:
    """The kind as a cluster is told of it."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{kind.plural}.{kind.group}",
            "labels": {"app.kubernetes.io/name": "sluicegate", "app.kubernetes.io/component": "crds"},
        },
        "spec": {
            "group": kind.group,
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.singular,
                "shortNames": [kind.short_name],
            },
            "scope": "Namespaced",
            # The versions differ in nothing but their name.
            "conversion": {"strategy": "None"},
            "versions": [_version(kind, name) for name in kind.versions],
        },
    }


def _version(kind: CustomKind, name: str) -> JSON:
    scale = {"scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}}
    return {
        "name": name,
        "served": True,
        "storage": name == kind.versions[0],
        "subresources": {"status": {}} | (scale if kind.scale else {}),
        "additionalPrinterColumns": [_column(column) for column in kind.columns],
        "schema": {"openAPIV3Schema": object_schema(kind.view, kind.description)},
    }


def _column(column: PrinterColumn) -> JSON:
    shown: JSON = {
        "name": column.name,
        "type": _TYPES[column.type],
        "jsonPath": f".{column.path}",
        "description": column.description,
    }
    return shown | ({"priority": 1} if column.wide else {})
