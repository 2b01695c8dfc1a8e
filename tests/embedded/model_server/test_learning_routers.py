"""Routers that learn, in real processes: what one is told all know, and neither a kill nor a restart forgets it."""

import json
import re
import signal
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests import plain_http
from tests.embedded.collector_rig import Collector, running
from tests.embedded.model_server.grpc_rig import message, serving_grpc
from tests.embedded.model_server.rig import PREDICT, Running, serving
from tests.waiting import wait_until

pytestmark = pytest.mark.embedded

FEEDBACK = "/api/v1.0/feedback"
ASKED = {"data": {"ndarray": [[1.0], [2.0]]}}
PLACE = {"SELDON_DEPLOYMENT_ID": "flights", "PREDICTOR_ID": "main"}


def graph(implementation: str = "EPSILON_GREEDY", children: str = "ab", **parameters: str) -> str:
    """A router above models that all answer alike."""
    stated = [{"name": name, "value": value} for name, value in parameters.items()]
    below = [{"name": name, "implementation": "SIMPLE_MODEL"} for name in children]
    root = {"name": "r", "implementation": implementation, "children": below, "parameters": stated}
    return json.dumps({"name": "main", "graph": root})


def asked(server: Running) -> dict[str, Any]:
    """An answer."""
    found: dict[str, Any] = server.client.post(PREDICT, json=ASKED).raise_for_status().json()
    return found


def rewarded(server: Running, branch: int, reward: float) -> None:
    """Feedback for an answer of this branch."""
    body = {"request": ASKED, "response": {"meta": {"routing": {"r": branch}}}, "reward": reward}
    server.client.post(FEEDBACK, json=body).raise_for_status()


def known(server: Running, arm: str) -> float:
    """The trials that a server knows of an arm."""
    text = server.client.get("/prometheus").text
    found = re.search(rf'sluicegate_router_known_trials\{{[^}}]*arm="{arm}"\}} (\S+)', text)
    return float(found[1]) if found else -1.0


def at_home(collector: Collector) -> Any:
    """What the collector tells of the router."""
    told = plain_http.get(f"{collector.url}/v1/deployments/default/flights/routers").json()
    return told["predictors"].get("main", {}).get("r", {})


def test_two_servers_share_a_home_and_kill_9_forgets_nothing_that_was_answered(tmp_path: Path) -> None:
    with ExitStack() as stack:
        collector = stack.enter_context(running(tmp_path / "data"))
        options = ("--graph", graph(epsilon="0"), "--router-home", collector.url)
        one, other = (stack.enter_context(serving(tmp_path, *options, **PLACE)) for _ in range(2))
        for each in (one, other):
            wait_until(each.ready, 60)

        for _ in range(5):
            rewarded(one, 1, 1.0)
        one.process.send_signal(signal.SIGKILL)
        one.process.wait(10)

        assert at_home(collector)["b"] == {"trials": 10, "reward": 10.0}
        rewarded(other, 0, 0.0)
        assert known(other, "b") == 10
        assert {asked(other)["meta"]["routing"]["r"] for _ in range(20)} == {1}
        again = stack.enter_context(serving(tmp_path, *options, **PLACE))
        wait_until(again.ready, 60)
        assert (known(again, "a"), known(again, "b")) == (2, 10)


def test_while_the_home_is_away_routing_goes_on_and_nothing_is_missing_later(tmp_path: Path) -> None:
    with running(tmp_path / "data") as collector:
        options = ("--graph", graph("THOMPSON_SAMPLING"), "--router-home", collector.url)
        with serving(tmp_path, *options, **PLACE) as server:
            wait_until(server.ready, 60)
            rewarded(server, 0, 1.0)
            collector.end(signal.SIGKILL)

            rewarded(server, 0, 0.5)
            assert asked(server)["meta"]["routing"]["r"] in (0, 1)
            assert "sluicegate_router_feedback_kept_back" in server.client.get("/prometheus").text
            collector.start()

            wait_until(lambda: at_home(collector).get("a") == {"trials": 4, "reward": 3.0}, 15)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(20) == 0


def test_workers_of_one_port_share_a_file(tmp_path: Path) -> None:
    """Each connection meets one of them; what it was told the other knows within a second or two."""
    options = ("--workers", "2", "--graph", graph(), "--router-home", str(tmp_path / "home.sqlite"))
    with serving(tmp_path, *options) as server:
        wait_until(server.ready, 60)
        for _ in range(8):
            with plain_http.client(base_url=f"http://127.0.0.1:{server.port}", timeout=10) as client:
                body = {"response": {"meta": {"routing": {"r": 1}}}, "reward": 1.0}
                client.post(FEEDBACK, json=body).raise_for_status()

        def told() -> list[float]:
            text = server.client.get("/prometheus").text
            return [float(each) for each in re.findall(r'sluicegate_router_known_trials\{[^}]*arm="b"\} (\S+)', text)]

        wait_until(lambda: told() == [8.0, 8.0], 15, "both workers know all")


def test_a_file_keeps_what_was_learnt_by_the_arms_names(tmp_path: Path) -> None:
    """Another graph of the same unit takes over the arms that it still has, wherever they stand."""
    home = str(tmp_path / "home.sqlite")
    with serving(tmp_path, "--graph", graph(), "--router-home", home) as server:
        wait_until(server.ready, 60)
        rewarded(server, 1, 1.0)
    with serving(tmp_path, "--graph", graph(children="bcd"), "--router-home", home) as server:
        wait_until(server.ready, 60)

        assert [known(server, arm) for arm in "bcd"] == [2, 0, 0]


def test_a_reward_beyond_one_and_a_branch_that_is_none(tmp_path: Path) -> None:
    with serving(tmp_path, "--graph", graph()) as server:
        wait_until(server.ready, 60)
        body = {"response": {"meta": {"routing": {"r": 0}}}, "reward": 5}

        refused = server.client.post(FEEDBACK, json=body)
        for branch in (-1, 7):
            rewarded(server, branch, 1.0)

        assert refused.status_code == 400
        assert "router 'r' learns by it" in refused.json()["status"]["info"]
        assert (known(server, "a"), known(server, "b")) == (0, 0)


def test_a_router_alone_is_asked_and_taught_by_grpc(tmp_path: Path) -> None:
    """As the class of Seldon's image, which a graph of another process leads to."""
    parameters = json.dumps([{"name": "n_branches", "value": "2", "type": "INT"}])
    options = ("EpsilonGreedy", "--service-type", "ROUTER", "--parameters", parameters, "--name", "r")
    with serving_grpc(tmp_path, *options) as made:
        sent = message("seldon.protos.SeldonMessage", data={"ndarray": [[1.0]]})
        branch = made.call("seldon.protos.Router/Route", sent)
        told = message(
            "seldon.protos.Feedback",
            request={"data": {"ndarray": [[1.0]]}},
            reward=1,
            response={"meta": {"routing": {"r": 1}}},
        )
        made.call("seldon.protos.Router/SendFeedback", told)

        assert branch.data.ndarray.values[0].list_value.values[0].number_value in (0, 1)
        assert known(made.server, "1") == 1
        assert made.server.client.post("/route", json=ASKED).json()["data"]["ndarray"][0][0] in (0, 1)
