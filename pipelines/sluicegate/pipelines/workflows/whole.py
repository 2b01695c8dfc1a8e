"""What every template may refer to of the workflow as a whole: ``workflow.…``. Pure."""

from datetime import datetime

import msgspec

from sluicegate.pipelines.workflows.library import Library, as_text

_STAMP = "workflow.creationTimestamp"
_SIGNS = "aAbBdHIjmMpSUwyY"
"""Those of strftime that can be written after it: ``workflow.creationTimestamp.Y``."""


def workflow_texts(library: Library, name: str, namespace: str, uid: str, began: datetime) -> dict[str, str]:
    """The names that begin with ``workflow.``, as they are when the run begins."""
    spec, metadata = library.spec, library.metadata
    values = {p.name: as_text(p.value) for p in spec.arguments.parameters if p.value is not None}
    everything = msgspec.json.encode([{"name": key, "value": value} for key, value in values.items()]).decode()
    stamp = began.strftime("%Y-%m-%dT%H:%M:%SZ")
    found = {
        "workflow.name": name, "workflow.namespace": namespace, "workflow.uid": uid, "workflow.status": "Running",
        "workflow.duration": "0.000000", "workflow.mainEntrypoint": spec.entrypoint,
        "workflow.serviceAccountName": spec.service_account_name, "workflow.parameters": everything,
        "workflow.parameters.json": everything, _STAMP: stamp, f"{_STAMP}.RFC3339": stamp,
        f"{_STAMP}.s": str(int(began.timestamp())),
    }  # fmt: skip
    found |= {f"{_STAMP}.{sign}": began.strftime(f"%{sign}") for sign in _SIGNS}
    found |= {f"workflow.parameters.{key}": value for key, value in values.items()}
    for part in ("labels", "annotations"):
        found |= {f"workflow.{part}.{key}": as_text(text) for key, text in (metadata.get(part) or {}).items()}
    return found
