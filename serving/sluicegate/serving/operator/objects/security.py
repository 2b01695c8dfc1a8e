"""What our containers may do: nothing that Pod Security ``restricted`` forbids, unless the user says otherwise."""

from sluicegate.serving.api.metadata import JSON

_SCRATCH = "sluicegate-tmp"
SCRATCH_VOLUME: JSON = {"name": _SCRATCH, "emptyDir": {}}
SCRATCH_MOUNT: JSON = {"name": _SCRATCH, "mountPath": "/tmp"}  # noqa: S108  (the container's own)
"""Libraries write temporary files, and the root file system is read-only."""


def restricted(pod_spec: JSON) -> JSON:
    """A container's securityContext. What the user's pod says about users and profiles is left to it."""
    stated = pod_spec.get("securityContext") or {}
    user = {} if stated.keys() & {"runAsNonRoot", "runAsUser"} else {"runAsNonRoot": True}
    profile = {} if "seccompProfile" in stated else {"seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        **user,
        **profile,
    }


def relaxed(ours: JSON, users: JSON) -> JSON:
    """Ours with the user's laid over, without what would contradict it: root, or privileges, by his own word."""
    contradicted = {
        *(("runAsNonRoot",) if users.get("runAsUser") == 0 else ()),
        *(("allowPrivilegeEscalation",) if users.get("privileged") else ()),
    }
    return {**{key: value for key, value in ours.items() if key not in contradicted}, **users}
