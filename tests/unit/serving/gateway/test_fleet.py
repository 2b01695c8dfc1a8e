"""What several Envoys acknowledge together, against models of them."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.serving.gateway.test_delivery import LISTENER, ModelEnvoy, table

from sluicegate.serving.gateway.fleet import FORGET_SECONDS, GRACE_SECONDS, Fleet

KEY = ("n", "d")
OLD, NEW = table("old", 1), table("new", 2)


class Fleeting:
    """A fleet and models of its Envoys, which ask when they are told to."""

    def __init__(self) -> None:
        self.expected: frozenset[str] = frozenset()
        self.fleet, self.now = Fleet(lambda _: LISTENER, lambda: self.expected), 0.0
        self.joined: set[str] = set()
        self.models: dict[str, ModelEnvoy] = {}

    def settle(self, *nodes: str) -> None:
        """These open a stream, unless they have one, and get everything; time passes."""
        for node in nodes:
            self.join(node)
            self.models[node].settle()
        self.now += 2 * GRACE_SECONDS

    def join(self, node: str) -> None:
        """A stream of a node, unless it has one."""
        if node in self.joined:
            return
        self.joined.add(node)
        delivery = self.fleet.joined(node, self.now)
        model = self.models.setdefault(node, ModelEnvoy(delivery))
        model.delivery = delivery
        model.reconnect()

    def end(self, node: str) -> None:
        """The stream of a node ends."""
        if node in self.joined:
            self.joined.remove(node)
            self.fleet.left(node, self.now)


def test_a_table_is_in_force_when_every_envoy_has_it() -> None:
    """One of two is not enough; the other's shares are still told."""
    case = Fleeting()
    case.fleet.publish(OLD)
    case.settle("a", "b")
    assert case.fleet.acknowledged(case.now).version == OLD.version

    case.fleet.publish(NEW)
    case.settle("a")
    half = case.fleet.acknowledged(case.now)
    case.settle("b")
    whole = case.fleet.acknowledged(case.now)

    assert (half.version, half.traffic) == (OLD.version, {KEY: {"old": 100}})
    assert (whole.version, whole.traffic) == (NEW.version, {KEY: {"new": 100}})


def test_an_envoy_that_vanished_holds_nobody_up() -> None:
    """Its stream ends, and a few seconds later it does not count."""
    case = Fleeting()
    case.fleet.publish(OLD)
    case.settle("a", "b")
    case.end("b")
    case.fleet.publish(NEW)

    case.settle("a")

    assert case.fleet.acknowledged(case.now).version == NEW.version
    assert list(case.fleet.by_node(case.now)) == ["a"]


def test_a_new_envoy_takes_no_share_away() -> None:
    """It answers nobody before it has routes; what the others have goes on to be told."""
    case = Fleeting()
    case.fleet.publish(OLD)
    case.settle("a")
    case.fleet.acknowledged(case.now)

    case.join("b")

    told = case.fleet.acknowledged(case.now)
    assert (told.version, told.traffic) == (OLD.version, {KEY: {"old": 100}})


def test_an_expected_envoy_is_waited_for() -> None:
    """A door that has just started has not heard of all of them."""
    case = Fleeting()
    case.expected = frozenset({"a", "b"})
    case.fleet.publish(OLD)
    case.settle("a")
    alone = case.fleet.acknowledged(case.now)

    case.settle("b")

    assert (alone.version, alone.traffic) == ("", {})
    assert case.fleet.acknowledged(case.now).version == OLD.version


def test_an_expected_envoy_that_is_cut_off_is_waited_for() -> None:
    """It goes on answering by what it had, although nothing has been heard of it for long."""
    case = Fleeting()
    case.expected = frozenset({"a", "b"})
    case.fleet.publish(OLD)
    case.settle("a", "b")
    case.fleet.acknowledged(case.now)
    case.end("b")
    case.fleet.publish(NEW)
    case.settle("a")
    meanwhile = case.fleet.acknowledged(case.now)

    case.expected = frozenset({"a"})

    assert (meanwhile.version, meanwhile.traffic) == (OLD.version, {KEY: {"old": 100}})
    assert case.fleet.acknowledged(case.now).version == NEW.version


def test_a_single_envoy_is_never_forgotten() -> None:
    """While it is away, what it had stays told, as on one machine; of several, the gone ones are dropped."""
    case = Fleeting()
    case.fleet.publish(OLD)
    case.settle("a")
    case.end("a")
    case.now += 2 * FORGET_SECONDS
    assert case.fleet.acknowledged(case.now).traffic == {KEY: {"old": 100}}

    case.settle("b")
    case.end("b")
    case.settle("b")

    assert list(case.fleet._members) == ["b"]


def test_who_refuses_is_named() -> None:
    """With several gateways a complaint says whose it is."""
    case = Fleeting()
    case.fleet.publish(OLD)
    case.settle("a", "b")
    case.models["b"].refusing = True
    case.fleet.publish(NEW)

    case.settle("a", "b")

    assert case.fleet.acknowledged(case.now).rejected.startswith("gateway b: no such thing")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["settle", "end", "restart", "old", "new"]))))
def test_what_is_told_to_be_in_force_is_so_at_everyone_there(steps: list[tuple[str, str]]) -> None:
    """Whatever happens in whichever order: no Envoy with routes names another predictor than its version says."""
    case = Fleeting()
    case.fleet.publish(OLD)
    for node, step in [*steps, ("a", "settle")]:
        if step in ("old", "new"):
            case.fleet.publish(OLD if step == "old" else NEW)
        elif step == "settle":
            case.settle(node)
        elif node in case.models:
            case.end(node) if step == "end" else case.models[node].restart()
        told = case.fleet.acknowledged(case.now)
        there = [case.models[name] for name in case.fleet.by_node(case.now)]
        expected = {OLD.version: "n/d/old", NEW.version: "n/d/new"}.get(told.version)
        newest = case.fleet._newest
        if newest and told.version == newest.version:
            assert all({name.partition("~")[0] for name in one.named} <= {expected} for one in there)
