"""What of a workflow's status is recorded and compared: pure.

Nodes by their name, which is their path from the workflow's own name. Times, identifiers, addresses and hosts differ
from run to run and are left out. Node identifiers do not differ: they are made of the names.
"""

from typing import Any

JSON = dict[str, Any]
ARGO = "v4.0.5"


def recording(status: JSON, uid: str = "") -> JSON:
    """The recording of a status."""
    nodes = {node["name"]: _node(node) for node in (status.get("nodes") or {}).values()}
    found: JSON = {"phase": status.get("phase", ""), "message": status.get("message", "")}
    found["outputs"] = _parameters(status.get("outputs") or {})
    found["nodes"] = dict(sorted(nodes.items()))
    return dict(_stable(found, uid))


def _node(node: JSON) -> JSON:
    outputs, inputs = node.get("outputs") or {}, node.get("inputs") or {}
    found = {
        "type": node.get("type", ""),
        "phase": node.get("phase", ""),
        "message": node.get("message", ""),
        "template": node.get("templateName") or _reference(node.get("templateRef") or {}),
        "inputs": _parameters(inputs),
        "outputs": _parameters(outputs),
        "artifacts": sorted(each["name"] for each in outputs.get("artifacts") or ()),
        "result": outputs.get("result"),
        "exitCode": outputs.get("exitCode"),
        "memoized": (node.get("memoizationStatus") or {}).get("hit"),
    }
    return {key: value for key, value in found.items() if value not in ("", None, {}, [])}


def _reference(reference: JSON) -> str:
    return f"{reference['name']}/{reference['template']}" if reference else ""


def _parameters(part: JSON) -> dict[str, str]:
    return {each["name"]: each["value"] for each in part.get("parameters") or () if "value" in each}


def _stable(value: Any, uid: str) -> Any:
    """The value without what differs from run to run."""
    if isinstance(value, dict):
        return {key: _stable(part, uid) for key, part in value.items()}
    if isinstance(value, str):
        return value.replace(uid, "UID") if uid else value
    return value
