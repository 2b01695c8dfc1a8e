"""Headers that say which trace a request belongs to, read and written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.serving.protocol.trace_context import TraceContext, carrying, read, refused

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
FOUND = TraceContext(trace_id=TRACE, span_id=SPAN, sampled=True)


def headers(**named: str) -> dict[bytes, bytes]:
    return {name.replace("_", "-").encode(): text.encode() for name, text in named.items()}


@pytest.mark.parametrize(
    ("given", "sampled"),
    [
        (headers(traceparent=f"00-{TRACE}-{SPAN}-01"), True),
        (headers(traceparent=f"00-{TRACE}-{SPAN}-00"), False),
        (headers(traceparent=f"cc-{TRACE}-{SPAN}-03-what-comes-later"), True),
        (headers(b3=f"{TRACE}-{SPAN}-1-{SPAN}"), True),
        (headers(b3=f"{TRACE.upper()}-{SPAN}-d"), True),
        (headers(b3=f"{TRACE}-{SPAN}-0"), False),
        (headers(b3=f"{TRACE}-{SPAN}"), None),
        (headers(x_b3_traceid=TRACE, x_b3_spanid=SPAN, x_b3_sampled="1"), True),
        (headers(x_b3_traceid=TRACE, x_b3_spanid=SPAN, x_b3_sampled="false"), False),
        (headers(x_b3_traceid=TRACE, x_b3_spanid=SPAN, x_b3_flags="1"), True),
        (headers(x_b3_traceid=TRACE, x_b3_spanid=SPAN), None),
    ],
)
def test_each_form_is_read(given: dict[bytes, bytes], sampled: bool | None) -> None:
    assert read(given) == TraceContext(trace_id=TRACE, span_id=SPAN, sampled=sampled)


def test_short_ids_of_b3_are_filled_up() -> None:
    found = read(headers(b3=f"{SPAN}-{SPAN}-1"))

    assert found is not None
    assert found.traceparent == f"00-{'0' * 16}{SPAN}-{SPAN}-01"


@pytest.mark.parametrize(
    "given",
    [
        {},
        headers(traceparent=f"00-{TRACE}-{SPAN}"),
        headers(traceparent=f"ff-{TRACE}-{SPAN}-01"),
        headers(traceparent=f"00-{TRACE}-{SPAN}-01-more"),
        headers(traceparent=f"00-{'0' * 32}-{SPAN}-01"),
        headers(traceparent=f"00-{TRACE}-{'0' * 16}-01"),
        headers(traceparent=f"00-{TRACE.upper()}-{SPAN}-01"),
        headers(b3="1"),
        headers(b3=f"{TRACE}-{SPAN}-2"),
        headers(x_b3_traceid=TRACE),
        headers(x_b3_traceid="x", x_b3_spanid=SPAN),
    ],
)
def test_what_cannot_be_read_is_no_trace(given: dict[bytes, bytes]) -> None:
    assert read(given) is None


def test_w3c_comes_first_and_a_broken_one_leaves_it_to_b3() -> None:
    b3 = {"b3": f"{SPAN * 2}-{SPAN}-0"}

    assert read(headers(traceparent=f"00-{TRACE}-{SPAN}-01", **b3)) == FOUND
    assert read(headers(traceparent="00-broken", **b3)) == TraceContext(trace_id=SPAN * 2, span_id=SPAN, sampled=False)


def test_b3_can_refuse_without_an_id() -> None:
    assert refused(headers(b3="0"))
    assert refused(headers(x_b3_sampled="0"))
    assert not refused(headers(b3=f"{TRACE}-{SPAN}-0"))
    assert not refused(headers(x_b3_sampled="0", x_b3_traceid=TRACE, x_b3_spanid=SPAN))


def test_what_goes_on_speaks_of_one_span_in_every_form_that_came() -> None:
    came = headers(
        **{"traceparent": "00-old", "tracestate": "old=1", "b3": "0", "x-b3-traceid": "old", "x-b3-flags": "1"},
        **{"x-b3-parentspanid": "old", "x-mine": "1"},
    )

    told = carrying(came, FOUND)

    assert told == headers(
        **{"traceparent": f"00-{TRACE}-{SPAN}-01", "b3": f"{TRACE}-{SPAN}-1", "x-mine": "1"},
        **{"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "1"},
    )
    assert set(carrying({}, FOUND)) == {b"traceparent"}
    assert set(carrying({}, FOUND, also=frozenset({b"b3"}))) == {b"traceparent", b"b3"}


NAMES = ("traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags")


@given(st.dictionaries(st.sampled_from([name.encode() for name in NAMES]), st.binary(max_size=70)))
def test_whatever_comes_is_read_and_written_again_the_same(came: dict[bytes, bytes]) -> None:
    found = read(came)

    if found is not None:
        assert read(carrying({}, found)) in (
            found,
            TraceContext(
                trace_id=found.trace_id, span_id=found.span_id, sampled=bool(found.sampled), state=found.state
            ),
        )
