"""Effective traffic: spec + ModelRollout → Route. The only place where anybody's share of requests is decided.

Weight goes to what is ready, and to nobody by accident: what cannot answer gives its share to the stable predictor,
else to others that are meant to answer, else to servers of a former spec that answer still. Never does one inherit a
share that had none: not a waiting candidate, not a shadow, not a predictor set to 0. Where nobody at all is ready, who
was goes on: a node's kubelet that starts anew calls all of its pods unready, and they answer as before.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby

from sluicegate.serving.api.defaults import milliseconds, shares_of
from sluicegate.serving.api.metadata import STICKY_ANNOTATION
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.rollout_plan import HeaderMatch
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.gateway.routes import Address, Backend, HeaderRoute, Mirror, Route
from sluicegate.serving.reconcile.lease import is_claimed
from sluicegate.serving.reconcile.target import state_of
from sluicegate.serving.reconcile.workloads import Replica, Workload

TIMEOUT_ANNOTATION = "seldon.io/rest-timeout"
GRPC_TIMEOUT_ANNOTATION = "seldon.io/grpc-timeout"
DEFAULT_TIMEOUT_MS = 3000

Addresses = Mapping[str, tuple[Address, ...]]
"""Ready servers by predictor."""


def route_of(
    deployment: SeldonDeployment,
    rollout: ModelRollout | None,
    workloads: tuple[Workload, ...],
    replicas: tuple[Replica, ...],
    answering: frozenset[str] = frozenset(),
) -> Route:
    """The deployment's route. ``rollout`` is the one under way, ``workloads`` what should run, ``replicas`` what does,
    ``answering`` the predictors that users' requests go to at the moment.

    Weights sum to 100, or to 0 when nobody can answer.
    """
    ready, weights = _shared_out(deployment, rollout, workloads, replicas, answering)
    if not weights:
        silent = tuple(replace(each, state="Ready") for each in replicas if each.state == "Silent")
        ready, weights = _shared_out(deployment, rollout, workloads, silent, answering)
    mirrors = _mirrors(deployment, rollout, ready) if weights else ()
    headers = _header_routes(rollout, ready) if weights else ()
    reached = {*weights, *(mirror.predictor for mirror in mirrors), *(header.predictor for header in headers)}
    return Route(
        namespace=deployment.metadata.namespace,
        name=deployment.metadata.name,
        backends=tuple(
            Backend(predictor=name, weight=weights.get(name, 0), addresses=ready[name]) for name in sorted(reached)
        ),
        mirrors=mirrors,
        header_routes=headers,
        sticky_header=deployment.metadata.annotations.get(STICKY_ANNOTATION, ""),
        sticky_salt=rollout.status.rollout_id if rollout is not None else deployment.metadata.name,
        timeout_ms=_timeout(deployment, TIMEOUT_ANNOTATION),
        grpc_timeout_ms=_timeout(deployment, GRPC_TIMEOUT_ANNOTATION),
    )


def _shared_out(
    deployment: SeldonDeployment,
    rollout: ModelRollout | None,
    workloads: tuple[Workload, ...],
    replicas: tuple[Replica, ...],
    answering: frozenset[str],
) -> tuple[dict[str, tuple[Address, ...]], dict[str, int]]:
    """Who is ready, and everybody's percent."""
    ready = {workload.predictor.name: _addresses(workload, replicas) for workload in workloads}
    wanted = wanted_shares(deployment, rollout)
    weights = _among_ready(wanted, ready, rollout.status.stable if rollout is not None else "")
    if weights:
        return ready, weights
    former = _former(deployment, workloads, replicas)
    leftover = {name: sockets for name, sockets in former.items() if name in answering}
    return {**ready, **leftover}, _evenly(tuple(leftover))


def wanted_shares(deployment: SeldonDeployment, rollout: ModelRollout | None) -> dict[str, int]:
    """Percent by predictor if all were ready; predictors without a share are left out."""
    own = {name: share for name, share in shares_of(deployment.spec).items() if share > 0}
    if rollout is None or not _decides(rollout, deployment):
        return own
    weight = candidate_weight(rollout)
    shares = {rollout.status.stable: 100 - weight, rollout.status.candidate: weight}
    return {name: share for name, share in shares.items() if share > 0}


def candidate_weight(rollout: ModelRollout) -> int:
    """Percent that the candidate is to get in this phase; a paused rollout gives no more than it has."""
    match rollout.status.phase:
        case "Promoting" | "Baking":
            return 100
        case "Progressing" if is_claimed(rollout):
            weight = min(max(rollout.spec.desired.weight, 0), 100)
            has = rollout.status.traffic.get(rollout.status.candidate, 0)
            return min(weight, has) if rollout.spec.paused else weight
        case _:
            return 0


