"""A real Envoy, fed by the door, keeps the promises that the gateway makes."""

import json
from collections.abc import Iterator
from math import sqrt

import pytest
from tests import plain_http
from tests.embedded import gateway_rig
from tests.embedded.gateway_rig import Load, Rig, flights, share
from tests.waiting import free_port, wait_until

from sluicegate.serving.gateway.routes import Address, Backend, HeaderRoute, Mirror

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """One gateway for all tests, as in life: tables follow each other and nothing restarts."""
    one = Rig(tmp_path_factory.mktemp("gateway"))
    yield one
    one.stop()


@pytest.fixture(scope="module")
def pool() -> Iterator[list[gateway_rig.Backend]]:
    """Servers that live on from test to test, unless a test kills them."""
    servers = [gateway_rig.Backend(f"server-{index}") for index in range(3)]
    yield servers
    for server in servers:
        server.kill()


@pytest.fixture
def servers(pool: list[gateway_rig.Backend]) -> list[gateway_rig.Backend]:
    """Three running, ready servers with an empty memory, called server-0, server-1 and server-2."""
    for index, server in enumerate(pool):
        if server.process.poll() is None:
            server.forget()
        else:
            pool[index] = gateway_rig.Backend(server.name)
    return pool


@pytest.mark.parametrize("weight", [0, 100])
def test_none_and_all_are_exact(rig: Rig, servers: list[gateway_rig.Backend], weight: int) -> None:
    """At 0 a predictor gets no request of 2000, at 100 it gets each."""
    rig.put(flights(share("old", 100 - weight, servers[0]), share("new", weight, servers[1])))

    assert rig.predict("flights", 2000) == {f"server-{weight // 100}": 2000}


