"""The leader's lease: at most one replica leads, whatever clocks and pauses do to them."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from sluicegate.serving.operator.cluster.election import DURATION, RENEW_WITHIN, Sighting, held, looked, next_move

NAMES = ("one", "two", "three")


def lease(holder: str, renewed: str) -> dict:
    """A lease as it is stored."""
    return {"spec": {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": int(DURATION)}}


def test_a_free_lease_is_taken() -> None:
    assert next_move(None, "one", None, 0.0) == "take"
    assert next_move(lease("", "t0"), "one", None, 0.0) == "take"


def test_a_rivals_lease_is_over_only_after_we_watched_it_for_its_whole_duration() -> None:
    seen = Sighting(record=("two", "t0"), since=100.0)

    assert next_move(lease("two", "t0"), "one", None, 1e9) == "wait"
    assert next_move(lease("two", "t0"), "one", seen, 100.0 + DURATION) == "wait"
    assert next_move(lease("two", "t0"), "one", seen, 100.1 + DURATION) == "take"
    assert next_move(lease("two", "t1"), "one", seen, 1e9) == "wait"


def test_taking_a_lease_counts_its_transitions() -> None:
    taken = held(lease("two", "t0") | {"metadata": {"resourceVersion": "7"}}, "name", "namespace", "one", 5.25)

    assert taken["spec"]["holderIdentity"] == "one"
    assert taken["spec"]["leaseTransitions"] == 1
    assert taken["spec"]["renewTime"] == "1970-01-01T00:00:05.250000Z"
    assert taken["metadata"]["resourceVersion"] == "7"


class Replicas(RuleBasedStateMachine):
    """Three replicas with clocks of their own, one lease with optimistic writes, pauses anywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.version, self.stored = 0, None
        self.seen: dict[str, Sighting | None] = dict.fromkeys(NAMES)
        self.renewed: dict[str, float | None] = dict.fromkeys(NAMES)
        self.read: dict[str, tuple[int, str, float] | None] = dict.fromkeys(NAMES)

    def clock(self, name: str) -> float:
        """Clocks of machines have nothing to do with each other, but tick alike."""
        return self.time + 1000.0 * NAMES.index(name)

    @rule(seconds=st.floats(0.1, 20.0))
    def time_passes(self, seconds: float) -> None:
        """Whoever could not renew in time stops."""
        self.time += seconds
        for name in NAMES:
            renewed = self.renewed[name]
            if renewed is not None and self.clock(name) - renewed > RENEW_WITHIN:
                self.renewed[name] = None

    @rule(name=st.sampled_from(NAMES))
    def looks(self, name: str) -> None:
        """A replica reads the lease and makes up its mind."""
        now = self.clock(name)
        move = next_move(self.stored, name, self.seen[name], now)
        self.seen[name] = looked(self.stored, self.seen[name], now)
        self.read[name] = (self.version, move, now) if move != "wait" else None

    @rule(name=st.sampled_from(NAMES))
    def writes(self, name: str) -> None:
        """It writes, perhaps much later; the API server takes it only if nobody wrote meanwhile."""
        read, self.read[name] = self.read[name], None
        if read is None or read[0] != self.version:
            return
        self.version += 1
        self.stored = lease(name, f"{self.version}")
        # Counted from before the lease was read, as Election does it.
        self.renewed[name] = read[2] if self.clock(name) - read[2] <= RENEW_WITHIN else None

    @invariant()
    def at_most_one_leads(self) -> None:
        """What it is all for."""
        assert sum(renewed is not None for renewed in self.renewed.values()) <= 1


TestReplicas = Replicas.TestCase
TestReplicas.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
