"""Which servers a rollout is judged by, for who scrapes them: Prometheus' form of discovery over HTTP. Pure.

Only servers of deployments with a rollout under way are listed: those are what the collector looks at each second, and
of a thousand deployments few have one.
"""

from collections.abc import Iterable

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import TERMINAL_PHASES
from sluicegate.serving.operator.cluster.cache import Key
from sluicegate.serving.operator.cluster.caches import Caches, target_of
from sluicegate.serving.operator.observing import answers, observed_replicas, predictor_of


def judged_servers(caches: Caches) -> list[JSON]:
    """Every server of a deployment that has a rollout under way, ready or not: one that drains still answers."""
    found: list[JSON] = []
    for key in _under_way(caches.rollouts.all()):
        found += (_target(key, pod) for pod in caches.pods.of(*key) if answers(pod) and _has_address(pod))
    return found


def _under_way(rollouts: Iterable[JSON]) -> list[Key]:
    return sorted(
        {target_of(each) for each in rollouts if (each.get("status") or {}).get("phase") not in TERMINAL_PHASES}
    )


def _has_address(pod: JSON) -> bool:
    status = pod.get("status") or {}
    return bool(status.get("podIP")) and status.get("phase") not in ("Failed", "Succeeded")


def _target(key: Key, pod: JSON) -> JSON:
    address = observed_replicas([pod], [])[0].address
    host = f"[{address.host}]" if ":" in address.host else address.host
    predictor = predictor_of(pod["metadata"].get("labels") or {})
    labels = {"namespace": key[0], "deployment": key[1], "predictor": predictor}
    return {"targets": [f"{host}:{address.port}"], "labels": labels}