def test_a_quarter_is_a_quarter(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """25 % of 2400 requests, within five standard deviations of the binomial: wrong by chance once in two million."""
    rig.put(flights(share("old", 75, servers[0]), share("new", 25, servers[1])))

    answers = rig.predict("flights", 2400)

    assert abs(answers["server-1"] - 600) <= 5 * sqrt(2400 * 0.25 * 0.75)
    assert answers.total() == answers["server-0"] + answers["server-1"]


def test_switching_under_load_loses_nothing(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """New predictors appear, take over and go, together with their servers, and every request is answered."""
    rig.put(flights(share("v0", 100, servers[0])))

    with Load(rig, "flights") as load:
        for turn in range(1, 7):
            load.more(150)
            rig.put(flights(share(f"v{turn}", 100, servers[turn % 3])))
        load.more(150)

    assert load.failures() == {}


def test_copies_are_marked_and_originals_are_not(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """A mirrored request arrives with the header, under the same id; its original arrives without, forged or not."""
    old, new = servers[:2]
    rig.put(flights(share("old", 100, old), share("new", 0, new), mirrors=(Mirror(predictor="new", percentage=100),)))

    rig.predict("flights", 20, lambda index: {"x-sluicegate-shadow": "true", "x-request-id": f"id-{index}"})

    wait_until(lambda: len(new.seen()) == 20, message="20 copies")
    assert {one["headers"].get("x-sluicegate-shadow") for one in old.seen()} == {None}
    assert {one["headers"].get("x-sluicegate-shadow") for one in new.seen()} == {"true"}
    assert {one["headers"]["x-request-id"] for one in new.seen()} == {f"id-{index}" for index in range(20)}
    assert {one["path"] for one in new.seen()} == {"/api/v1.0/predictions"}


def test_part_of_the_requests_is_mirrored(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """30 % of 1500 requests, within five standard deviations; counted apart from what users get."""
    old, new = servers[:2]
    rig.put(flights(share("half", 100, old), share("copy", 0, new), mirrors=(Mirror(predictor="copy", percentage=30),)))

    rig.predict("flights", 1500)

    wait_until(lambda: rig.counters()["test/flights/copy~mirror"].completed == len(new.seen()), message="all counted")
    assert abs(len(new.seen()) - 450) <= 5 * sqrt(1500 * 0.3 * 0.7)
    assert rig.counters()["test/flights/copy"].completed == 0
    assert rig.counters()["test/flights/half"].completed == 1500


def test_a_mirrored_predictor_gets_no_copies_of_its_own_requests(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """Answering a part and mirrored: it sees each request once, whoever answered."""
    old, new = servers[:2]
    mirrors = (Mirror(predictor="new", percentage=100),)
    rig.put(flights(share("old", 50, old), share("new", 50, new), mirrors=mirrors))

    answers = rig.predict("flights", 200)

    wait_until(lambda: len(new.seen()) == 200, message="each request once")
    copies = [one for one in new.seen() if "x-sluicegate-shadow" in one["headers"]]
    assert len(copies) == answers["server-0"] == len(old.seen())


def test_a_header_chooses_the_predictor(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """Whatever the weights; exact, prefix and pattern; others follow the weights."""
    routes = (
        HeaderRoute(header="x-test", value="yes", predictor="new"),
        HeaderRoute(header="x-team", value="data-", predictor="new", match="prefix"),
        HeaderRoute(header="x-user", value="[0-9]+-beta", predictor="new", match="regex"),
    )
    rig.put(flights(share("old", 100, servers[0]), share("new", 0, servers[1]), header_routes=routes))

    for headers in ({"x-test": "yes"}, {"x-team": "data-science"}, {"x-user": "17-beta"}):
        assert rig.predict("flights", 5, lambda _, sent=headers: sent) == {"server-1": 5}
    for headers in ({"x-test": "yes!"}, {"x-team": "a-data-"}, {"x-user": "17-beta-2"}, {}):
        assert rig.predict("flights", 5, lambda _, sent=headers: sent) == {"server-0": 5}


def test_a_user_stays_with_a_predictor(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """Every one of 800 users gets the same predictor each time; a fifth of them the new one; the salt deals anew."""

    def assignment(salt: str) -> list[str]:
        rig.put(
            flights(
                share("old", 80, servers[0]), share("new", 20, servers[1]), sticky_header="x-user", sticky_salt=salt
            )
        )
        users = [{"x-user": f"user-{number}"} for number in range(800)]
        first, second = (rig.each("flights", users) for _ in range(2))
        assert first == second
        return first

    first, second = assignment("rollout-1"), assignment("rollout-2")

    for one in (first, second):
        assert abs(one.count("server-1") - 160) <= 5 * sqrt(800 * 0.2 * 0.8)
    assert first != second
    assert set(rig.predict("flights", 100)) == {"server-0", "server-1"}


def test_a_killed_server_costs_no_prediction(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """Kill -9 of one of two servers under load: what it held is asked again of the other."""
    rig.put(flights(share("pair", 100, *servers[:2])))

    with Load(rig, "flights") as load:
        load.more()
        servers[0].kill()
        load.more(600)

    assert load.failures() == {}


def test_a_draining_server_leaves_without_loss(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """503 on /ready takes a server out of the rotation within about a second; nobody notices."""
    rig.put(flights(share("drain", 100, *servers[:2])))

    with Load(rig, "flights") as load:
        load.more()
        servers[0].drain()
        wait_until(lambda: rig.counters()["test/flights/drain"].ready_servers == 1, 3, "one server left")
        before = len(servers[0].seen())
        load.more()

    assert load.failures() == {}
    assert len(servers[0].seen()) - before <= 4, "only what was under way when the gateway learned of it"


def test_feedback_is_sent_once(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """A server that breaks the connection may have counted the label: feedback is not tried again."""
    rig.put(flights(share("fragile", 100, *servers[:2])))
    base = f"{rig.url}/seldon/test/flights/api/v1.0"

    answers = [plain_http.post(f"{base}/{verb}", headers={"x-break": "1"}) for verb in ("feedback", "predictions")]

    seen = [one["path"] for server in servers[:2] for one in server.seen()]
    assert [one.status_code for one in answers] == [503, 503]
    assert seen.count("/api/v1.0/feedback") == 1
    assert seen.count("/api/v1.0/predictions") == 3
    assert answers[0].json()["status"]["reason"] == "SERVER_LOST"


def test_an_error_of_the_model_is_not_retried(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """A 500 is an answer. It counts as an error of its predictor, once."""
    rig.put(flights(share("errs", 100, *servers[:2])))

    assert rig.predict("flights", 3, lambda _: {"x-answer": "500"}) == {"500": 3}

    assert sum(len(server.seen()) for server in servers[:2]) == 3
    assert (rig.counters()["test/flights/errs"].completed, rig.counters()["test/flights/errs"].errors) == (3, 3)


def test_failures_that_the_gateway_answers_count_as_the_predictors_errors(
    rig: Rig, servers: list[gateway_rig.Backend]
) -> None:
    """No server, a time-out and a lost connection: users saw three errors, the statistics say three."""
    choose = tuple(HeaderRoute(header="x-to", value=name, predictor=name) for name in ("none", "slow"))
    absent = Backend(predictor="none", weight=0)
    rig.put(
        flights(
            share("good", 100, servers[0]), absent, share("slow", 0, servers[1]), header_routes=choose, timeout_ms=300
        )
    )

    assert rig.predict("flights", 2, lambda _: {"x-to": "none"}) == {"503": 2}
    assert rig.predict("flights", 1, lambda _: {"x-to": "slow", "x-wait": "1"}) == {"504": 1}
    assert rig.predict("flights", 1, lambda _: {"x-to": "slow", "x-break": "1"}) == {"503": 1}

    counters = rig.counters()
    assert (counters["test/flights/none"].completed, counters["test/flights/none"].errors) == (2, 2)
    slow = counters["test/flights/slow"]
    assert (slow.completed, slow.errors, slow.timeouts, slow.slow(250)) == (2, 2, 1, 1)


def test_answer_times_are_counted_in_buckets(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """Three answers after 120 ms: above 100, not above 250."""
    rig.put(flights(share("times", 100, servers[0])))

    rig.predict("flights", 3, lambda _: {"x-wait": "0.12"})

    times = wait_until(lambda: (one := rig.counters()["test/flights/times"]).timed == 3 and one, message="histogram")
    assert (times.slow(100), times.slow(250)) == (3, 0)


def test_a_request_has_one_id_all_the_way(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """The client's id is not touched, not even as a UUID; without one the gateway makes it; the answer has it."""
    rig.put(flights(share("ids", 100, servers[0])))
    given = ["my-id", "11111111-2222-3333-4444-555555555555"]
    url = f"{rig.url}/seldon/test/flights/api/v1.0/predictions"

    answered = [plain_http.post(url, headers={"x-request-id": one}).headers["x-request-id"] for one in given]
    made = plain_http.post(url).headers["x-request-id"]

    assert answered == given
    assert [one["headers"]["x-request-id"] for one in servers[0].seen()] == [*given, made]


def test_clients_cannot_set_the_gateways_own_headers(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """Neither Envoy's orders (a longer time limit, more retries) nor our marks pass the door."""
    rig.put(flights(share("headers", 100, servers[0])))

    rig.predict(
        "flights",
        1,
        lambda _: {"x-envoy-max-retries": "9", "x-sluicegate-mirror-new": "a", "X-Sluicegate-Shadow": "true"},
    )

    seen = servers[0].seen()[0]["headers"]
    assert not {"x-envoy-max-retries", "x-sluicegate-mirror-new", "x-sluicegate-shadow"} & set(seen)


def test_the_access_log_has_a_line_of_json_for_each_request(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """With the id, the deployment and kind of request, and the predictor."""
    rig.put(flights(share("logged", 100, servers[0])))

    rig.predict("flights", 1, lambda _: {"x-request-id": "logged-1"})

    wait_until(lambda: "logged-1" in rig.access_log.read_text(), message="the line")
    line = next(json.loads(one) for one in rig.access_log.read_text().splitlines() if "logged-1" in one)
    assert (line["status"], line["cluster"]) == (200, "test/flights/logged")
    assert (line["route"], line["path"]) == ("test/flights/predictions", "/api/v1.0/predictions")


@pytest.mark.parametrize("path", ["/", "/seldon/test/unknown/api/v1.0/predictions", "/seldon/test/flights"])
def test_an_unknown_deployment_is_a_404(rig: Rig, servers: list[gateway_rig.Backend], path: str) -> None:
    """In Seldon's form, so that clients meet one form of error only."""
    rig.put(flights(share("known", 100, servers[0])))

    answer = plain_http.get(rig.url + path)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/json")
    assert answer.json()["status"]["reason"] == "DEPLOYMENT_NOT_FOUND"


def test_a_refused_table_is_reported_and_the_old_one_stays(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """Python takes this pattern, Envoy does not. Its own words are told; a good table later clears them."""
    good = flights(share("stays", 100, servers[0]))
    rig.put(good)
    bad = HeaderRoute(header="x-user", value="(?=look)ahead", predictor="stays", match="regex")

    rig.door.publish((flights(share("stays", 100, servers[0]), header_routes=(bad,)),))

    rejected = wait_until(lambda: rig.door.acknowledged().rejected, message="a refusal")
    assert "invalid perl operator" in rejected
    assert rig.predict("flights", 10) == {"server-0": 10}
    rig.put(good)
    assert rig.door.acknowledged().rejected == ""


def test_envoy_restarts_and_gets_all_again(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """After kill -9 of Envoy the next one serves the same table."""
    rig.put(flights(share("again", 100, servers[0])))
    rig.stop_envoy()

    rig.start_envoy()

    wait_until(rig.listens, message="the new gateway listens")
    assert rig.predict("flights", 10) == {"server-0": 10}
    assert rig.door.acknowledged().traffic == {("test", "flights"): {"again": 100}}


def test_quick_restarts_of_envoy_refuse_nothing(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """Killed as soon as it has asked for its clusters, again and again: the last one is served without a wait."""
    rig.put(flights(share("quick", 100, servers[0])))
    for _ in range(4):
        rig.stop_envoy()
        rig.start_envoy()
        wait_until(rig.asks, message="the new gateway asks")

    wait_until(rig.listens, 6.0, "the last gateway listens, before anything refused would be offered again")

    assert rig.door.acknowledged().rejected == ""
    assert rig.predict("flights", 10) == {"server-0": 10}


def test_the_door_restarts_and_envoy_keeps_serving(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """While the plane is away, and while a new one publishes something else, every request is answered."""
    rig.put(flights(share("before", 100, servers[0])))

    with Load(rig, "flights") as load:
        rig.stop_door()
        load.more()
        rig.start_door()
        load.more()
        rig.put(flights(share("after", 100, servers[1])))
        load.more()

    assert load.failures() == {}
    assert rig.predict("flights", 10) == {"server-1": 10}


def test_a_new_door_recognises_what_envoy_has(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """The same table from a new process is in force at once: versions follow from content."""
    table = flights(share("same", 100, servers[0]))
    rig.put(table)
    rig.stop_door()

    rig.start_door()
    rig.put(table)

    assert rig.door.acknowledged().traffic == {("test", "flights"): {"same": 100}}


def test_a_server_that_never_answered_gets_nothing(rig: Rig, servers: list[gateway_rig.Backend]) -> None:
    """An address without a process does not fail requests while another server is ready."""
    dead = Address(host="127.0.0.1", port=free_port())
    rig.put(flights(Backend(predictor="partly", weight=100, addresses=(dead, servers[0].address))))

    assert rig.predict("flights", 100) == {"server-0": 100}
