"""What happened at the gateway between two looks at its running totals. Pure.

A total that fell means that its cluster, or the whole gateway, began anew: then the total itself is what happened
since. What happened between the last look and the new beginning is lost, and said as a reset.
"""

from dataclasses import dataclass, field

from sluicegate.monitoring.sources.gateway import ClusterCounts, GatewaySample
from sluicegate.serving.gateway.clusters import GRPC_SUFFIX, MIRROR_SUFFIX

# Envoy tells its uptime in whole seconds and renews it at its own pace.
UPTIME_TOLERANCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterName:
    """``<namespace>/<deployment>/<predictor>``, with ``~mirror`` for copies; how it was asked makes no difference."""

    namespace: str
    deployment: str
    predictor: str
    mirror: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Increments:
    """What is new, by cluster; and the clusters that began anew."""

    clusters: dict[str, ClusterCounts] = field(default_factory=dict)
    resets: tuple[str, ...] = ()
    restarted: bool = False


def read_cluster_name(text: str) -> ClusterName | None:
    """The parts of a cluster's name; None for one that is no predictor's, or whose requests ask for no prediction."""
    cluster, _, _ = text.partition("@")
    mirror = cluster.endswith(MIRROR_SUFFIX)
    parts = cluster.removesuffix(MIRROR_SUFFIX).removesuffix(GRPC_SUFFIX).split("/")
    if len(parts) != 3 or not all(parts) or "~" in parts[2]:
        return None
    return ClusterName(namespace=parts[0], deployment=parts[1], predictor=parts[2], mirror=mirror)


def increments(previous: GatewaySample | None, current: GatewaySample, elapsed_seconds: float) -> Increments:
    """What ``current`` has that ``previous``, taken ``elapsed_seconds`` before, had not.

    The first look of all is only a starting point.
    """
    if previous is None or current.begins:
        return Increments()
    restarted = _restarted(previous, current, elapsed_seconds)
    known = {} if restarted else previous.clusters
    resets = tuple(name for name, counts in current.clusters.items() if name in known and _fell(known[name], counts))
    return Increments(
        clusters={
            name: counts if name in resets or name not in known else _difference(known[name], counts)
            for name, counts in current.clusters.items()
        },
        resets=resets,
        restarted=restarted,
    )


def _restarted(previous: GatewaySample, current: GatewaySample, elapsed_seconds: float) -> bool:
    if previous.uptime is None or current.uptime is None:
        return False
    return current.uptime < previous.uptime or (
        current.uptime < previous.uptime + elapsed_seconds - UPTIME_TOLERANCE_SECONDS
    )


def _fell(before: ClusterCounts, after: ClusterCounts) -> bool:
    slower = dict(before.slower)
    return (
        after.requests < before.requests
        or after.errors < before.errors
        or any(count < slower.get(bound, 0) for bound, count in after.slower)
    )


def _difference(before: ClusterCounts, after: ClusterCounts) -> ClusterCounts:
    slower = dict(before.slower)
    return ClusterCounts(
        requests=after.requests - before.requests,
        errors=after.errors - before.errors,
        slower=tuple((bound, count - slower.get(bound, 0)) for bound, count in after.slower),
    )
