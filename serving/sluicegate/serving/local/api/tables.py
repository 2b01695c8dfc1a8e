"""Objects as the rows that ``kubectl get`` prints."""

from datetime import datetime

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.kinds import Kind


def table(kind: Kind, items: list[JSON], metadata: JSON, *, now: datetime, include: str = "Metadata") -> JSON:
    """A ``Table`` of the objects; each row carries its object as ``include`` asks: None, Metadata or Object."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": _definitions(kind),
        "rows": [_row(kind, obj, now, include) for obj in items],
    }


def _definitions(kind: Kind) -> list[JSON]:
    name = {"name": "Name", "type": "string", "format": "name", "description": "The object's name.", "priority": 0}
    others = [
        {
            "name": column.name,
            "type": column.type,
            "format": "",
            "description": column.description,
            "priority": column.priority,
        }
        for column in kind.printer_columns
    ]
    return [name, *others]


def _row(kind: Kind, obj: JSON, now: datetime, include: str) -> JSON:
    cells = [obj["metadata"]["name"], *(column.cell(obj, now) for column in kind.printer_columns)]
    row: JSON = {"cells": cells}
    if include == "Object":
        row["object"] = obj
    elif include != "None":
        partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
        row["object"] = partial | {"metadata": obj["metadata"]}
    return row
