"""CloudEvents are read field by field; a bad one is named and does not take the others with it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.monitoring.collector.events import RESPONSE, read_batch, read_binary, read_data, read_one

GOOD = {
    "specversion": "1.0",
    "id": "1",
    "source": "s",
    "type": RESPONSE,
    "requestid": "r",
    "namespace": "n",
    "inferenceservicename": "d",
    "endpoint": "p",
    "data": {"a": 1},
}


def body(*events: object) -> bytes:
    return msgspec.json.encode(events)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        pytest.param({"requestid": ""}, "events[1].requestid: missing; ", id="empty"),
        pytest.param({"requestid": 7}, "events[1]: Expected `str`, got `int` - at `$.requestid`", id="type"),
        pytest.param({"namespace": "x" * 600}, "events[1].namespace: found 'xxx", id="long"),
        pytest.param({"id": ""}, "events[1].id: found 0 characters", id="no id"),
    ],
)
def test_a_bad_event_is_named_and_the_rest_is_kept(change, refusal):
    """The refusal says which event and which field."""
    batch = read_batch(body(GOOD, GOOD | change, GOOD))

    assert len(batch.events) == 2
    assert len(batch.refusals) == 1
    assert batch.refusals[0].startswith(refusal.rstrip())


@pytest.mark.parametrize("text", [b"", b"{", b"7", b"[7]", b'"x"', b"\xff\xfe", b"[{}]", b'[{"id":"\\ud800"}]'])
def test_what_is_no_batch_is_refused(text):
    """Nothing is kept, one sentence says why."""
    batch = read_batch(text)

    assert batch.events == ()
    assert len(batch.refusals) == 1


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(text):
    """Whatever comes is read or refused."""
    for batch in (read_batch(text), read_one(text), read_binary({"ce-id": "1"}, text)):
        for event in batch.events:
            read_data(event)


def test_unknown_types_are_taken_without_our_attributes():
    """A newer server may say more than we read."""
    assert len(read_batch(body({"id": "1", "source": "s", "type": "new.thing"})).events) == 1


def test_binary_mode_is_read():
    """As Seldon's own executor sends: attributes as headers, the payload as the body."""
    headers = {f"ce-{name}": value for name, value in GOOD.items() if isinstance(value, str)}

    (event,) = read_binary(headers, b'{"a": 2}').events

    assert (event.requestid, read_data(event)) == ("r", {"a": 2})
