"""Several processes behind one port: figures of all, a dead or a silent one replaced, no request refused meanwhile."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from tests import plain_http
from tests.embedded.model_server.rig import GOOD, PREDICT, Running, serving
from tests.waiting import free_port, wait_until

COUNT = "seldon_api_executor_server_requests_seconds_count"


def _pids(server: Running) -> set[int]:
    children = psutil.Process(server.process.pid).children()
    return {child.pid for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE}


def _asked(server: Running, times: int) -> list[int]:
    """Statuses of requests, each on a connection of its own."""
    found = []
    for _ in range(times):
        with plain_http.client(base_url=f"http://127.0.0.1:{server.port}", timeout=10) as client:
            found.append(client.post(PREDICT, json=GOOD).status_code)
    return found


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/ready").status_code == 200
    except httpx.TransportError:
        return False


def _counted(text: str, code: str = "200") -> int:
    lines = [line for line in text.splitlines() if line.startswith(COUNT)]
    told = [line for line in lines if 'service="predictions"' in line and f'code="{code}"' in line]
    return sum(int(line.rpartition(" ")[2]) for line in told)


@pytest.fixture(scope="module")
def pair(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    options = ("--model-uri", bundle.as_uri(), "--workers", "2", "--worker-silence-seconds", "8")
    with serving(tmp_path_factory.mktemp("pair"), *options) as running:
        wait_until(running.ready, deadline=90, message="both workers are ready")
        yield running
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(30) == 0
        assert "Traceback" not in running.errors.read_text()


def test_both_answer_and_any_of_them_tells_the_figures_of_all(pair: Running) -> None:
    before = _counted(pair.client.get("/prometheus").text)
    assert _asked(pair, 60) == [200] * 60
    assert _counted(pair.client.get("/prometheus").text) == before + 60
    workers = {
        line.split('worker="')[1][0] for line in pair.client.get("/prometheus").text.splitlines() if "worker=" in line
    }
    assert workers == {"0", "1"}


def test_a_killed_worker_is_replaced_and_its_count_stays(pair: Running) -> None:
    _asked(pair, 20)
    before = _counted(pair.client.get("/prometheus").text)
    pids = _pids(pair)
    victim = pids.copy().pop()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: len(_pids(pair) - {victim}) == 2, deadline=60, message="there are two again")
    # The other serves already; until the new one has loaded it does not listen, so nobody meets one that is not ready.
    statuses: list[int] = []
    wait_until(lambda: statuses.extend(_asked(pair, 5)) or _seen(pair) == 2, deadline=60, message="the new one serves")
    assert set(statuses) == {200}
    assert _counted(pair.client.get("/prometheus").text) == before + len(statuses)


def test_a_worker_that_stands_still_is_replaced(pair: Running) -> None:
    victim = _pids(pair).pop()
    os.kill(victim, signal.SIGSTOP)
    wait_until(lambda: victim not in _pids(pair), deadline=60, message="it is gone")
    wait_until(lambda: len(_pids(pair)) == 2 and _seen(pair) == 2, deadline=60, message="there are two again")


def _seen(server: Running) -> int:
    """How many workers say something of themselves."""
    try:
        text = server.client.get("/prometheus").text
    except httpx.TransportError:
        return 0
    return len({line.split('worker="')[1].split('"')[0] for line in text.splitlines() if "worker=" in line})


def test_workers_end_with_the_process_that_started_them(bundle: Path, tmp_path: Path) -> None:
    with serving(tmp_path, "--model-uri", bundle.as_uri(), "--workers", "2") as server:
        wait_until(server.ready, deadline=90, message="both workers are ready")
        workers = [psutil.Process(pid) for pid in _pids(server)]
        server.process.kill()
        _, left = psutil.wait_procs(workers, timeout=20)
        assert not left


def test_draining_finishes_what_is_under_way(bundle: Path, tmp_path: Path) -> None:
    with serving(tmp_path, "--model-uri", bundle.as_uri(), "--workers", "2") as server:
        wait_until(server.ready, deadline=90, message="both workers are ready")
        statuses: list[int] = []
        stop = threading.Event()

        def ask() -> None:
            """As a gateway does: it leaves as soon as the server is not ready."""
            with plain_http.client(base_url=f"http://127.0.0.1:{server.port}", timeout=10) as client:
                while not stop.is_set() and client.get("/ready").status_code == 200:
                    statuses.append(client.post(PREDICT, json=GOOD).status_code)

        clients = [threading.Thread(target=ask) for _ in range(4)]
        for client in clients:
            client.start()
        wait_until(lambda: len(statuses) > 50)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(30) == 0
        stop.set()
        for client in clients:
            client.join(10)
        assert set(statuses) == {200}


def test_a_refused_model_ends_them_all(tmp_path: Path) -> None:
    with serving(tmp_path, "--model-uri", (tmp_path / "none").as_uri(), "--workers", "2") as server:
        assert server.process.wait(60) == 78
        assert "refused:" in server.errors.read_text()


def test_a_taken_port_is_told(server: Running, bundle: Path, tmp_path: Path) -> None:
    options = ("--model-uri", bundle.as_uri(), "--workers", "2", "--http-port", str(server.port))
    with serving(tmp_path, *options) as second:
        assert second.process.wait(60) == 1
        assert f"port {server.port}" in second.errors.read_text()


def test_metrics_may_be_wanted_at_the_port_of_everything(bundle: Path, tmp_path: Path) -> None:
    """As an operator says it to a server that has them there."""
    port = str(free_port())
    options = ("--model-uri", bundle.as_uri(), "--http-port", port, "--metrics-port", port)
    client = plain_http.client(base_url=f"http://127.0.0.1:{port}", timeout=10)
    with client, serving(tmp_path, *options) as server:
        wait_until(lambda: server.process.poll() is not None or _ready(client), deadline=60)
        assert client.get("/prometheus").status_code == 200


def test_metrics_and_health_have_a_port_of_their_own(bundle: Path, tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, "--model-uri", bundle.as_uri(), "--metrics-port", str(port)) as server:
        wait_until(server.ready, deadline=60, message="the server is ready")
        server.client.post(PREDICT, json=GOOD)
        with plain_http.client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            assert _counted(client.get("/metrics").text) == 1
            assert client.get("/prometheus").status_code == client.get("/ready").status_code == 200
            assert client.post(PREDICT, json=GOOD).status_code == 404
