"""Another operator takes over: it writes nothing, before the gateway has spoken and after."""

from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.operator_world import OperatorWorld
from tests.fakes.world import deployment, predictor, rollout

from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import ModelRollout
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.reconcile.ending import cause_to_end, seconds_to_next
from sluicegate.serving.reconcile.lease import LeaseView
from sluicegate.serving.reconcile.target import Target
from sluicegate.serving.reconcile.workloads import Observed


def settled(*rollouts: JSON) -> OperatorWorld:
    """A deployment that is served, and rollouts of it that nobody has taken up."""
    world = OperatorWorld()
    world.submit(deployment(predictor("1")))
    world.settle()
    for each in rollouts:
        world.submit(each)
    world.settle()
    return world


def test_a_restart_writes_nothing() -> None:
    for world in (settled(), settled(rollout("2"))):
        before = world.store.version()

        world.restart()
        world.look()
        world.look()
        assert world.store.version() == before

        world.gateway.follow()
        world.look()
        assert world.store.version() == before


def test_what_was_changed_meanwhile_is_not_taken_for_acknowledged() -> None:
    """The gateway acknowledged what was asked for before."""
    world = settled()
    world.restart()
    world.write(world.deployment() | {"spec": deployment(predictor("2"))["spec"]})
    world.look()

    conditions = {each["type"]: each["status"] for each in world.deployment()["status"]["conditions"]}
    assert conditions["TrafficAcknowledged"] == "False"


WAITING = settled(rollout("2", plan={"maxDuration": 1000}))


@given(
    phase=st.sampled_from(["Pending", "Ready", "Progressing", "Promoting"]),
    age=st.floats(0, 2000),
    granted=st.floats(1, 900),
    since=st.floats(0, 900),
)
def test_the_next_look_is_when_time_alone_ends_a_rollout(phase: str, age: float, granted: float, since: float) -> None:
    """Just before nothing does, and just after something."""
    stored, target = WAITING.store.get("ModelRollout", "flights-2"), WAITING.deployment()
    started = {"phase": phase, "startedAt": "1970-01-01T00:00:00Z"}
    view = decode(stored | {"status": stored["status"] | started}, ModelRollout)
    left = seconds_to_next(view, LeaseView(granted=granted, age=since), age)

    def ends(later: float) -> bool:
        lease = LeaseView(granted=granted, age=since + later)
        found = Target(view=decode(target, SeldonDeployment), raw=target)
        return cause_to_end(view, found, Observed(), lease, age + later) is not None

    assert ends(left + 0.1)
    assert left == 0 or not ends(max(left - 0.1, 0))


def test_what_ends_already_is_not_looked_at_without_a_pause() -> None:
    """Its deadline passed, and its gateway may take long to acknowledge the way back."""
    stored = WAITING.store.get("ModelRollout", "flights-2")
    late = {"phase": "Aborting", "startedAt": "1970-01-01T00:00:00Z"}
    view = decode(stored | {"status": stored["status"] | late}, ModelRollout)

    assert seconds_to_next(view, LeaseView(granted=30, age=900), 1e6) == float("inf")
