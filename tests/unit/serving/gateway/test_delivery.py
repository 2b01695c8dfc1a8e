"""The order in which Envoy gets things, against a model of Envoy's side of the incremental protocol."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.serving.gateway.delivery import (
    CLUSTERS,
    ENDPOINTS,
    KINDS,
    LISTENERS,
    ROUTES,
    WARM_SECONDS,
    Delivery,
)
from sluicegate.serving.gateway.envoy import Table, render
from sluicegate.serving.gateway.listener import Front, listener
from sluicegate.serving.gateway.messages import Packed, message_type
from sluicegate.serving.gateway.routes import Address, Backend, Mirror, Route
from sluicegate.serving.gateway.subscriptions import RETRY_SECONDS, Offer

LISTENER = listener(Front(address=Address(host="127.0.0.1", port=8003)))


def table(predictor: str, *ports: int, mirror: str = "") -> Table:
    """Everything to ``predictor``, copies to ``mirror``."""
    addresses = tuple(Address(host="127.0.0.1", port=port) for port in ports)
    backends = (Backend(predictor=predictor, weight=100, addresses=addresses),)
    if mirror:
        backends += (Backend(predictor=mirror, weight=0, addresses=addresses),)
    mirrors = (Mirror(predictor=mirror, percentage=100),) if mirror else ()
    return render((Route(namespace="n", name="d", backends=backends, mirrors=mirrors),))


class ModelEnvoy:
    """What an Envoy holds; endpoints belong to a cluster and go with it. What it is sent, it answers later."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery, self.now = delivery, 0.0
        self.refusing = False
        self.restart()

    def restart(self) -> None:
        """A new process that holds nothing."""
        self.held: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
        self.servers: dict[str, dict[int, float]] = {}
        self.named: set[str] = set()
        self.reconnect()

    def reconnect(self) -> None:
        """Its stream broke: what was on the way is lost, and it says what it holds."""
        self.asked: set[str] = set()
        self.unanswered: list[tuple[str, str, Offer]] = []
        self.delivery.begin()

    @property
    def clusters(self) -> set[str]:
        """Their names."""
        return set(self.held[CLUSTERS])

    def ask(self, kind: str) -> None:
        """The first request of a kind."""
        if kind not in self.asked:
            self.asked.add(kind)
            names = {ENDPOINTS: sorted(self.clusters), ROUTES: ["deployments"]}.get(kind, [])
            self.delivery.told(kind, names, [], self.held[kind], self.now)

    def get(self, kind: str) -> None:
        """What the door sends of a kind is now on its way."""
        self.ask(CLUSTERS)
        self.ask(kind)
        if offer := self.delivery.offer(kind, self.now):
            self.unanswered.append((kind, self.delivery.send(kind, offer), offer))

    def answer(self) -> None:
        """What came first is taken, or refused."""
        if not self.unanswered:
            return
        kind, nonce, offer = self.unanswered.pop(0)
        if kind == ROUTES and self.refusing:
            self.delivery.refused(kind, nonce, "no such thing", self.now)
            return
        came = {name for name in offer.versions if name not in self.held[kind]}
        self.held[kind] |= offer.versions
        for name in offer.removed:
            del self.held[kind][name]
        self._take(kind, offer)
        self.delivery.taken(kind, nonce, self.now)
        if kind == CLUSTERS and ENDPOINTS in self.asked and (came or offer.removed):
            self.delivery.told(ENDPOINTS, sorted(came), list(offer.removed), {}, self.now)

    def _take(self, kind: str, offer: Offer) -> None:
        if kind == CLUSTERS:
            for gone in offer.removed:
                self.held[ENDPOINTS].pop(gone, None)
                self.servers.pop(gone, None)
        elif kind == ENDPOINTS:
            for name in offer.versions:
                known = self.servers.get(name, {})
                self.servers[name] = {port: known.get(port, self.now) for port in _ports(offer.resource(name))}
        elif kind == ROUTES:
            self.named = set(_named(offer.resource("deployments")))

    def step(self, kind: str) -> None:
        """One kind, there and back."""
        self.get(kind)
        while self.unanswered:
            self.answer()

    def settle(self) -> None:
        """Everything until nothing changes, and time passes."""
        for _ in range(12):
            for kind in KINDS:
                self.step(kind)
            self.now += 2.0


def _content(packed: bytes, kind: str) -> Any:
    return message_type(f"envoy.config.{kind}").FromString(Packed.FromString(packed).value)


