"""Two real Envoys at one door, as two gateway pods at an operator: both are fed, and a table needs both."""

import json
import subprocess
from collections.abc import Iterator

import pytest
from tests import plain_http
from tests.embedded.gateway_rig import Backend, Rig
from tests.waiting import free_port, wait_until

from sluicegate.serving.gateway import routes
from sluicegate.serving.gateway.binary import find_envoy
from sluicegate.serving.gateway.bootstrap import Bootstrap, bootstrap, command
from sluicegate.serving.gateway.envoy import render
from sluicegate.serving.gateway.listener import Front
from sluicegate.serving.gateway.routes import Address, Route

pytestmark = pytest.mark.embedded
FIRST, SECOND = "sluicegate-gateway", "gateway-2"


class Pair(Rig):
    """A rig with a second Envoy: it finds the door by name, and its command line says who it is."""

    def start_second(self) -> None:
        """A new process of the second Envoy."""
        control = Address(host="localhost", port=self.control.port)
        admin = Address(host="127.0.0.1", port=free_port())
        document = bootstrap(Bootstrap(control_plane=control, admin=admin, node=""))
        path = self.home / "second.json"
        path.write_text(json.dumps(document))
        with (self.home / "second.log").open("ab") as log:
            self.second = subprocess.Popen(command(find_envoy(), path, node=SECOND), stderr=log)

    def stop_second(self) -> None:
        """As ``kill -9`` does."""
        self.second.kill()
        self.second.wait()

    @property
    def second_url(self) -> str:
        """Where the second Envoy listens."""
        assert self.elsewhere
        return f"http://127.0.0.1:{self.elsewhere[SECOND].address.port}"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both Envoys, for all tests."""
    address = Address(host="127.0.0.1", port=free_port())
    one = Pair(tmp_path_factory.mktemp("gateways"), elsewhere={SECOND: Front(address=address)})
    one.start_second()
    wait_until(lambda: set(one.door.by_node()) == {FIRST, SECOND}, message="both poll")
    yield one
    one.stop_second()
    one.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[Backend]:
    """A running server."""
    one = Backend("server-0")
    yield one
    one.kill()


def flights(predictor: str, server: Backend) -> Route:
    """Everything to ``predictor``."""
    share = routes.Backend(predictor=predictor, weight=100, addresses=(server.address,))
    return Route(namespace="test", name="flights", backends=(share,))


def version_at(url: str) -> str:
    """What an Envoy says that it has in force."""
    answer = plain_http.get(f"{url}/.sluicegate/version")
    assert answer.headers["content-type"] == "application/json"
    return str(answer.json()["version"])


def ask(url: str) -> str:
    """Who answers a prediction there."""
    return str(plain_http.post(f"{url}/seldon/test/flights/api/v1.0/predictions", json={}).json()["server"])


def test_both_are_fed(pair: Pair, server: Backend) -> None:
    """And both answer, and say the version of the routes that they have."""
    route = flights("fed", server)
    pair.put(route)

    told = pair.door.by_node()

    assert {one.version for one in told.values()} == {pair.door.acknowledged().version}
    assert [ask(url) for url in (pair.url, pair.second_url)] == ["server-0", "server-0"]
    assert {version_at(url) for url in (pair.url, pair.second_url)} == {render((route,)).routes_version}


def test_a_table_waits_for_the_slower_one(pair: Pair, server: Backend) -> None:
    """The second Envoy is stopped for a while: the first has the table, the gateway as a whole has not."""
    pair.put(flights("before", server))
    before = pair.door.acknowledged()
    pair.second.send_signal(19)  # SIGSTOP: its polls stay open

    version = pair.door.publish((flights("after", server),))

    wait_until(lambda: pair.door.by_node()[FIRST].version == version, message="the first has it")
    assert pair.door.acknowledged() == before
    pair.second.send_signal(18)  # SIGCONT
    wait_until(lambda: pair.door.acknowledged().version == version, message="both have it")
    assert pair.door.acknowledged().traffic == {("test", "flights"): {"after": 100}}


def test_one_that_is_killed_is_not_waited_for(pair: Pair, server: Backend) -> None:
    """Its connections end with it; when it comes back it is fed again, and counts again."""
    pair.put(flights("both", server))
    pair.stop_second()

    version = pair.door.publish((flights("alone", server),))

    wait_until(lambda: pair.door.acknowledged().version == version, message="the first is enough")
    assert set(pair.door.by_node()) == {FIRST}
    pair.start_second()
    wait_until(lambda: pair.door.by_node().get(SECOND) == pair.door.acknowledged(), message="the second has it again")
    assert ask(pair.second_url) == "server-0"
