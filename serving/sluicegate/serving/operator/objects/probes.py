"""How kubelet sees whether a container lives and is ready, and how long it lets it end."""

from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON

_GRACE_SECONDS = 30
_LEAVING_SECONDS = 5
"""Endpoints have gone from every proxy by then; only after it the server is told to end."""
_USERS_LEAVING_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A pod's last seconds: first nobody new comes, then what is begun is finished, then it is killed."""

    grace: int

    @property
    def leaving(self) -> int:
        """Seconds before our server is told to end."""
        return min(_LEAVING_SECONDS, self.grace // 3)

    @property
    def drain(self) -> int:
        """Seconds in which our server may finish; two more are left for its exit."""
        return max(1, self.grace - self.leaving - 2)

    @property
    def users_leaving(self) -> int:
        """Seconds before a user's container is told to end."""
        return min(_USERS_LEAVING_SECONDS, self.grace // 3)


def ending_of(pod_spec: JSON) -> Ending:
    """As the user's pod has it, or half a minute."""
    grace = pod_spec.get("terminationGracePeriodSeconds")
    return Ending(grace=_GRACE_SECONDS if grace is None else int(grace))


def server_probes(port: str | int = "http") -> JSON:
    """Of our server: its port answers at once, but loading may hold the interpreter for a while."""
    live, ready = ({"httpGet": {"path": path, "port": port, "scheme": "HTTP"}} for path in ("/live", "/ready"))
    return {
        "startupProbe": {**live, "periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 120},
        "livenessProbe": {**live, "periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 6},
        "readinessProbe": {**ready, "periodSeconds": 2, "timeoutSeconds": 2, "failureThreshold": 3},
    }


def users_probes(port: str) -> JSON:
    """Of somebody else's: whether its port opens, with Seldon's patience."""
    opens = {"tcpSocket": {"port": port}, "periodSeconds": 5, "timeoutSeconds": 1, "failureThreshold": 3}
    return {
        "livenessProbe": {**opens, "initialDelaySeconds": 60},
        "readinessProbe": {**opens, "initialDelaySeconds": 20},
    }


def pre_stop(seconds: int, *, native: bool, has_shell: bool) -> JSON:
    """A hook that lets endpoints leave before the container is told to end."""
    if native:
        return {"preStop": {"sleep": {"seconds": seconds}}}
    command = ["/bin/sh", "-c", f"sleep {seconds}"]
    ours = ["python", "-c", f"import time; time.sleep({seconds})"]
    return {"preStop": {"exec": {"command": command if has_shell else ours}}}
