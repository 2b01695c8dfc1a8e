"""The order in which Envoy gets things, against a model of Envoy's REST subscriptions."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sluicegate.serving.gateway.delivery import CLUSTERS, ENDPOINTS, LISTENERS, RETRY_SECONDS, ROUTES, Delivery, Key
from sluicegate.serving.gateway.envoy import Table, render
from sluicegate.serving.gateway.routes import Address, Backend, Mirror, Route


def table(predictor: str, *ports: int, mirror: str = "") -> Table:
    """Everything to ``predictor``, copies to ``mirror``."""
    addresses = tuple(Address(host="127.0.0.1", port=port) for port in ports)
    backends = (Backend(predictor=predictor, weight=100, addresses=addresses),)
    if mirror:
        backends += (Backend(predictor=mirror, weight=0, addresses=addresses),)
    mirrors = (Mirror(predictor=mirror, percentage=100),) if mirror else ()
    return render((Route(namespace="n", name="d", backends=backends, mirrors=mirrors),))


class ModelEnvoy:
    """What an Envoy holds: the last answer of each key; endpoints belong to a cluster and go with it."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery, self.now = delivery, 0.0
        self.held: dict[Key, str] = {}
        self.clusters: set[str] = set()
        self.servers: dict[str, set[int]] = {}
        self.named: set[str] = set()
        self.refusing = False
        self.fresh = True

    def polls(self) -> list[Key]:
        """Open polls."""
        names = sorted(self.clusters)
        return [(CLUSTERS, ""), *((ENDPOINTS, name) for name in names), (LISTENERS, ""), (ROUTES, "")]

    def poll(self, key: Key) -> None:
        """One poll, answered or not."""
        self.delivery.heard(key, self.held.get(key, ""), self.now, fresh=self.fresh)
        self.fresh = False
        offer = self.delivery.offer(key, self.now)
        if offer is None:
            return
        self.delivery.sent(key, offer)
        if key[0] == ROUTES and self.refusing:
            return
        self.held[key] = offer.version
        if key[0] == CLUSTERS:
            self._take_clusters({str(one["name"]) for one in offer.resources})
        elif key[0] == ENDPOINTS:
            places = offer.resources[0]["endpoints"][0]["lb_endpoints"]
            self.servers[key[1]] = {one["endpoint"]["address"]["socket_address"]["port_value"] for one in places}
        elif key[0] == ROUTES:
            self.named = set(_named(offer.resources[0]))

    def _take_clusters(self, names: set[str]) -> None:
        for gone in self.clusters - names:
            self.held.pop((ENDPOINTS, gone), None)
            self.servers.pop(gone, None)
        self.clusters = names

    def settle(self) -> None:
        """Poll everything until nothing changes, and time passes."""
        for _ in range(12):
            for key in self.polls():
                self.poll(key)
            self.now += 2.0

    def restart(self) -> None:
        """A new process that holds nothing."""
        self.fresh = True
        self.held, self.clusters, self.servers, self.named = {}, set(), {}, set()


def _named(routes: dict[str, object]) -> list[str]:
    found = []
    for entry in routes["virtual_hosts"][0]["routes"][1:]:  # type: ignore[index]  # the first answers the version
        found.append(entry["route"]["cluster"])
        found += [policy["cluster"] for policy in entry["route"]["request_mirror_policies"]]
    return found


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
    """What is kept count of, so that a poll need not look at thousands of clusters."""
    return delivery.behind & NAMES


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(0, len(TABLES) - 1)),
        st.tuples(st.just("poll"), st.integers(0, 20)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("wait"), st.integers(1, 5)),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS)
