"""Whatever happens in whatever order, a rollout ends well: a machine plays people, workflows, crashes and kills.

Everything under test is real but the rims; what is written passes the API's own rules.
"""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.fakes.operator_world import OperatorWorld
from tests.fakes.routed_world import RoutedWorld, endpoints_follow
from tests.fakes.world import NAME, World, deployment, predictor, rollout

from sluicegate.serving.api import model_rollout
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.model_rollout import TERMINAL_PHASES, ModelRollout
from sluicegate.serving.reconcile.admission import under_way

VERSIONS = ("2", "3", "4")


class RolloutMachine(RuleBasedStateMachine):
    """One deployment, some rollouts, and everything that can go wrong."""

    world_type: type[World] = World

    def __init__(self) -> None:
        super().__init__()
        self.world = self.world_type()
        self.edited = False
        self.ended: dict[str, object] = {}

    @initialize(steps=st.integers(0, 4))
    def a_rollout_is_under_way(self, steps: int) -> None:
        """Version 1 is in service, version 2 on its way, so and so far."""
        assert self.world.submit(deployment(predictor("1"))) == ()
        self.world.settle()
        assert self.world.submit(rollout("2", name="first")) == ()
        self.world.settle(min(steps, 1) * 4)
        for _ in range(steps - 1):
            self.a_sound_workflow_goes_on(4)

    @rule(version=st.sampled_from(VERSIONS), concurrency=st.sampled_from(("refuse", "refuse", "queue", "supersede")))
    def somebody_submits(self, version: str, concurrency: str) -> None:
        """A rollout, which may be refused."""
        name = f"r{len(self._rollouts())}"
        self.world.submit(rollout(version, name=name, concurrency=concurrency, retryRefused=True))

    @rule(weight=st.sampled_from((0, 1, 50, 100)), mirror=st.sampled_from((0, 100)))
    def a_workflow_writes(self, weight: int, mirror: int) -> None:
        """Shares of its liking, if the fence lets it."""
        for each in self._rollouts():
            self.world.desire(each.metadata.name, weight=weight, mirror=mirror, leaseSeconds=30.0)

    @rule(passes=st.integers(0, 3))
    def a_sound_workflow_goes_on(self, passes: int) -> None:
        """The next intent in order; perhaps before the world has followed."""
        living = under_way(self._rollouts())
        if living is not None:
            weight = living.spec.desired.weight
            wanted = "Complete" if living.status.phase == "Baking" else "Promote" if weight == 100 else "Progress"
            self.world.desire(living.metadata.name, weight=100, intent=wanted, leaseSeconds=30.0)
        self.world.settle(passes)

    @precondition(lambda self: under_way(self._rollouts()))
    @rule(reason=st.sampled_from(("", "HarmProven")))
    def somebody_aborts(self, reason: str) -> None:
        """At any phase."""
        living = under_way(self._rollouts())
        if living is not None:
            self.world.desire(living.metadata.name, intent="Abort", reason=reason)

    @rule()
    def a_dead_workflow_comes_back(self) -> None:
        """Under an epoch that has ended it is refused."""
        for each in self._rollouts():
            if each.status.phase in TERMINAL_PHASES:
                assert self.world.desire(each.metadata.name, weight=100) != ()

    @rule()
    def the_operator_looks(self) -> None:
        """One pass."""
        self.world.look()

    @rule(acts=st.integers(0, 6))
    def the_operator_is_killed(self, acts: int) -> None:
        """``kill -9`` before one of its next acts; a new one comes up."""
        self.world.death.in_acts = acts
        self.world.look()
        self.world.death.in_acts = None
        self.world.restart()

    @rule()
    def all_is_calm_for_a_while(self) -> None:
        """Servers come up, the gateway follows."""
        self.world.settle(3)

    @rule()
    def the_gateway_follows(self) -> None:
        """It acknowledges the newest table."""
        self.world.gateway.follow()

    @rule()
    def servers_come_up(self) -> None:
        """All that can."""
        self.world.servers.become_ready()

    @rule(version=st.sampled_from(("1", *VERSIONS)))
    def a_server_crashes(self, version: str) -> None:
        """And will be started again."""
        self.world.servers.crash(f"{NAME}.v{version}")

    @rule(seconds=st.sampled_from((1.0, 29.0, 31.0)))
    def time_passes(self, seconds: float) -> None:
        """Leases run out by themselves."""
        self.world.clock.advance(seconds)

    @precondition(lambda self: self.world.store.list("SeldonDeployment"))
    @rule(version=st.sampled_from(("1", "7")))
    def somebody_edits_the_target(self, version: str) -> None:
        """As ``kubectl apply`` does at any moment."""
        self.edited = True
        self.world.write(deployment(predictor(version)))

    @invariant()
    def weights_are_whole(self) -> None:
        """Shares sum to 100, or nobody can answer."""
        for route in (*self.world.gateway.published, *self.world.gateway.in_force):
            assert sum(backend.weight for backend in route.backends) in (0, 100)

    @invariant()
    def nobody_is_sent_to_a_server_that_is_gone(self) -> None:
        """Servers outlive every route in force that names them, by whatever protocol it leads there."""
        alive = {(server.address.host, server.address.port) for server in self.world.servers.observe()}
        for route in self.world.gateway.in_force:
            named = {(each.host, each.port) for backend in route.backends for each in backend.addresses}
            assert named <= alive
            assert all(backend.addresses for backend in route.backends if backend.weight)

    @invariant()
    def an_end_is_an_end(self) -> None:
        """A terminal status never changes."""
        for each in self._rollouts():
            if each.status.phase in TERMINAL_PHASES:
                assert self.ended.setdefault(each.metadata.uid, each.status) == each.status

    @invariant()
    def nothing_is_half_promoted(self) -> None:
        """Phase and predictor agree, unless somebody else wrote there."""
        if self.edited or not self._rollouts():
            return
        living = under_way(self._rollouts())
        named = [each["name"] for each in self.world.deployment()["spec"]["predictors"]]
        if living is None:
            promoted = [each for each in self._rollouts() if each.status.phase == "Promoted"]
            last = max(
                promoted,
                key=lambda each: (each.status.started_at, int(each.metadata.uid.partition("-")[2])),
                default=None,
            )
            assert named == [last.status.candidate if last is not None else "v1"]
        elif living.status.phase == "Baking":
            assert named == [living.status.candidate]
        elif living.status.phase in ("Pending", "Ready", "Progressing"):
            assert named == [living.status.stable]
        else:
            assert named in ([living.status.stable], [living.status.candidate])

    @invariant()
    def stable_stays_until_the_bake_ends(self) -> None:
        """Its servers are what traffic goes back to."""
        living = under_way(self._rollouts())
        if living is not None and not self.edited:
            assert f"{NAME}.{living.status.stable}" in self.world.servers.workloads()

    def teardown(self) -> None:
        """Left alone, all comes to rest: every rollout ended, the spec is what is served, nothing else runs."""
        if not self.world.store.list("SeldonDeployment"):
            return
        for _ in range(len(self._rollouts()) + 2):
            self.world.clock.advance(700)
            self.world.settle(8)
        assert all(each.status.phase in TERMINAL_PHASES for each in self._rollouts())
        self.nothing_is_half_promoted()
        named = [each["name"] for each in self.world.deployment()["spec"]["predictors"]]
        assert self.world.gateway.shares(NAME) == {named[0]: 100}
        assert self.world.servers.workloads() == {f"{NAME}.{named[0]}"}
        assert self.world.deployment()["status"]["state"] == "Available"

    def _rollouts(self) -> list[ModelRollout]:
        return [decode(each, ModelRollout) for each in self.world.store.list(model_rollout.KIND)]


