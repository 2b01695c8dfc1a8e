"""A real Envoy leads gRPC to real servers of gRPC, and keeps the promises that it keeps for HTTP."""

from collections.abc import Iterator
from dataclasses import replace
from math import sqrt

import grpc
import httpx
import pytest
from tests.embedded import gateway_rig
from tests.embedded.gateway_rig import Rig, flights, share
from tests.embedded.grpc_rig import FEEDBACK, INFER, PREDICT, Backend, Client, Load
from tests.waiting import wait_until

from sluicegate.monitoring.collector.sampling import increments, read_cluster_name
from sluicegate.monitoring.sources.gateway import GatewaySample, cluster_counts
from sluicegate.serving.gateway.routes import Backend as Share
from sluicegate.serving.gateway.routes import HeaderRoute, Mirror, Route

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One gateway for all tests."""
    one = Rig(tmp_path_factory.mktemp("gateway"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def client(rig: Rig) -> Iterator[Client]:
    """One channel, as clients have."""
    one = Client(rig)
    yield one
    one.close()


@pytest.fixture(scope="module")
def pool() -> Iterator[list[Backend]]:
    """Servers that live on from test to test, unless a test kills them."""
    servers = [Backend(f"server-{index}") for index in range(3)]
    yield servers
    for server in servers:
        server.kill()


@pytest.fixture
def servers(pool: list[Backend]) -> list[Backend]:
    """Three running, ready servers with an empty memory, called server-0, server-1 and server-2."""
    for index, server in enumerate(pool):
        if server.process.poll() is None:
            server.forget()
        else:
            pool[index] = Backend(server.name)
    return pool


@pytest.mark.parametrize("weight", [0, 100])
def test_none_and_all_are_exact(rig: Rig, client: Client, servers: list[Backend], weight: int) -> None:
    """At 0 a predictor gets no call of 2000, at 100 it gets each."""
    rig.put(flights(share("old", 100 - weight, servers[0]), share("new", weight, servers[1])))

    assert client.many("flights", 2000) == {f"server-{weight // 100}": 2000}


def test_a_quarter_is_a_quarter(rig: Rig, client: Client, servers: list[Backend]) -> None:
    """25 % of 2400 calls over one connection, within five standard deviations of the binomial."""
    rig.put(flights(share("old", 75, servers[0]), share("new", 25, servers[1])))

    answers = client.many("flights", 2400)

    assert abs(answers["server-1"] - 600) <= 5 * sqrt(2400 * 0.25 * 0.75)
    assert answers.total() == answers["server-0"] + answers["server-1"]


def test_switching_under_load_loses_nothing(rig: Rig, servers: list[Backend]) -> None:
    """Weights move back and forth, predictors come and go with their servers, and every call is answered."""
    rig.put(flights(share("v0", 100, servers[0])))

    with Load(rig, "flights") as load:
        for turn in range(1, 7):
            load.more(150)
            rig.put(
                flights(share(f"v{turn - 1}", 50, servers[(turn - 1) % 3]), share(f"v{turn}", 50, servers[turn % 3]))
            )
            load.more(150)
            rig.put(flights(share(f"v{turn}", 100, servers[turn % 3])))
        load.more(150)

    assert load.failures() == {}


def test_copies_are_marked_and_originals_are_not(rig: Rig, client: Client, servers: list[Backend]) -> None:
    """A mirrored call arrives with the mark, under the same id; its original without, forged or not; counted apart."""
    old, new = servers[:2]
    rig.put(
        flights(share("seen", 100, old), share("copy", 0, new), mirrors=(Mirror(predictor="copy", percentage=100),))
    )

    client.many("flights", 20, lambda index: {"x-sluicegate-shadow": "true", "x-request-id": f"id-{index}"})

    wait_until(lambda: len(new.seen()) == 20, message="20 copies")
    assert {one["headers"].get("x-sluicegate-shadow") for one in old.seen()} == {None}
    assert {one["headers"].get("x-sluicegate-shadow") for one in new.seen()} == {"true"}
    assert {(one["headers"]["x-request-id"], one["body"]) for one in new.seen()} == {
        (f"id-{n}", "{}") for n in range(20)
    }
    wait_until(lambda: copied(rig, "copy") == (20, 0), message="copies are counted")
    assert rig.counters()["test/flights/copy~grpc"].completed == 0


def copied(rig: Rig, predictor: str) -> tuple[int, int]:
    """Copies of calls that the judge is told of, and their errors."""
    now = rig.counters()
    mine = [each for name, each in now.items() if name.partition("@")[0] == f"test/flights/{predictor}~grpc~mirror"]
    return sum(each.completed for each in mine), sum(each.errors for each in mine)


def test_errors_of_copies_are_counted(rig: Rig, client: Client, servers: list[Backend]) -> None:
    """By the same statuses: a broken candidate gives itself away before any user sees it."""
    old, new = servers[:2]
    mirrors = (Mirror(predictor="erring", percentage=100),)
    rig.put(flights(share("fine", 100, old), share("erring", 0, new), mirrors=mirrors))

    for status in ("13", "3", "0", "2"):
        client.call("flights", headers={"x-answer": status})
    wait_until(lambda: copied(rig, "erring") == (4, 2), message="INTERNAL and UNKNOWN are errors")
    new.kill()
    wait_until(lambda: rig.counters()["test/flights/erring~grpc~mirror"].ready_servers == 0, message="it is gone")
    client.call("flights")

    wait_until(lambda: copied(rig, "erring") == (5, 3), message="so is a copy that nobody takes")


def test_only_predictions_are_mirrored_of_every_protocol(rig: Rig, client: Client, servers: list[Backend]) -> None:
    """A copy of feedback would be a second label."""
    old, new = servers[:2]
    rig.put(flights(share("old", 100, old), share("new", 0, new), mirrors=(Mirror(predictor="new", percentage=100),)))

    for method in (PREDICT, FEEDBACK, INFER):
        assert client.call("flights", method) == "server-0"

    wait_until(lambda: len(new.seen()) == 2, message="two copies")
    assert [one["path"] for one in old.seen()] == [PREDICT, FEEDBACK, INFER]
    assert sorted(one["path"] for one in new.seen()) == [INFER, PREDICT]


def test_a_predictor_that_answers_gets_no_copies_of_its_own_calls(
    rig: Rig, client: Client, servers: list[Backend]
) -> None:
    """Answering a part and mirrored: it sees each call once, whoever answered."""
    old, new = servers[:2]
    mirrors = (Mirror(predictor="new", percentage=100),)
    rig.put(flights(share("old", 50, old), share("new", 50, new), mirrors=mirrors))

    answers = client.many("flights", 200)

    wait_until(lambda: len(new.seen()) == 200, message="each call once")
    copies = [one for one in new.seen() if "x-sluicegate-shadow" in one["headers"]]
    assert len(copies) == answers["server-0"] == len(old.seen())


def test_a_header_chooses_and_a_user_stays(rig: Rig, client: Client, servers: list[Backend]) -> None:
    """As metadata; with a sticky header a user has by gRPC the predictor that he has over HTTP."""
    chosen = (HeaderRoute(header="x-test", value="yes", predictor="new"),)
    backends = (share("old", 50, servers[0]), share("new", 50, servers[1]))
    rig.put(flights(*backends, header_routes=chosen, sticky_header="x-user", sticky_salt="rollout"))
    users = [{"x-user": f"user-{number}"} for number in range(100)]

    assert client.many("flights", 20, lambda _: {"x-test": "yes"}) == {"server-1": 20}
    calls = [[client.call("flights", headers=user) for user in users] for _ in range(2)]
    assert calls[0] == calls[1] == rig.each("flights", users)
    assert set(calls[0]) == {"server-0", "server-1"}


def test_a_killed_server_costs_no_prediction(rig: Rig, servers: list[Backend]) -> None:
    """Kill -9 of one of two servers under load: calls that it held are made again to the other."""
    rig.put(flights(share("pair", 100, *servers[:2])))

    with Load(rig, "flights") as load:
        load.more()
        servers[0].kill()
        load.more(600)

    assert load.failures() == {}
    assert rig.counters()["test/flights/pair~grpc"].errors == 0


def test_a_draining_server_leaves_without_loss(rig: Rig, servers: list[Backend]) -> None:
    """503 on /ready, over HTTP, takes a server out of the rotation for gRPC."""
    rig.put(flights(share("drain", 100, *servers[:2])))

    with Load(rig, "flights") as load:
        load.more()
        servers[0].drain()
        wait_until(lambda: rig.counters()["test/flights/drain~grpc"].ready_servers == 1, 3, "one server left")
        before = len(servers[0].seen())
        load.more()

    assert load.failures() == {}
    assert len(servers[0].seen()) - before <= 4, "only what was under way when the gateway learned of it"


def test_a_server_of_others_that_knows_no_ready_path_is_called(
    rig: Rig, client: Client, servers: list[Backend]
) -> None:
    """Nothing listens at its port for HTTP; Kubernetes said that it is ready."""
    address = replace(servers[0].address, port=1, checked=False)
    rig.put(flights(Share(predictor="others", weight=100, addresses=(address,))))

    assert client.many("flights", 20) == {"server-0": 20}


def test_an_error_of_the_model_is_its_answer_and_counts_as_what_it_is(
    rig: Rig, client: Client, servers: list[Backend]
) -> None:
    """INTERNAL and UNKNOWN are the model's, INVALID_ARGUMENT the client's; none is retried, all arrive with words."""
    rig.put(flights(share("errs", 100, *servers[:2])))

    answers = [client.call("flights", headers={"x-answer": status}) for status in ("13", "2", "3", "0")]

    assert answers[:3] == ["INTERNAL", "UNKNOWN", "INVALID_ARGUMENT"]
    assert sum(len(server.seen()) for server in servers[:2]) == 4
    found = rig.counters()["test/flights/errs~grpc"]
    assert (found.completed, found.errors, found.client_errors) == (4, 2, 1)


def test_failures_that_the_gateway_answers_are_statuses_and_the_predictors_errors(
    rig: Rig, client: Client, servers: list[Backend]
) -> None:
    """No server and a time-out: users saw two errors, the statistics say two, and each says why."""
    gone = Backend("server-gone")
    gone.kill()
    choose = tuple(HeaderRoute(header="x-to", value=name, predictor=name) for name in ("gone", "slow"))
    backends = (share("good", 100, servers[0]), share("gone", 0, gone), share("slow", 0, servers[1]))
    rig.put(flights(*backends, header_routes=choose, grpc_timeout_ms=300))

    for headers, code, words in (
        ({"x-to": "gone"}, grpc.StatusCode.UNAVAILABLE, "NO_READY_SERVER: no server of this deployment is ready"),
        ({"x-to": "slow", "x-wait": "1"}, grpc.StatusCode.DEADLINE_EXCEEDED, "TIMEOUT: the server did not answer"),
    ):
        with pytest.raises(grpc.RpcError) as caught:
            client.ask("flights", headers=headers)
        assert caught.value.code() == code
        assert caught.value.details().startswith(words)

    counters = rig.counters()
    assert (counters["test/flights/gone~grpc"].completed, counters["test/flights/gone~grpc"].errors) == (1, 1)
    slow = counters["test/flights/slow~grpc"]
    assert (slow.completed, slow.errors, slow.timeouts, slow.slow(250)) == (1, 1, 1, 1)


def test_answer_times_are_counted_in_buckets(rig: Rig, client: Client, servers: list[Backend]) -> None:
    """Three answers after 120 ms: above 100, not above 250."""
    rig.put(flights(share("times", 100, servers[0])))

    client.many("flights", 3, lambda _: {"x-wait": "0.12"})

    times = wait_until(
        lambda: (one := rig.counters()["test/flights/times~grpc"]).timed == 3 and one, message="histogram"
    )
    assert (times.slow(100), times.slow(250)) == (3, 0)


def test_the_judge_gets_calls_and_requests_as_one_predictors(rig: Rig, client: Client, servers: list[Backend]) -> None:
    """Three predictions over HTTP, four by gRPC of which one failed: seven, one error, under one name."""
    rig.put(flights(share("both", 100, servers[0])))

    rig.predict("flights", 3)
    client.many("flights", 4, lambda index: {"x-answer": "13" if index == 2 else "0"})

    now = GatewaySample(clusters={name: cluster_counts(each) for name, each in rig.counters().items()})
    named = [(read_cluster_name(name), each) for name, each in increments(GatewaySample(), now, 1.0).clusters.items()]
    mine = [each for name, each in named if name is not None and name.predictor == "both"]
    assert (sum(each.requests for each in mine), sum(each.errors for each in mine)) == (7, 1)


def test_clients_cannot_set_the_gateways_own_headers(rig: Rig, client: Client, servers: list[Backend]) -> None:
    """Neither Envoy's orders nor our marks pass the door as metadata."""
    rig.put(flights(share("headers", 100, servers[0])))

    client.call("flights", headers={"x-envoy-max-retries": "9", "x-sluicegate-mirror-new": "a"})

    assert not {"x-envoy-max-retries", "x-sluicegate-mirror-new"} & set(servers[0].seen()[0]["headers"])


