"""Steps that move requests: weight, mirror and header route. Each is done when the gateway has acknowledged it.

None moves anything while somebody has paused the rollout, nor after somebody has promoted it.
"""

from typing import NamedTuple

from sluicegate.components.rollout.errors import RolloutError
from sluicegate.components.rollout.holding import reach
from sluicegate.components.rollout.rollouts import Rollouts
from sluicegate.components.step import step
from sluicegate.serving.api.decoding import encode
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.client.objects import Objects


class Traffic(NamedTuple):
    """What the gateway has in force: the candidate's percentage of the traffic, and of the copies."""

    weight: int
    mirror: int


@step("set-weight", effects=True)
def set_weight(*, rollout: str, epoch: str, index: int, namespace: str = "default", timeout: float = 30.0) -> Traffic:
    """Give the candidate the share of traffic that the plan asks for, and wait until the gateway has it in force.

    Raises RolloutEndedError, RolloutRefusedError or NotSoInTimeError.
    """
    access = Rollouts(objects=Objects(), name=rollout, namespace=namespace)
    weight = access.read().spec.plan.steps[index].set_weight
    if weight is None:
        raise RolloutError(f"plan.steps[{index}] is no setWeight")
    what = f"at {weight} %"
    found = reach(access, epoch, lambda r: _share(r) == weight, step=index, timeout=timeout, what=what, weight=weight)
    return Traffic(_share(found), found.spec.desired.mirror)


@step("set-mirror-route", effects=True)
def set_mirror_route(
    *, rollout: str, epoch: str, index: int, namespace: str = "default", timeout: float = 30.0
) -> Traffic:
    """Copy the plan's share of requests to the candidate, whose answers nobody sees.

    Raises RolloutEndedError, RolloutRefusedError or NotSoInTimeError.
    """
    access = Rollouts(objects=Objects(), name=rollout, namespace=namespace)
    route = access.read().spec.plan.steps[index].set_mirror_route
    if route is None:
        raise RolloutError(f"plan.steps[{index}] is no setMirrorRoute")
    wanted = route.percentage
    what = f"mirroring {wanted} %"
    found = reach(
        access, epoch, lambda r: _mirrored(r) == wanted, step=index, timeout=timeout, what=what, mirror=wanted
    )
    return Traffic(_share(found), _mirrored(found))


@step("set-header-route", effects=True)
def set_header_route(
    *, rollout: str, epoch: str, index: int, namespace: str = "default", timeout: float = 30.0
) -> Traffic:
    """Send requests with the plan's headers to the candidate, whatever the weight.

    Raises RolloutEndedError, RolloutRefusedError or NotSoInTimeError.
    """
    access = Rollouts(objects=Objects(), name=rollout, namespace=namespace)
    route = access.read().spec.plan.steps[index].set_header_route
    if route is None:
        raise RolloutError(f"plan.steps[{index}] is no setHeaderRoute")

    def routed(found: ModelRollout) -> bool:
        seen = found.status.observed_generation >= found.metadata.generation
        return seen and found.spec.desired.header_route == route

    what = "routing by header"
    found = reach(access, epoch, routed, step=index, timeout=timeout, what=what, headerRoute=encode(route))
    return Traffic(_share(found), found.spec.desired.mirror)


@step("hold", effects=True)
def hold(*, rollout: str, epoch: str, index: int, seconds: float = 0.0, namespace: str = "default") -> Traffic:
    """Grant the lease for a pause that follows: for its length and half a minute; a day where nobody says how long.

    Raises RolloutEndedError or RolloutRefusedError.
    """
    access = Rollouts(objects=Objects(), name=rollout, namespace=namespace)
    found = access.desire(epoch, step=index, leaseSeconds=(seconds or 86400.0) + 30.0)
    return Traffic(_share(found), found.spec.desired.mirror)


def _share(rollout: ModelRollout) -> int:
    return rollout.status.traffic.get(rollout.status.candidate, 0)


def _mirrored(rollout: ModelRollout) -> int:
    return rollout.status.mirror.get(rollout.status.candidate, 0)
