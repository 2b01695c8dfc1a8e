"""One bad event costs itself alone, and only what can help is sent again."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.serving.server.log_answers import outcome


def said(**words: object) -> bytes:
    """A body of the collector."""
    return msgspec.json.encode(words)


@pytest.mark.parametrize(
    ("status", "body", "verdict", "refused"),
    [
        pytest.param(202, said(accepted=9), "done", 0, id="all kept"),
        pytest.param(202, said(accepted=8, refused=1, error="events[3]"), "done", 1, id="one refused"),
        pytest.param(204, b"", "done", 0, id="another receiver"),
        pytest.param(400, said(accepted=8, refused=1), "done", 1, id="one refused, by a 400"),
        pytest.param(400, said(accepted=0, refused=9), "done", 9, id="all refused"),
        pytest.param(400, said(accepted=0, refused=1), "halve", 9, id="unreadable as a whole"),
        pytest.param(413, said(error="body"), "halve", 9, id="too long"),
        pytest.param(400, b"no", "done", 9, id="refused by another receiver"),
        pytest.param(302, b"", "done", 9, id="somewhere else"),
        pytest.param(429, said(error="busy"), "again", 0, id="busy"),
        pytest.param(503, b"", "again", 0, id="in trouble"),
    ],
)
def test_an_answer_decides(status: int, body: bytes, verdict: str, refused: int) -> None:
    """Nine events were sent."""
    found = outcome(status, body, 9)

    assert (found.verdict, found.refused) == (verdict, refused)


@given(st.integers(200, 599), st.one_of(st.binary(max_size=20), st.builds(
    said, accepted=st.integers(-3, 12), refused=st.integers(-3, 12), error=st.text(max_size=3),
)), st.integers(1, 9))  # fmt: skip
def test_whatever_is_answered_no_event_is_lost_twice(status: int, body: bytes, sent: int) -> None:
    """At most what was sent is refused; a single event is never halved."""
    found = outcome(status, body, sent)

    assert 0 <= found.refused <= sent
    assert sent > 1 or found.verdict != "halve"