def test_a_call_that_names_no_deployment_says_what_to_send(rig: Rig, client: Client, servers: list[Backend]) -> None:
    """Nor does one reach a deployment of another namespace, or one whose servers speak HTTP only."""
    plain = Share(predictor="plain", weight=100, addresses=(replace(servers[1].address, grpc_port=0),))
    rig.put(flights(share("known", 100, servers[0])), Route(namespace="test", name="plain", backends=(plain,)))

    for name, more in (("unknown", {}), ("flights", {"namespace": "other"}), ("plain", {})):
        with pytest.raises(grpc.RpcError, match="send its name and its namespace as metadata seldon and namespace"):
            client.ask(name, headers=more)
    assert rig.predict("plain", 5) == {"server-1": 5}


def test_a_deployment_without_traffic_says_so_in_each_clients_form(
    rig: Rig, client: Client, servers: list[Backend]
) -> None:
    """503 in Seldon's form, and UNAVAILABLE."""
    rig.put(flights(share("idle", 0, servers[0])))

    answer = httpx.post(f"{rig.url}/seldon/test/flights/api/v1.0/predictions")

    assert (answer.status_code, answer.json()["status"]["reason"]) == (503, "NO_READY_SERVER")
    assert answer.json()["status"]["info"] == "no predictor of this deployment has traffic yet"
    assert client.call("flights") == "UNAVAILABLE"


def test_a_server_that_learns_grpc_is_called_without_a_gap(rig: Rig, servers: list[Backend]) -> None:
    """Under load over HTTP a predictor gets servers with a port for gRPC: nothing is lost, and calls are answered."""
    before = replace(servers[0].address, grpc_port=0)
    rig.put(flights(Share(predictor="v1", weight=100, addresses=(before,))))

    with gateway_rig.Load(rig, "flights") as load:
        load.more(100)
        rig.put(flights(share("v1", 100, servers[0])))
        calls = Client(rig)
        assert calls.many("flights", 50) == {"server-0": 50}
        calls.close()
        load.more(100)

    assert load.failures() == {}
