"""The real collector process: events in, figures out, and nothing acknowledged lost when it is killed."""

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from tests import plain_http
from tests.embedded.collector_rig import Collector, running
from tests.fakes.gateway_statistics import FakeAdmin, serve_admin
from tests.fakes.request_log import READY, REQUEST, answer, asked, event, feedback
from tests.waiting import free_port, wait_until

from sluicegate.monitoring.drift.profile import build_profile, encode
from sluicegate.monitoring.sources.collector import fetch_drift, fetch_series, fetch_summary
from sluicegate.monitoring.sources.errors import MalformedError, UnreachableError
from sluicegate.serving.server.request_log import Entry, RequestLog, Sender

pytestmark = pytest.mark.embedded

PLACE = {"namespace": "default", "deployment": "flights"}
NAMES = PLACE | {"stable": "old", "candidate": "new"}


@contextmanager
def listening(statuses: list[int]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A receiver of alerts that answers with ``statuses`` in turn, the last one from then on."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(statuses[min(len(received), len(statuses)) - 1])
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/alerts", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def metrics(collector: Collector) -> str:
    """The exposition's text."""
    return plain_http.get(f"{collector.url}/metrics").text


def pairs(collector: Collector, start: float) -> list[float]:
    """Totals of pairs: all, flips, labelled."""
    series = fetch_series(collector.url, **NAMES, start=start, step_start=start, threshold_ms=250)
    return [float(part.sum()) for part in (series.pairs.count, series.pairs.flips, series.pairs.labelled)]


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path):
    """Counts, facts and retries outlive ``kill -9``; labels that come afterwards still find their pairs."""
    start = time.time() - 1
    sent = [answer("old", f"r{index}", 0.9) for index in range(40)]
    sent += [answer("new", f"r{index}", 0.1 if index < 10 else 0.8, shadow=True) for index in range(40)]
    with running(tmp_path) as collector:
        assert collector.post(*sent).status_code == 202
        assert collector.end(signal.SIGKILL) == -signal.SIGKILL
        collector.start()

        assert collector.post(*sent[:20], *(feedback("new", f"r{index}", 1) for index in range(30))).status_code == 202

        wait_until(lambda: pairs(collector, start) == [40, 10, 30], message="pairs and their labels")
        summary = fetch_summary(collector.url, **PLACE)
        assert summary["predictors"]["old"]["answers"] == 40
        assert (summary["predictors"]["new"]["labels"], summary["predictors"]["new"]["wrong"]) == (30, 10)
        assert 'outcome="duplicate"} 20.0' in metrics(collector)


def test_the_gateway_is_counted_second_by_second(tmp_path):
    """Requests, errors and slow ones by arm; a reset and a silent gateway are gaps, not lost or invented requests;
    a restarted collector goes on from its last look.
    """
    with serve_admin() as admin, running(tmp_path, "--envoy-admin", admin.url) as collector:
        start = time.time() - 1

        def arms() -> tuple[list[float], list[float], tuple[str, ...]]:
            series = fetch_series(collector.url, **NAMES, start=start, step_start=start, threshold_ms=250)
            old, new = series.stable, series.candidate
            return (
                [float(part.sum()) for part in (old.requests, old.errors, old.slow)],
                [float(part.sum()) for part in (new.mirrored, new.mirrored_errors, new.requests)],
                series.gaps,
            )

        wait_until(lambda: plain_http.get(f"{collector.url}/ready").json()["gateway"] == "sampled")
        admin.clusters = {
            "default/flights/old": (100, 5, {100.0: 60, 250.0: 90, 1000.0: 95}),
            "default/flights/new~mirror": (50, 2, {250.0: 50}),
            "other": (9, 9, {}),
        }
        wait_until(lambda: arms()[:2] == ([100, 5, 5], [50, 2, 0]), message="the first look")
        admin.clusters["default/flights/old"] = (7, 1, {100.0: 7, 250.0: 7})
        wait_until(lambda: arms()[0] == [107, 6, 5], message="counters that began anew")
        assert any("began anew" in gap for gap in arms()[2])

        admin.status = 503
        wait_until(lambda: any("could not be read" in gap for gap in arms()[2]), message="a gap")
        admin.clusters["default/flights/old"] = (10, 1, {100.0: 10, 250.0: 10})
        admin.status = 200
        wait_until(lambda: arms()[0] == [110, 6, 5], message="what happened meanwhile")

        collector.end(signal.SIGKILL)
        admin.clusters["default/flights/old"] = (40, 1, {100.0: 40, 250.0: 40})
        collector.start()
        wait_until(lambda: requests(collector) == 140, message="what happened while nobody looked")


def requests(collector: Collector) -> int:
    """The gateway's requests to the stable predictor since ever."""
    return int(fetch_summary(collector.url, **PLACE)["predictors"]["old"]["requests"])


