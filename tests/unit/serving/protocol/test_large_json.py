"""A large body means the same, or is refused with the same words, whichever reader has read it."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sluicegate.serving.protocol import large_json, seldon
from sluicegate.serving.protocol.errors import BadPayloadError

NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**70), 2**70), st.booleans(), st.none()
)
LEAVES = st.one_of(NUMBERS, st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.text(max_size=3))
TABLES = st.integers(0, 4).flatmap(lambda width: st.lists(st.lists(LEAVES, min_size=width, max_size=width), max_size=4))
RAGGED = st.lists(st.one_of(LEAVES, st.lists(LEAVES, max_size=3)), max_size=4)
DEEP = st.lists(st.lists(st.lists(st.floats(-1, 1), min_size=2, max_size=2), max_size=2), max_size=2)
FLOATS = st.integers(1, 4).flatmap(
    lambda width: st.lists(st.lists(st.floats(-1e9, 1e9), min_size=width, max_size=width), min_size=1, max_size=4)
)
CONTENT = st.one_of(
    FLOATS, st.lists(st.floats(-1, 1), min_size=4, max_size=4), TABLES, RAGGED, DEEP, st.none(), st.just({})
)
DATA = st.one_of(
    st.fixed_dictionaries({"ndarray": CONTENT}, optional={"names": st.lists(st.text(max_size=2), max_size=4)}),
    st.fixed_dictionaries({"tensor": st.fixed_dictionaries({"shape": st.just([2, 2]), "values": CONTENT})}),
    CONTENT,
)
BODIES = st.fixed_dictionaries({"data": DATA}, optional={"meta": st.just({"puid": "ü", "tags": {"a": [1, 2.5]}})})


def meaning(body: bytes, *, large: bool) -> Any:
    """What a message says, or the words of its refusal."""
    try:
        value = large_json.read(body) if large else None
        return seldon.message_from(seldon.parse(body) if value is None else value)
    except BadPayloadError as error:
        return str(error)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return bool(one == other)
    array, another = np.asarray(one.content), np.asarray(other.content)
    return (
        (one.form, one.names, one.meta) == (other.form, other.names, other.meta)
        and (array.dtype, array.shape) == (another.dtype, another.shape)
        and np.array_equal(array, another, equal_nan=array.dtype.kind == "f")
    )


@given(BODIES.map(lambda value: json.dumps(value).encode()))
@example(b'{"data": {"ndarray": [0.0, []]}}')
@example(b'{"data": {"ndarray": [[1.5, [2.0]], [3.0, 4.0]]}}')
@example(b'{"data": {"ndarray": [[1.5, [2.0]], [3.0, 4.0]]}, "meta": {"puid": "\\u005b"}}')
@example(b'{"data": {"tensor": {"shape": [2], "values": [1.5, [2.0]]}}}')
@example(b'{"data": {"ndarray": [[1.5, 2], [3]]}}')
@example(b'{"data": {"ndarray": [[1.5, 2], [3], [4, 5, 6]]}}')
@example(b'{"data": {"ndarray": [[1.5, 18446744073709551615]]}}')
@example(b'{"data": {"ndarray": [[1.5, 1e400]]}}')
@example(b'{"data": {"ndarray": [[1.5, -0.0]]}}')
@example(b'{"data": {"ndarray": [[1.5]], "ndarray": [[2.5]]}}')
@example(b'{"data": {"ndarray": [[1.5]]}, "data": {"ndarray": [[2.5]]}}')
@example(b'{"data": {"ndarray": [[1.5, NaN]]}}')
@example(b'{"data": {"ndarray": [[1.5]]}} x')
@example(b'\xef\xbb\xbf{"data": {"ndarray": [[1.5]]}}')
@example(b'{"data": {"ndarray": [[1.5]], "tensor": {"shape": [1], "values": [1.5]}}}')
@example(b'{"data": {"ndarray": [[[1.5]], [[1.5]]]}, "meta": {"tags": {"\\ud800": "\xff"}}}')
def test_both_readers_agree(body: bytes) -> None:
    assert same(meaning(body, large=True), meaning(body, large=False))


@pytest.mark.skipif(large_json.simdjson is None, reason="the wheel of pysimdjson is not installed")
def test_a_large_table_is_an_array_that_may_be_written_to() -> None:
    rows = np.random.default_rng(1).normal(size=(200, 20))
    body = json.dumps({"data": {"names": ["a"], "ndarray": rows.tolist()}}).encode()
    assert len(body) > large_json.LEAST
    found = seldon.parse_large(body)
    assert isinstance(found["data"]["ndarray"], np.ndarray)
    message = seldon.message_from(found)
    assert message.content.flags.writeable
    assert np.array_equal(message.content, rows)
