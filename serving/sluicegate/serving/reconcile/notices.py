"""Something worth telling a person about an object, and the Kubernetes Event that it becomes."""

from dataclasses import dataclass
from typing import Literal

from sluicegate.serving.api.conditions import timestamp
from sluicegate.serving.api.metadata import JSON

_LONGEST = 1000
"""Characters; Kubernetes takes 1,024 in a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """``reason`` in CamelCase, ``message`` a sentence."""

    reason: str
    message: str
    type: Literal["Normal", "Warning"] = "Normal"


def event_of(subject: JSON, notice: Notice, now: float, component: str, serial: int = 0) -> JSON:
    """The Event. ``now`` is in seconds since 1970; ``serial`` keeps names of one moment apart."""
    about = subject["metadata"]
    namespace = about.get("namespace") or "default"
    at = timestamp(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{about['name'][:200]}.{int(now * 1e6):x}{serial:x}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": subject["apiVersion"],
            "kind": subject["kind"],
            "namespace": namespace,
            "name": about["name"],
            "uid": about.get("uid", ""),
        },
        "reason": notice.reason,
        "message": notice.message[:_LONGEST],
        "type": notice.type,
        "source": {"component": component},
        "reportingComponent": component,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }
