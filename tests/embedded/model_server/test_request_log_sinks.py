"""The request log against receivers that fail, hang, go away and come back."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.embedded.model_server.rig import GOOD, PREDICT, serving
from tests.embedded.model_server.sinks import Sink, listening_sink
from tests.waiting import free_port, wait_until

from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.server.request_log import FEEDBACK, REQUEST, RESPONSE, Entry, RequestLog, Sender

pytestmark = pytest.mark.embedded

TEXT = b'"' + b"x" * 4000 + b'"'
SENDER = Sender(source="http://s/", attributes={"modelid": "m"})


@pytest.fixture
def sink() -> Iterator[Sink]:
    with listening_sink() as found:
        yield found


def offered(log: RequestLog, count: int, **named: object) -> list[str]:
    """Ids of so many events."""
    ids = [f"r{index}" for index in range(count)]
    for identity in ids:
        log.offer(Entry(**{"type": REQUEST, "request_id": identity, "data": b"{}"} | named), SENDER)
    return ids


@pytest.mark.parametrize("mood", ["failing", "hanging", "cutting"])
def test_events_wait_for_a_receiver_that_comes_back(sink: Sink, mood: str) -> None:
    """None is lost, and none stands twice where the receiver had answered."""
    sink.mood = mood
    log = RequestLog(sink.url, batch=10)
    log.start()
    ids = offered(log, 25)
    wait_until(lambda: sink.requests > 1, message="it was tried again")
    sink.recover()
    wait_until(lambda: log.sent == 25)
    log.stop(2)

    assert (sink.ids, log.dropped) == (ids, 0)


def test_a_receiver_that_is_not_there_yet_gets_everything_when_it_is() -> None:
    port = free_port()
    log = RequestLog(f"http://127.0.0.1:{port}/events")
    log.start()
    ids = offered(log, 5)
    wait_until(lambda: log.waiting == 0, message="the thread has them")
    with listening_sink(port) as sink:
        wait_until(lambda: log.sent == 5)
    log.stop(2)

    assert sink.ids == ids


def test_a_connection_that_was_closed_while_idle_costs_nothing(sink: Sink) -> None:
    log = RequestLog(sink.url)
    log.start()
    offered(log, 1)
    wait_until(lambda: log.sent == 1)
    connection = log._sink._connection
    assert connection is not None
    connection.sock.shutdown(2)
    offered(log, 1)
    wait_until(lambda: log.sent == 2)
    log.stop(2)

    assert (sink.ids, log.dropped) == (["r0", "r0"], 0)


def test_what_finds_the_queue_full_is_counted(sink: Sink) -> None:
    """In number, and in bytes."""
    few, small = RequestLog(sink.url, queue_size=3), RequestLog(sink.url, queue_bytes=11_000)
    offered(few, 5)
    offered(small, 5, data=TEXT)
    offered(small, 1, data=Message(content=np.zeros(1000)))

    assert (few.waiting, few.dropped) == (3, 2)
    assert (small.waiting, small.dropped) == (2, 4)
    few.start()
    small.start()
    wait_until(lambda: few.sent == 3 and small.sent == 2)
    offered(small, 1, data=TEXT)
    wait_until(lambda: small.sent == 3, message="there is room again")
    few.stop(2)
    small.stop(2)


def test_large_events_go_in_several_requests(sink: Sink) -> None:
    log = RequestLog(sink.url)
    offered(log, 6, data=b'"' + b"x" * 400_000 + b'"')
    log.start()
    wait_until(lambda: log.sent == 6)
    log.stop(2)

    assert sink.requests == 2


def test_what_is_refused_is_not_sent_again(sink: Sink) -> None:
    sink.mood = "refusing"
    log = RequestLog(sink.url)
    offered(log, 3)
    log.start()
    wait_until(lambda: log.dropped == 3)
    log.stop(2)

    assert (sink.requests, log.sent) == (1, 0)


def test_an_end_waits_for_a_receiver_no_longer_than_it_is_told(sink: Sink) -> None:
    sink.mood = "failing"
    log = RequestLog(sink.url)
    offered(log, 3)
    log.start()
    begun = time.monotonic()
    log.stop(0.5)

    wait_until(lambda: log.dropped == 3)
    assert time.monotonic() - begun < 5


def test_one_event_in_each_request_as_seldons_logger_sent_them(sink: Sink) -> None:
    log = RequestLog(sink.url, form="binary", mode="response")
    offered(log, 1)
    log.offer(Entry(type=RESPONSE, request_id="é 1", data=b'{"a": 1}', status=200, protocol="v2"), SENDER)
    log.offer(Entry(type=FEEDBACK, request_id="f", data=b"{}"), SENDER)
    log.start()
    wait_until(lambda: log.sent == 2)
    log.stop(2)

    response, feedback = sink.events
    assert response["alone"]
    assert (response["type"], response["requestid"], response["data"]) == (RESPONSE, "%C3%A9 1", {"a": 1})
    assert (response["specversion"], response["source"], response["modelid"]) == ("1.0", "http://s/", "m")
    assert (response["protocol"], response["statuscode"]) == ("v2", "200")
    assert response["datacontenttype"] == "application/json"
    assert feedback["type"] == FEEDBACK


def test_a_server_whose_receiver_hangs_answers_and_ends(tmp_path: Path, sink: Sink) -> None:
    """And says how many events wait."""
    sink.mood = "hanging"
    with serving(tmp_path, "--implementation", "SIMPLE_MODEL", "--log-url", sink.url) as server:
        wait_until(server.ready, deadline=60)
        assert {server.client.post(PREDICT, json=GOOD).status_code for _ in range(20)} == {200}
        wait_until(lambda: "sluicegate_request_log_waiting" in server.client.get("/prometheus").text)
        server.process.terminate()

        assert server.process.wait(15) == 0
