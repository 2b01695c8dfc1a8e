"""Which SeldonDeployments are this operator's, where several share a cluster. Pure.

As Seldon Core marks it: the label ``seldon.io/controller-id`` on an object says whose it is, else the one on its
namespace, else it is of the operator without an id. A ModelRollout goes with its deployment; one whose deployment does
not exist is known by its own mark.
"""

from sluicegate.serving.api.metadata import JSON

CONTROLLER_ID = "seldon.io/controller-id"


def is_of(controller_id: str, obj: JSON, namespace: JSON | None) -> bool:
    """Whether the operator of this id looks after ``obj``, which lies in ``namespace`` (None: not known)."""
    return (_mark(obj) or _mark(namespace)) == controller_id


def named(base: str, controller_id: str) -> str:
    """The name of an object that each of several operators has: its lease, its webhook's configuration."""
    return f"{base}-{controller_id}" if controller_id else base


def _mark(obj: JSON | None) -> str:
    return str((((obj or {}).get("metadata") or {}).get("labels") or {}).get(CONTROLLER_ID) or "")