class OperatorMachine(RolloutMachine):
    """The same on Kubernetes: an operator in the controller's place, whose caches lag behind at times."""

    world_type = OperatorWorld

    @rule(blind=st.booleans())
    def the_stream_lags(self, blind: bool) -> None:
        """Caches are told of changes later."""
        self.world.blind = blind

    @precondition(lambda self: self.world.store.list("SeldonDeployment") and not self.world.blind)
    @rule()
    def the_kubelet_starts_anew(self) -> None:
        """And calls all of its pods unready; who gets requests, and answers them, goes on.

        Where caches lag, an operator may not have seen yet that a server came up, and cannot tell. What was decided
        before comes into force before: an abort whose stable version has crashed leaves nobody, with a kubelet or not.
        """
        for _ in range(2):
            self.world.look()
            self.world.gateway.follow()
        served = {f"{NAME}.{name}" for name in self.world.gateway.shares(NAME)}
        answers = any(each.state == "Ready" and each.workload in served for each in self.world.servers.observe())
        self.world.servers.fall_silent()
        self.world.look()
        self.world.gateway.follow()
        assert not answers or sum(self.world.gateway.shares(NAME).values()) == 100

    def teardown(self) -> None:
        """Streams are read again in the end."""
        self.world.blind = False
        super().teardown()


class RoutedMachine(OperatorMachine):
    """The same behind a gateway of the Gateway API: told by objects, it answers late, and refuses at times."""

    world_type = RoutedWorld

    @rule()
    def endpoints_follow(self) -> None:
        """Later than the pods."""
        endpoints_follow(self.world.store)

    @rule()
    def the_gateway_refuses(self) -> None:
        """Whatever is written there; what it had goes on."""
        self.world.gateway.follow(accepted=False)  # type: ignore[call-arg]  # only this one can


# A failure is made small before it is shown, and that takes its time.
TestRollouts = pytest.mark.timeout(400)(RolloutMachine.TestCase)
TestRollouts.settings = settings(
    max_examples=120, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestOperator = pytest.mark.timeout(400)(OperatorMachine.TestCase)
TestOperator.settings = settings(TestRollouts.settings, max_examples=40)
TestRouted = pytest.mark.timeout(400)(RoutedMachine.TestCase)
TestRouted.settings = settings(TestRollouts.settings, max_examples=40)
