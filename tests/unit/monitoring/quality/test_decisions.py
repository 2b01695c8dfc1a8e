"""What an answer decided, and how payloads become tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.monitoring.quality.decisions import decide, label, labels, scores
from sluicegate.monitoring.quality.errors import PayloadError
from sluicegate.monitoring.quality.payloads import read_table

NAMES = st.sampled_from(
    ["data", "ndarray", "tensor", "names", "shape", "values", "inputs", "outputs", "name", "predictions"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("payload", "classes", "expected"),
    [
        pytest.param({"data": {"ndarray": [[0.1, 0.9], [0.8, 0.2]]}}, (), ("1", "0"), id="probabilities"),
        pytest.param({"data": {"ndarray": [[0.1, 0.9]], "names": ["no", "yes"]}}, (), ("yes",), id="named columns"),
        pytest.param({"data": {"ndarray": [[0.1, 0.9]], "names": ["a", "b"]}}, (False, True), ("1",), id="announced"),
        pytest.param({"data": {"ndarray": [[0.5], [0.49]]}}, (), ("1", "0"), id="one probability column"),
        pytest.param({"data": {"ndarray": [[0.5]]}}, ("on time", "late"), ("late",), id="two announced classes"),
        pytest.param({"data": {"ndarray": [1, 0]}}, (), ("1", "0"), id="class answers"),
        pytest.param({"data": {"ndarray": [["late"]]}}, (), ("late",), id="text"),
        pytest.param({"data": {"tensor": {"shape": [1, 3], "values": [0.2, 0.5, 0.3]}}}, (), ("1",), id="tensor"),
        pytest.param(
            {"outputs": [{"name": "p", "shape": [1, 2], "data": [0.3, 0.7]}]}, (), ("1",), id="open inference"
        ),
        pytest.param({"predictions": [[0.9, 0.1]]}, (), ("0",), id="tensorflow"),
        pytest.param({"data": {"ndarray": [[None, 0.2], [float("nan"), 1.0], []]}}, (), (None, None, None), id="none"),
    ],
)
def test_decisions(payload, classes, expected):
    """Class probabilities by argmax, one column at one half, labels as they are."""
    assert decide(read_table(payload), classes) == expected


def test_labels_of_any_spelling_are_one_class():
    """A truth of 1, 1.0, true and "1" meets an answer of class "1"."""
    assert [label(value) for value in (1, 1.0, True, "1")] == ["1"] * 4
    assert labels(read_table({"data": {"ndarray": [[0], [None]]}})) == ("0", None)


def test_columns_by_name():
    """Rows become columns only where names fit them."""
    named = read_table({"data": {"names": ["a", "b"], "ndarray": [[1, 2], [3, None]]}})
    tensors = read_table({"inputs": [{"name": n, "shape": [2], "data": [1, 2]} for n in ("a", "b")]})

    assert named.columns() == {"a": [1, 3], "b": [2, None]}
    assert tensors.columns() == {"a": [1, 2], "b": [1, 2]}
    assert read_table({"data": {"ndarray": [[1, 2]]}}).columns() == {}


def test_scores_are_the_positive_class():
    """The last column, as in reference profiles; text is no number."""
    rows = [[0.1, 0.9], [0.2, 0.3, 0.5], [0.7], ["late"], []]

    assert [str(score) for score in scores(read_table({"data": {"ndarray": rows}}))] == [
        "0.9",
        "0.5",
        "0.7",
        "nan",
        "nan",
    ]


@given(JSON)
def test_no_payload_breaks_the_reader(payload):
    """Whatever comes is a table or a PayloadError."""
    try:
        table = read_table(payload)
    except PayloadError:
        return
    assert len(decide(table)) == len(table.rows) == len(labels(table))
    assert len(scores(table)) == len(table.rows)
    table.columns()