def test_drift_is_told_once_across_failures_and_restarts(tmp_path):
    """The profile comes with the model; the alert is tried until it is taken, and never again in its episode."""
    generator = np.random.default_rng(7)
    values = generator.normal(size=600)
    profile = json.loads(encode(build_profile({"wind": values}, np.arange(600) // 60, None)))
    model = {"model": "flights", "version": "2", "digest": "sha256:1", "classes": [0, 1], "profile": profile}

    def rows(name: str, shift: float) -> list[dict[str, Any]]:
        return [
            made
            for index, value in enumerate(generator.normal(size=300) + shift)
            for made in (asked("old", f"{name}{index}", {"wind": value}), answer("old", f"{name}{index}", 0.9))
        ]

    with listening([503, 202]) as (url, received), running(tmp_path, "--alert-url", url) as collector:
        collector.post(event(READY, "old", "", model), *rows("calm", 0.0))
        wait_until(lambda: fetch_drift(collector.url, **PLACE, predictor="old"), message="a full window")
        assert received == []
        collector.end(signal.SIGKILL)
        collector.start()
        collector.post(*rows("storm", 5.0))
        wait_until(lambda: len(received) == 2, message="the alert and its second try")
        collector.post(*rows("gale", 6.0))
        wait_until(lambda: fetch_drift(collector.url, **PLACE, predictor="old")["wind"] > 5, message="a worse window")
        assert len(received) == 2
        assert received[0]["id"] == received[1]["id"]
        assert received[0]["type"] == "dev.sluicegate.drift.detected"
        told = received[0]["data"]
        assert (told["deployment"], told["predictor"], told["model"], told["version"]) == (
            "flights",
            "old",
            "flights",
            "2",
        )
        assert told["features"]["wind"] > 1
        assert 'seldon_metric_drift_counter_total{deployment_name="flights",predictor_name="old"' in metrics(collector)


@pytest.mark.parametrize(
    "bodies", [[b"", b"{", b"[1]", b"[[]]", b"\xff", b'[{"id": 1}]', b"[" * 2000, b'{"data":' * 2000]]
)
def test_malformed_input_is_refused_and_named(tmp_path, bodies):
    """What is good of a batch is kept; 400 for what is all malformed, 404 and 400 for wrong questions, 413 for what is
    too long; never a 5xx.
    """
    with running(tmp_path, "--body-bytes", "20000") as collector:
        good, bad = answer("old", "r", 0.9), answer("old", "s", 0.9) | {"endpoint": 7}
        mixed = collector.post(good, bad)
        assert mixed.status_code == 202
        assert "events[1]" in mixed.json()["error"]
        assert "endpoint" in mixed.json()["error"]
        assert (mixed.json()["accepted"], mixed.json()["refused"]) == (1, 1)
        assert collector.post(bad).status_code == 400
        assert 'outcome="malformed"} 2.0' in metrics(collector)
        assert [plain_http.post(f"{collector.url}/events", content=body).status_code for body in bodies] == [400] * len(
            bodies
        )
        assert plain_http.post(f"{collector.url}/events", content=b"x" * 30000).status_code == 413
        for query in ("", "start=x", "start=nan", "start=0", "start=-1", "start=1e400", "thresholdMs=a&start=9e9"):
            path = f"{collector.url}/v1/series?namespace=a&deployment=b&stable=c&candidate=d&{query}"
            assert plain_http.get(path).status_code == 400, query
        assert plain_http.get(f"{collector.url}/v1/deployments/default/other").status_code == 404
        assert plain_http.get(f"{collector.url}/v1/deployments/default/flights/requests?limit=0").status_code == 400
        assert len(plain_http.get(f"{collector.url}/v1/deployments/default/flights/requests").json()) == 1


def sender(**attributes: str) -> Sender:
    """A model server of deployment ``default/flights``."""
    known = {"namespace": "default", "inferenceservicename": "flights", "endpoint": "old"}
    return Sender(source="test", attributes=known | attributes)


def test_one_bad_event_does_not_cost_its_batch(tmp_path):
    """Refused by field, or so deep that the whole body cannot be read: the server drops it alone, and sends it once."""
    deep = b'{"jsonData":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with running(tmp_path) as collector:
        log = RequestLog(f"{collector.url}/events", batch=40)
        for index in range(40):
            data = deep if index == 7 else json.dumps({"data": {"ndarray": [[index]]}}).encode()
            entry = Entry(type=REQUEST, request_id=f"r{index}", data=data)
            log.offer(entry, sender(endpoint="") if index == 30 else sender())

        log.start()
        log.stop(10)

        assert (log.sent, log.dropped) == (38, 2)
        assert 'outcome="accepted"} 38.0' in metrics(collector)
        assert 'outcome="duplicate"} 0.0' in metrics(collector)


def test_what_the_collector_could_not_take_is_sent_again():
    """In trouble twice, then well: nothing is dropped, and the same event comes each time. A 400 is final."""
    with listening([503, 429, 202, 400]) as (url, received):
        log = RequestLog(url)
        log.offer(Entry(type=REQUEST, request_id="r", data=b"{}"), sender())
        log.start()
        wait_until(lambda: log.sent == 1, message="sent again")
        log.offer(Entry(type=REQUEST, request_id="s", data=b"{}"), sender())
        wait_until(lambda: log.dropped == 1, message="refused")
        log.stop(5)

    assert received[0] == received[1] == received[2]
    assert len(received) == 4


def test_a_second_collector_on_the_same_directory_is_refused(tmp_path):
    """Both would count everything; the refusal says what to do. The first one ends with status 0 when told to."""
    with running(tmp_path) as collector:
        second = subprocess.run(
            [*collector.command[:-1], str(free_port())], capture_output=True, text=True, timeout=20, check=False
        )

        assert second.returncode == 78
        assert second.stderr.startswith("refused: ")
        assert "no other collector" in second.stderr
        assert collector.end() == 0


def test_an_unreachable_collector_is_an_error_and_never_zero():
    """Nobody there, somebody else there: both say so."""
    nobody = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(UnreachableError, match="sluicegate status"):
        fetch_series(nobody, **NAMES, start=0, step_start=0, threshold_ms=250)
    with serve_admin() as admin, pytest.raises(MalformedError, match="series"):
        fetch_series(fed(admin), **NAMES, start=0, step_start=0, threshold_ms=250)


def fed(admin: FakeAdmin) -> str:
    """The address of something that answers 200, and is no collector."""
    return admin.url