def _ports(packed: bytes) -> list[int]:
    places = _content(packed, "endpoint.v3.ClusterLoadAssignment").endpoints[0].lb_endpoints
    return [one.endpoint.address.socket_address.port_value for one in places]


def _named(packed: bytes) -> list[str]:
    _version, *entries = _content(packed, "route.v3.RouteConfiguration").virtual_hosts[0].routes
    mirrors = [policy.cluster for entry in entries for policy in entry.route.request_mirror_policies]
    return [entry.route.cluster for entry in entries] + mirrors


def warm(envoy: ModelEnvoy) -> bool:
    """Whether each named cluster has a server that Envoy had time to look at."""
    return all(
        any(since + WARM_SECONDS <= envoy.now for since in envoy.servers.get(name, {}).values()) for name in envoy.named
    )


TABLES = (
    table("a", 1),
    table("a", 1, 2),
    table("a", 3),
    table("b", 2),
    table("b", 4, mirror="a"),
    table("a", 1, mirror="c"),
)
NAMES = {name for each in TABLES for name in each.addresses}


def behind(delivery: Delivery) -> set[str]:
    """What it should be by looking at all clusters, which the delivery never does."""
    held = delivery._kinds[ENDPOINTS].held
    wanted = {name: delivery._endpoints_version(name) for name in NAMES}
    return {name for name, version in wanted.items() if version and held.get(name) != version}


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(0, len(TABLES) - 1)),
        st.tuples(st.just("get"), st.integers(0, len(KINDS) - 1)),
        st.tuples(st.just("answer"), st.just(0)),
        st.tuples(st.just("reconnect"), st.just(0)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 40)),
    ),
    max_size=80,
)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
def test_routes_never_name_what_cannot_answer(steps: list[tuple[str, int]]) -> None:
    """In any order of tables, answers, breaks and restarts: each named cluster has a server that was looked at."""
    envoy = ModelEnvoy(Delivery(LISTENER))
    newest = TABLES[0]
    for verb, number in steps:
        if verb == "publish":
            newest = TABLES[number]
            envoy.delivery.publish(newest)
        elif verb == "get":
            envoy.get(KINDS[number])
        elif verb == "wait":
            envoy.now += number / 10
        else:
            getattr(envoy, verb)()
        assert warm(envoy)
        assert envoy.delivery.behind & NAMES == behind(envoy.delivery)

    envoy.delivery.publish(newest)
    envoy.settle()

    assert envoy.delivery.acknowledged().version == newest.version
    assert envoy.delivery.acknowledged().traffic == newest.traffic
    assert envoy.clusters == set(newest.addresses)
    assert {name: set(ports) for name, ports in envoy.servers.items()} == {
        name: {one.port for one in servers} for name, servers in newest.addresses.items()
    }


def test_nothing_is_offered_before_the_first_table() -> None:
    """A plane that has just started must not tell a busy gateway that there are no deployments."""
    envoy = ModelEnvoy(Delivery(LISTENER))

    envoy.settle()

    assert not any(envoy.held.values())


def test_an_envoy_without_deployments_is_told_so_once() -> None:
    """It waits for a first answer, and would wait for ever."""
    envoy = ModelEnvoy(Delivery(LISTENER))
    envoy.delivery.publish(render(()))
    envoy.get(CLUSTERS)

    assert [offer.versions for _, _, offer in envoy.unanswered] == [{}]
    envoy.answer()
    envoy.get(CLUSTERS)
    assert envoy.unanswered == []


def test_old_servers_stay_until_the_new_routes_are_there() -> None:
    """Weights and servers change together: the predictor that loses its servers still has requests for a moment."""
    envoy = ModelEnvoy(Delivery(LISTENER))
    envoy.delivery.publish(table("old", 1))
    envoy.settle()

    envoy.delivery.publish(table("new", 2))
    for kind in (CLUSTERS, ENDPOINTS, ROUTES):
        envoy.step(kind)

    assert envoy.named == {"n/d/old", "n/d/old~others"}
    assert set(envoy.servers["n/d/old"]) == {1}


def test_a_server_goes_when_the_one_in_its_place_was_looked_at() -> None:
    """Envoy sends a server nothing before it said that it is ready; and nothing is in force before the old one went."""
    envoy = ModelEnvoy(Delivery(LISTENER))
    envoy.delivery.publish(table("a", 1))
    envoy.settle()

    envoy.delivery.publish(table("a", 2))
    envoy.step(ENDPOINTS)
    both, early = set(envoy.servers["n/d/a"]), envoy.delivery.acknowledged().version
    envoy.now += WARM_SECONDS
    envoy.step(ENDPOINTS)

    assert (both, set(envoy.servers["n/d/a"])) == ({1, 2}, {2})
    assert (early, envoy.delivery.acknowledged().version) == ("", table("a", 2).version)


