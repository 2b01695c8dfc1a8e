"""A real Envoy behind a real door, real backends as processes, and a load of requests, for the gateway's tests."""

import asyncio
import http.client
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
from tests import plain_http
from tests.waiting import free_port, wait_until

from sluicegate.serving.gateway.binary import find_envoy
from sluicegate.serving.gateway.bootstrap import Bootstrap, bootstrap, command
from sluicegate.serving.gateway.listener import Front
from sluicegate.serving.gateway.routes import Address, Route
from sluicegate.serving.gateway.routes import Backend as Share
from sluicegate.serving.gateway.statistics import STATISTICS_PATH, ClusterCounters, read_statistics
from sluicegate.serving.gateway.xds import XdsDoor

Headers = Callable[[int], dict[str, str]]
BACKEND = Path(__file__).parents[1] / "fakes" / "model_backend.py"


class Backend:
    """One server process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.process = self.launch()
        wait_until(self._answers, message=f"backend {name}")

    def launch(self) -> "subprocess.Popen[bytes]":
        """Start it at a free port."""
        self.address = Address(host="127.0.0.1", port=free_port())
        return subprocess.Popen([sys.executable, str(BACKEND), str(self.address.port), self.name])

    def seen(self) -> list[dict[str, Any]]:
        """Requests that it got, health checks apart."""
        return plain_http.get(f"{self._url}/seen").json()

    def drain(self) -> None:
        """Answer 503 on /ready from now on."""
        plain_http.post(f"{self._url}/drain")

    def forget(self) -> None:
        """Forget the requests that it got, and be ready."""
        plain_http.post(f"{self._url}/forget")

    def kill(self) -> None:
        """As ``kill -9`` does."""
        self.process.kill()
        self.process.wait()

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self.address.port}"

    def _answers(self) -> bool:
        try:
            return plain_http.get(f"{self._url}/ready").is_success
        except httpx.TransportError:
            return False


def share(predictor: str, weight: int, *servers: Backend) -> Share:
    """A predictor with running servers."""
    return Share(predictor=predictor, weight=weight, addresses=tuple(one.address for one in servers))


def flights(*backends: Share, **more: object) -> Route:
    """A route of the deployment test/flights."""
    return Route(namespace="test", name="flights", backends=backends, **more)  # type: ignore[arg-type]


class Rig:
    """Door, Envoy and addresses. ``restart_*`` replace one of them as a crash would.

    ``elsewhere``: fronts of further Envoys, by node id, that the test starts itself.
    """

    def __init__(self, home: Path, elsewhere: dict[str, Front] | None = None) -> None:
        self.home, self.elsewhere = home, elsewhere
        self.control, self.front, self.admin = (Address(host="127.0.0.1", port=free_port()) for _ in range(3))
        self.log, self.access_log = home / "envoy.log", home / "access.log"
        document = bootstrap(Bootstrap(control_plane=self.control, admin=self.admin))
        (home / "bootstrap.json").write_text(json.dumps(document))
        self.url = f"http://127.0.0.1:{self.front.port}"
        self.start_door()
        self.start_envoy()

    def start_door(self) -> None:
        """A new door, which knows nothing."""
        front = Front(address=self.front, access_log=str(self.access_log))
        self.door = XdsDoor(front, elsewhere=self.elsewhere)
        self.loop = asyncio.new_event_loop()
        self.served = self.loop.create_task(self.door.serve(self.control.host, self.control.port))
        self.thread = threading.Thread(target=self._run_loop)
        self.thread.start()

    def stop_door(self) -> None:
        """The plane goes away; Envoy stays."""
        self.loop.call_soon_threadsafe(self.served.cancel)
        self.thread.join()

    def _run_loop(self) -> None:
        with suppress(asyncio.CancelledError):
            self.loop.run_until_complete(self.served)

    def start_envoy(self) -> None:
        """A new Envoy, which knows nothing."""
        with self.log.open("ab") as log:
            self.envoy = subprocess.Popen(command(find_envoy(), self.home / "bootstrap.json"), stderr=log)

    def stop_envoy(self) -> None:
        """As ``kill -9`` does."""
        self.envoy.kill()
        self.envoy.wait()

    def stop(self) -> None:
        """End everything."""
        self.stop_envoy()
        self.stop_door()

    def asks(self) -> bool:
        """Whether Envoy has a connection to the door."""
        found = psutil.Process(self.envoy.pid).net_connections("tcp")
        return any(each.raddr and each.raddr.port == self.control.port for each in found)

    def put(self, *routes: Route) -> None:
        """Publish, and wait until Envoy has it in force and listens."""
        version = self.door.publish(routes)
        wait_until(lambda: self.door.acknowledged().version == version, message=f"{self.door.acknowledged()}")
        wait_until(self.listens, message="the gateway listens")

    def listens(self) -> bool:
        """Whether the gateway answers at all."""
        try:
            return plain_http.get(self.url).status_code == 404
        except httpx.TransportError:
            return False

    def counters(self) -> dict[str, ClusterCounters]:
        """Envoy's statistics as the collector reads them."""
        return read_statistics(plain_http.get(f"http://127.0.0.1:{self.admin.port}{STATISTICS_PATH}").text)

    def predict(self, name: str, count: int = 1, headers: Headers = lambda _: {}) -> Counter[str]:
        """How many of ``count`` predictions each server answered; failures under their status."""
        return Counter(self.each(name, [headers(index) for index in range(count)]))

    def each(self, name: str, headers: list[dict[str, str]]) -> list[str]:
        """The server that answered, for each request's headers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.front.port)
        answers = [ask(connection, name, sent) for sent in headers]
        connection.close()
        return answers


def ask(connection: http.client.HTTPConnection, name: str, headers: dict[str, str]) -> str:
    """The server that answered a prediction, or the status of the failure."""
    connection.request("POST", f"/seldon/test/{name}/api/v1.0/predictions", b"{}", headers)
    response = connection.getresponse()
    content = response.read()
    return str(json.loads(content)["server"]) if response.status == 200 else str(response.status)


class Load:
    """Predictions without pause from a few clients, until the block ends."""

    def __init__(self, rig: Rig, name: str, clients: int = 4) -> None:
        self.rig, self.name = rig, name
        self.answers: Counter[str] = Counter()
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self._client) for _ in range(clients)]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def more(self, count: int = 300) -> None:
        """Wait for ``count`` further answers."""
        goal = self.answers.total() + count
        wait_until(lambda: self.answers.total() >= goal, message="load goes on")

    def failures(self) -> dict[str, int]:
        """Answers that are no server's, by status or error."""
        return {answer: count for answer, count in self.answers.items() if not answer.startswith("server")}

    def _client(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.rig.front.port, timeout=10)
        while not self.stopped.is_set():
            try:
                answer = ask(connection, self.name, {})
            except (OSError, http.client.HTTPException) as error:
                answer = type(error).__name__
                connection.close()
            self.answers[answer] += 1
        connection.close()
