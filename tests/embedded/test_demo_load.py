"""The demonstration's load in a pod, steered and asked over HTTP as the acts do it."""

import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest
from demo.cluster.far_load import FarLoad
from demo.cluster.load_server import handler
from demo.flights import Departure
from demo.ground import ClaimFailedError
from demo.replay import Replay
from tests.waiting import free_port, wait_until

pytestmark = pytest.mark.embedded
FLIGHT = Departure(values=(1.0,) * 13, late=0, departed=0.0, landed=1.0)


@pytest.fixture
def load() -> Iterator[FarLoad]:
    """Somebody who will ask where nobody listens."""
    replay = Replay("127.0.0.1", free_port(), "/seldon/default/flights", [FLIGHT], rate=200.0)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(replay))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield FarLoad(f"http://127.0.0.1:{server.server_port}")
    replay.stop()
    server.shutdown()
    server.server_close()


def test_it_tells_what_users_saw_second_by_second(load: FarLoad) -> None:
    assert load.tally.since(0) == (0, 0, 0)

    load.start()
    sent, failed, _ = wait_until(lambda: load.tally.since(0) if load.tally.sent else None, message="somebody asks")

    assert sent >= failed > 0
    assert load.tally.failures


def test_it_is_steered_by_its_own_words_only(load: FarLoad) -> None:
    load.silence()
    load.restore()

    with pytest.raises(ClaimFailedError, match="404"):
        load._tell("explode")