def test_only_what_changed_is_sent() -> None:
    """A thousand deployments are not sent again because one has another server."""
    many = tuple(
        Route(namespace="n", name=f"d{index}", backends=(Backend(predictor="p", weight=100, addresses=(one,)),))
        for index, one in enumerate(Address(host="127.0.0.1", port=port) for port in range(1, 21))
    )
    envoy = ModelEnvoy(Delivery(LISTENER))
    envoy.delivery.publish(render(many))
    envoy.settle()

    moved = Backend(predictor="p", weight=100, addresses=(Address(host="127.0.0.1", port=99),))
    envoy.delivery.publish(render((Route(namespace="n", name="d0", backends=(moved,)), *many[1:])))
    for kind in KINDS:
        envoy.get(kind)

    sent = {kind: (set(offer.versions), offer.removed) for kind, _, offer in envoy.unanswered}
    assert sent == {ENDPOINTS: ({"n/d0/p", "n/d0/p~others"}, ())}


def test_a_table_that_is_refused_is_told_and_offered_again_later() -> None:
    """The good one stays in force, and a new Envoy gets the good one."""
    envoy = ModelEnvoy(Delivery(LISTENER))
    envoy.delivery.publish(table("good", 1))
    envoy.settle()
    envoy.refusing = True
    envoy.delivery.publish(table("bad", 2))
    envoy.settle()

    told = envoy.delivery.acknowledged()
    assert (told.rejected, told.traffic) == ("no such thing", {("n", "d"): {"good": 100}})

    envoy.refusing = False
    envoy.now += RETRY_SECONDS
    envoy.settle()
    assert (envoy.delivery.acknowledged().rejected, envoy.named) == ("", {"n/d/bad", "n/d/bad~others"})


def test_an_envoy_killed_before_it_answered_has_refused_nothing() -> None:
    """However often it is restarted: each new one is offered all at once."""
    envoy = ModelEnvoy(Delivery(LISTENER))
    envoy.delivery.publish(table("good", 1))
    for _ in range(5):
        envoy.get(CLUSTERS)
        envoy.restart()
    envoy.get(CLUSTERS)

    assert envoy.delivery.acknowledged().rejected == ""
    assert [set(offer.versions) for _, _, offer in envoy.unanswered] == [{"n/d/good", "n/d/good~others"}]


def test_a_new_door_keeps_clusters_that_unknown_routes_may_name() -> None:
    """Envoy holds the table of a former plane; its clusters stay until the new routes are acknowledged."""
    envoy = ModelEnvoy(Delivery(LISTENER))
    envoy.delivery.publish(table("before", 1))
    envoy.settle()

    envoy.delivery = Delivery(LISTENER)
    envoy.reconnect()
    envoy.delivery.publish(table("after", 2))
    for _ in range(4):
        for kind in KINDS:
            envoy.step(kind)
            assert warm(envoy)
        envoy.now += 0.5
    envoy.settle()

    assert envoy.clusters == {"n/d/after", "n/d/after~others"}


def test_a_new_door_sends_nothing_that_envoy_has() -> None:
    """It said so at the stream's beginning."""
    envoy = ModelEnvoy(Delivery(LISTENER))
    envoy.delivery.publish(table("a", 1))
    envoy.settle()

    envoy.delivery = Delivery(LISTENER)
    envoy.reconnect()
    envoy.delivery.publish(table("a", 1))
    for kind in (CLUSTERS, LISTENERS, ENDPOINTS, ROUTES):
        envoy.get(kind)

    assert [offer.versions for _, _, offer in envoy.unanswered if offer.versions] == []
    assert envoy.delivery.acknowledged().version == table("a", 1).version


def test_a_table_that_is_wanted_again_must_be_taken_again() -> None:
    """Old, new, old: while Envoy has the new one, that the old one was in force before proves nothing."""
    delivery = Delivery(LISTENER)
    envoy, old, new = ModelEnvoy(delivery), table("old", 1), table("new", 2)
    delivery.publish(old)
    envoy.settle()
    delivery.publish(new)
    while not any("new" in name for name in envoy.named):
        for kind in KINDS:
            envoy.step(kind)
        envoy.now += 0.1

    delivery.publish(old)

    assert delivery.acknowledged().version == ""
    envoy.settle()
    assert delivery.acknowledged().version == old.version
