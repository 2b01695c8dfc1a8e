"""A Python class that misbehaves on demand costs its own requests, and nobody else's."""

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests import plain_http
from tests.embedded.model_server.rig import Running, serving
from tests.waiting import wait_until

pytestmark = pytest.mark.embedded

USER_CLASS = """
import sys, time
class Moody:
    def predict(self, X, names):
        mood = X if isinstance(X, str) else "well"
        if mood == "crash": raise RuntimeError("no")
        if mood == "exit": sys.exit(3)
        if mood == "nan": return [[float("nan")]]
        if mood.startswith("slow"): time.sleep(float(mood[4:]))
        return mood
    def health_status(self):
        return {"mood": "well"}
"""


@pytest.fixture(scope="module")
def moody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A Python class that misbehaves on demand."""
    directory = tmp_path_factory.mktemp("moody")
    (directory / "moods.py").write_text(USER_CLASS)
    options = ("--implementation", "moods.Moody", "--model-uri", str(directory), "--request-timeout-seconds", "1")
    with serving(directory, *options) as running:
        wait_until(running.ready, deadline=60)
        yield running


@pytest.mark.parametrize("mood", ["crash", "exit", "nan"])
def test_a_crash_of_the_model_costs_its_own_request(moody: Running, mood: str) -> None:
    """Exceptions, sys.exit and NaN are 500; the server lives on."""
    answer = moody.client.post("/predict", json={"strData": mood})

    assert answer.status_code == 500
    assert answer.json()["status"]["reason"] == "MICROSERVICE_INTERNAL_ERROR"
    assert moody.client.post("/predict", json={"strData": "well"}).json()["strData"] == "well"
    assert moody.client.get("/health/status").json() == {"mood": "well"}


def test_a_slow_model_stalls_neither_health_nor_patience(moody: Running) -> None:
    """While it thinks /live answers; after the limit the client gets 504."""
    answers: list[httpx.Response] = []
    asking = threading.Thread(
        target=lambda: answers.append(
            plain_http.post(f"http://127.0.0.1:{moody.port}/predict", json={"strData": "slow2"})
        )
    )
    asking.start()
    wait_until(lambda: "in_flight{" in (text := moody.client.get("/prometheus").text) and "} 1.0" in text)

    assert moody.client.get("/live").elapsed.total_seconds() < 1
    asking.join(10)
    assert answers[0].status_code == 504


def test_a_terminated_server_finishes_what_it_began(moody: Running, tmp_path: Path) -> None:
    """Not ready at once, the answer under way is given, exit code 0."""
    (tmp_path / "moods.py").write_text(USER_CLASS)
    options = ("--implementation", "moods.Moody", "--model-uri", str(tmp_path), "--drain-seconds", "4")
    with serving(tmp_path, *options) as server:
        wait_until(server.ready, deadline=60)
        answers: list[httpx.Response] = []
        url = f"http://127.0.0.1:{server.port}/predict"
        asking = threading.Thread(target=lambda: answers.append(plain_http.post(url, json={"strData": "slow1"})))
        asking.start()
        wait_until(lambda: "} 1.0" in server.client.get("/prometheus").text)
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: server.client.get("/ready").status_code == 503)

        asking.join(10)

        assert answers[0].json()["strData"] == "slow1"
        assert server.process.wait(10) == 0
