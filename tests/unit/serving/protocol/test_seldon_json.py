"""Seldon's JSON in and out."""

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.serving.protocol.errors import BadAnswerError, BadPayloadError
from sluicegate.serving.protocol.messages import Message, Meta
from sluicegate.serving.protocol.seldon import body_of, encode, failure, feedback_from, message_from, parse

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def test_null_is_nan() -> None:
    """A missing value in numeric data is NaN."""
    message = message_from(parse(b'{"data":{"names":["a","b"],"ndarray":[[1,null]]}}'))

    assert isinstance(message.content, np.ndarray)
    assert message.names == ("a", "b")
    assert message.content[0, 0] == 1
    assert math.isnan(message.content[0, 1])


def test_numbers_beside_text_stay_numbers() -> None:
    """A mixed table keeps each element's own type."""
    message = message_from({"data": {"ndarray": [[1, "x", None]]}})

    assert isinstance(message.content, np.ndarray)
    assert message.content.tolist() == [[1, "x", None]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "(body)"),
        (b"{", "(body)"),
        (b"[1]", "(body)"),
        (b"{}", "(body)"),
        (b"\xff\xfe", "(body)"),
        (b'{"data":{"ndarray":[[1]]},"strData":"a"}', "(body)"),
        (b'{"data":[1]}', "data"),
        (b'{"data":{}}', "data"),
        (b'{"data":{"ndarray":1}}', "data.ndarray"),
        (b'{"data":{"ndarray":[[1,2],[3]]}}', "data.ndarray[1]"),
        (b'{"data":{"ndarray":[[1],2]}}', "data.ndarray[1]"),
        (b'{"data":{"ndarray":[[{"a":1}]]}}', "data.ndarray[0][0]"),
        (b'{"data":{"names":"a","ndarray":[[1]]}}', "data.names"),
        (b'{"data":{"names":[1],"ndarray":[[1]]}}', "data.names[0]"),
        (b'{"data":{"tensor":{"shape":[2,2],"values":[1,2,3]}}}', "data.tensor.shape"),
        (b'{"data":{"tensor":{"shape":[-1],"values":[1]}}}', "data.tensor.shape[0]"),
        (b'{"data":{"tensor":{"shape":[1],"values":["a"]}}}', "data.tensor.values"),
        (b'{"data":{"tftensor":{}}}', "data.tftensor.dtype"),
        (b'{"customData":{}}', "customData"),
        (b'{"strData":1}', "strData"),
        (b'{"binData":"***"}', "binData"),
        (b'{"meta":{"puid":5},"strData":"a"}', "meta.puid"),
        (b'{"meta":{"puid":"a\\r\\nx: y"},"strData":"a"}', "meta.puid"),
        (b'{"meta":[1],"strData":"a"}', "meta"),
        (b'{"data":{"ndarray":' + b"[" * 80 + b"]" * 80 + b"}}", "data.ndarray"),
    ],
)
def test_a_bad_payload_names_its_field(body: bytes, field: str) -> None:
    """What is wrong is told with where, what was found and what is expected."""
    with pytest.raises(BadPayloadError) as caught:
        message_from(parse(body))

    assert caught.value.field == field
    assert caught.value.found
    assert caught.value.expected


def test_a_body_of_nothing_but_brackets_is_refused() -> None:
    """Whether the reader or the shape gives up first differs between Pythons; neither takes it, or falls over."""
    with pytest.raises(BadPayloadError) as caught:
        message_from(parse(b'{"data":{"ndarray":' + b"[" * 9000 + b"]" * 9000 + b"}}"))

    assert caught.value.field in {"(body)", "data.ndarray"}


@given(JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    """No JSON whatsoever gets another error than BadPayloadError."""
    for body in (value, {"data": value}, {"data": {"ndarray": value}}, {"data": {"tensor": value}}, {"meta": value}):
        with contextlib.suppress(BadPayloadError):
            message_from(body)


@given(st.lists(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3), min_size=1, max_size=5))
def test_an_answer_is_read_back_as_it_was(rows: list[list[float]]) -> None:
    """Writing and reading a table loses nothing."""
    for form in ("ndarray", "tensor"):
        message = Message(content=np.array(rows), form=form, names=("a", "b", "c"), meta=Meta(puid="p"))

        assert np.array_equal(message_from(parse(encode(body_of(message)))).content, message.content)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_an_answer_that_is_no_number_is_an_error(bad: float) -> None:
    """NaN is never sent as null: a broken model must look broken."""
    with pytest.raises(BadAnswerError, match=r"\[0\]\[1\]"):
        body_of(Message(content=np.array([[1.0, bad]])))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"[]", "(body)"),
        (b"{}", "(body)"),
        (b'{"reward":"x"}', "reward"),
        (b'{"truth":{"data":{"ndarray":[[1],[1,2]]}}}', "truth.data.ndarray[1]"),
        (b'{"response":3,"reward":1}', "response"),
        (b'{"response":{"meta":{"routing":{"r":"a"}}},"reward":1}', "response.meta.routing.r"),
    ],
)
def test_bad_feedback_names_its_field(body: bytes, field: str) -> None:
    """Feedback is checked as requests are."""
    with pytest.raises(BadPayloadError) as caught:
        feedback_from(parse(body))

    assert caught.value.field == field


def test_feedback_joins_by_the_answers_puid() -> None:
    """The puid of the answer, the truth and the reward are what a label needs."""
    body = b'{"response":{"meta":{"puid":"p"}},"truth":{"data":{"ndarray":[[1]]}},"reward":0.5}'

    feedback = feedback_from(parse(body))

    assert (feedback.puid, feedback.reward) == ("p", 0.5)
    assert feedback.truth is not None
    assert np.asarray(feedback.truth.content).tolist() == [[1]]


def test_a_failure_is_seldons_status_object() -> None:
    """Clients of Seldon find code, info, reason and status."""
    assert failure(400, "R", "i", "p") == {
        "status": {"code": 400, "info": "i", "reason": "R", "status": "FAILURE"},
        "meta": {"puid": "p"},
    }