def test_routes_never_name_what_is_not_there(steps: list[tuple[str, int]]) -> None:
    """In any order of tables, polls and restarts: each named cluster is held and has servers; in the end all is new."""
    envoy = ModelEnvoy(Delivery({"name": "listener"}))
    newest = TABLES[0]
    for verb, number in steps:
        if verb == "publish":
            newest = TABLES[number]
            envoy.delivery.publish(newest)
        elif verb == "poll":
            envoy.poll(envoy.polls()[number % len(envoy.polls())])
        elif verb == "restart":
            envoy.restart()
        else:
            envoy.now += number
        assert all(envoy.servers.get(name) for name in envoy.named)
        assert behind(envoy.delivery) == {name for name in NAMES if not envoy.delivery._has_endpoints(name)}

    envoy.delivery.publish(newest)
    envoy.settle()

    assert envoy.delivery.acknowledged().version == newest.version
    assert envoy.delivery.acknowledged().traffic == newest.traffic
    assert envoy.clusters == set(newest.addresses)
    assert envoy.servers == {name: {one.port for one in servers} for name, servers in newest.addresses.items()}


def test_nothing_is_offered_before_the_first_table() -> None:
    """A plane that has just started must not tell a busy gateway that there are no deployments."""
    envoy = ModelEnvoy(Delivery({"name": "listener"}))

    envoy.settle()

    assert envoy.held == {}


def test_old_servers_stay_until_the_new_routes_are_there() -> None:
    """Weights and servers change together: the predictor that loses its servers still has requests for a moment."""
    envoy = ModelEnvoy(Delivery({"name": "listener"}))
    envoy.delivery.publish(table("old", 1))
    envoy.settle()

    envoy.delivery.publish(table("new", 2))
    for key in ((CLUSTERS, ""), (ENDPOINTS, "n/d/old"), (ROUTES, "")):
        envoy.poll(key)

    assert envoy.named == {"n/d/old", "n/d/old~others"}
    assert envoy.servers["n/d/old"] == {1}


def test_a_table_ignored_twice_is_refused_and_offered_again_later() -> None:
    """Once may be a lost answer. The good one stays in force, and a new Envoy gets the good one."""
    envoy = ModelEnvoy(Delivery({"name": "listener"}))
    envoy.delivery.publish(table("good", 1))
    envoy.settle()
    envoy.refusing = True
    envoy.delivery.publish(table("bad", 2))
    envoy.settle()

    told = envoy.delivery.acknowledged()
    assert (bool(told.rejected), told.traffic) == (True, {("n", "d"): {"good": 100}})

    envoy.refusing = False
    envoy.now += RETRY_SECONDS
    envoy.settle()
    assert (envoy.delivery.acknowledged().rejected, envoy.named) == ("", {"n/d/bad", "n/d/bad~others"})


def test_an_envoy_killed_before_it_acknowledged_has_refused_nothing() -> None:
    """However often it is restarted: each new one is offered all at once."""
    envoy = ModelEnvoy(Delivery({"name": "listener"}))
    envoy.delivery.publish(table("good", 1))
    for _ in range(5):
        envoy.poll((CLUSTERS, ""))
        envoy.restart()

    assert envoy.delivery.acknowledged().rejected == ""
    assert envoy.delivery.offer((CLUSTERS, ""), envoy.now) is not None


def test_a_new_door_keeps_clusters_that_unknown_routes_may_name() -> None:
    """Envoy holds the table of a former plane; its clusters stay until the new routes are acknowledged."""
    envoy = ModelEnvoy(Delivery({"name": "listener"}))
    envoy.delivery.publish(table("before", 1))
    envoy.settle()

    envoy.delivery = Delivery({"name": "listener"})
    envoy.delivery.publish(table("after", 2))
    for _ in range(4):
        for key in envoy.polls():
            envoy.poll(key)
            assert all(envoy.servers.get(name) for name in envoy.named)
        envoy.now += 0.5
    envoy.settle()

    assert envoy.clusters == {"n/d/after", "n/d/after~others"}


def test_a_table_that_is_wanted_again_must_be_taken_again() -> None:
    """Old, new, old: while Envoy has the new one, that the old one was in force before proves nothing."""
    delivery = Delivery({"listener": 1})
    envoy, old, new = ModelEnvoy(delivery), table("old", 1), table("new", 2)
    delivery.publish(old)
    envoy.settle()
    delivery.publish(new)
    while not any("new" in name for name in envoy.named):
        for key in envoy.polls():
            envoy.poll(key)

    delivery.publish(old)

    assert delivery.acknowledged().version == ""
    envoy.settle()
    assert delivery.acknowledged().version == old.version