def _decides(rollout: ModelRollout, deployment: SeldonDeployment) -> bool:
    """Whether the target is as the rollout knows it; what somebody else wrote there goes first."""
    match state_of(deployment, rollout):
        case "stable":
            return rollout.status.phase != "Baking"
        case "candidate":
            return rollout.status.phase in ("Promoting", "Baking", "Aborting") and not is_foreign(rollout)
        case _:
            return False


def is_foreign(rollout: ModelRollout) -> bool:
    """Whether the rollout ends because somebody else wrote its target."""
    return rollout.status.reason in ("TargetChanged", "TargetDeleted")


def _addresses(workload: Workload, replicas: tuple[Replica, ...]) -> tuple[Address, ...]:
    """Ready servers of the wanted revision once all are up; until then those of the revision before, if any."""
    mine = [
        replica
        for replica in replicas
        if (replica.namespace, replica.workload) == (workload.namespace, workload.name) and replica.state == "Ready"
    ]
    current = _sockets([replica for replica in mine if replica.revision == workload.revision])
    former = sorted((each for each in mine if each.revision != workload.revision), key=lambda each: each.revision)
    groups = [_sockets(list(group)) for _, group in groupby(former, key=lambda each: each.revision)]
    if len(current) >= workload.replicas or not groups:
        return current
    return max(groups, key=len)


def _sockets(replicas: list[Replica]) -> tuple[Address, ...]:
    return tuple(replica.address for replica in sorted(replicas, key=lambda each: each.index))


def _among_ready(wanted: dict[str, int], ready: Addresses, stable: str) -> dict[str, int]:
    able = {name: share for name, share in wanted.items() if ready.get(name)}
    if not able:
        return {stable: 100} if ready.get(stable) else {}
    missing = 100 - sum(able.values())
    if ready.get(stable) and missing:
        return {**able, stable: able.get(stable, 0) + missing}
    return _scaled(able)


def _scaled(shares: dict[str, int]) -> dict[str, int]:
    """Shares scaled to sum to 100, rounded by largest remainder."""
    total = sum(shares.values())
    exact = {name: share * 100 / total for name, share in shares.items()}
    floors = {name: int(value) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (floors[name] - exact[name], name))
    for name in by_remainder[: 100 - sum(floors.values())]:
        floors[name] += 1
    return {name: share for name, share in floors.items() if share > 0}


def _evenly(names: tuple[str, ...]) -> dict[str, int]:
    return _scaled(dict.fromkeys(sorted(names), 1)) if names else {}


def _former(
    deployment: SeldonDeployment, workloads: tuple[Workload, ...], replicas: tuple[Replica, ...]
) -> dict[str, tuple[Address, ...]]:
    """Ready servers of predictors that the spec no longer names."""
    prefix = f"{deployment.metadata.name}."
    known = {workload.name for workload in workloads}
    found: dict[str, list[Replica]] = {}
    for replica in replicas:
        mine = replica.namespace == deployment.metadata.namespace and replica.workload.startswith(prefix)
        if mine and replica.workload not in known and replica.state == "Ready":
            found.setdefault(replica.workload.removeprefix(prefix), []).append(replica)
    return {name: _sockets(group) for name, group in found.items()}


def _mirrors(deployment: SeldonDeployment, rollout: ModelRollout | None, ready: Addresses) -> tuple[Mirror, ...]:
    copies = {each.name: each.traffic or 100 for each in deployment.spec.predictors if each.shadow}
    if rollout is not None and _decides(rollout, deployment):
        if candidate_weight(rollout) == 100:
            copies[rollout.status.stable] = 100
        elif rollout.status.phase == "Progressing" and is_claimed(rollout):
            copies[rollout.status.candidate] = min(max(rollout.spec.desired.mirror, 0), 100)
    return tuple(
        Mirror(predictor=name, percentage=share) for name, share in copies.items() if share > 0 and ready.get(name)
    )


def _header_routes(rollout: ModelRollout | None, ready: Addresses) -> tuple[HeaderRoute, ...]:
    if rollout is None or rollout.status.phase != "Progressing" or not is_claimed(rollout):
        return ()
    route = rollout.spec.desired.header_route
    if route is None or not ready.get(rollout.status.candidate):
        return ()
    return tuple(_header_route(match, rollout.status.candidate) for match in route.match)


def _header_route(match: HeaderMatch, predictor: str) -> HeaderRoute:
    value = match.header_value
    if value.regex:
        return HeaderRoute(header=match.header_name, value=value.regex, predictor=predictor, match="regex")
    if value.prefix:
        return HeaderRoute(header=match.header_name, value=value.prefix, predictor=predictor, match="prefix")
    return HeaderRoute(header=match.header_name, value=value.exact, predictor=predictor)


def _timeout(deployment: SeldonDeployment, annotation: str) -> int:
    notes = {**deployment.metadata.annotations, **deployment.spec.annotations}
    return milliseconds(notes.get(annotation, ""), DEFAULT_TIMEOUT_MS)
