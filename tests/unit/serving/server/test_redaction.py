"""What must not leave the server does not, in any form of payload."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.serving.server.redaction import Redaction, redacted

RULES = Redaction(drop=frozenset({"name"}), hash=frozenset({"card"}), key=b"k")
HIDDEN = "hush"


@pytest.mark.parametrize(
    "payload",
    [
        {"data": {"names": ["name", "age"], "ndarray": [[HIDDEN, 3]]}},
        {"data": {"ndarray": [[HIDDEN, 3]]}},
        {"data": {"names": ["age", "card"], "tensor": {"shape": [1, 2], "values": [3, HIDDEN]}}},
        {"data": {"names": ["card", "age"], "ndarray": [[HIDDEN, 3], [HIDDEN]]}},
        {"data": {"ndarray": HIDDEN}},
        {"jsonData": {"deep": [{"name": HIDDEN, "age": 3}, {"card": {"no": HIDDEN}}]}},
        {"inputs": [{"name": "name", "shape": [1], "data": [HIDDEN]}, {"name": "age", "shape": [1], "data": [3]}]},
        {"inputs": [{"name": "all", "shape": [1, 2], "data": [[HIDDEN, 3]]}]},
        {"strData": HIDDEN},
        {"binData": HIDDEN},
        {"request": {"data": {"names": ["name"], "ndarray": [[HIDDEN]]}}, "reward": 1},
        [HIDDEN],
        {"surprise": HIDDEN},
    ],
)
def test_hidden_fields_are_hidden_in_every_form(payload: object) -> None:
    """Dropped, hashed, or the whole payload gone when fields cannot be told apart."""
    assert HIDDEN.encode() not in msgspec.json.encode(redacted(payload, RULES, ("name", "age")))


def test_other_fields_stay_and_equal_values_hash_equally() -> None:
    """A column keeps its place; a hash can be joined by."""
    payload = {"data": {"names": ["name", "card", "age"], "ndarray": [["x", "7", 3], ["y", "7", 4]]}}

    rows = redacted(payload, RULES)["data"]["ndarray"]

    assert [row[0] for row in rows] == [None, None]
    assert rows[0][1] == rows[1][1] != "7"
    assert [row[2] for row in rows] == [3, 4]


def test_labels_in_an_answer_have_no_names_to_hide() -> None:
    """One number a row."""
    assert redacted({"data": {"names": [], "ndarray": [1, 0]}}, RULES) == {"data": {"names": [], "ndarray": [1, 0]}}


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=4),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["data", "names", "ndarray", "tensor", "shape", "values", "inputs", "name", "jsonData"]
                ),
                x,
                max_size=3,
            )
        ),
    )
)
def test_no_json_makes_it_fail(payload: object) -> None:
    """The log must not stop for a strange payload."""
    redacted(payload, RULES, ("name",))
