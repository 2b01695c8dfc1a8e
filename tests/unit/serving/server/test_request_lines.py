"""Lines of requests are made and written by a thread of their own, in bounded number."""

import json
import os

from tests.waiting import wait_until

from sluicegate.serving.server.following import Beginning, Followed
from sluicegate.serving.server.request_lines import RequestLines


def _request(**named: object) -> Followed:
    beginning = Beginning(door="http", method="POST", path="/predict", at=0.0, received=0.0)
    request = Followed({}, beginning)
    for name, value in named.items():
        setattr(request, name, value)
    return request


def _all_of(reading: int) -> str:
    with os.fdopen(reading) as file:
        return file.read()


def test_a_line_says_what_is_known() -> None:
    reading, writing = os.pipe()
    lines = RequestLines("json", {"predictor": "p", "deployment": ""}, file=writing)
    lines.end(_request(puid="é", rows=3), 200, "")
    lines.write("as it is")
    lines.stop(5)
    os.close(writing)

    first, second = _all_of(reading).splitlines()
    told = json.loads(first)
    assert (told["id"], told["rows"], told["predictor"], "deployment" in told) == ("é", 3, "p", False)
    assert (told["time"], told["status"], second) == ("1970-01-01T00:00:00.000Z", 200, "as it is")


def test_plain_lines_are_for_people() -> None:
    reading, writing = os.pipe()
    lines = RequestLines("plain", {}, file=writing)
    lines.end(_request(puid="one"), 404, "")
    lines.stop(5)
    os.close(writing)

    assert _all_of(reading).startswith(
        "1970-01-01T00:00:00.000Z request id=one method=POST path=/predict status=404 ms="
    )


def test_what_finds_the_queue_full_is_dropped_and_counted() -> None:
    """Nobody reads the pipe, so that its 64 KiB and the queue are all there is."""
    reading, writing = os.pipe()
    lines = RequestLines("json", {}, queue=10, file=writing)
    for _ in range(2000):
        lines.write("x" * 100)

    assert lines.dropped > 2000 - 10 - 65536 // 101 - 200
    lines.stop(0.1)
    os.close(reading)
    lines._thread.join(5)
    assert not lines._thread.is_alive()
    os.close(writing)


def test_a_reader_that_went_ends_the_lines_and_nothing_else() -> None:
    reading, writing = os.pipe()
    lines = RequestLines("json", {}, file=writing)
    os.close(reading)
    lines.write("to nobody")

    wait_until(lambda: lines.write("more") or lines.dropped)
    lines.stop(5)
    os.close(writing)
