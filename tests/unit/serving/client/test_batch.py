"""Rows become requests and answers rows again; what a killed run has written is neither lost nor written twice."""

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.serving.client.batch.items import Item, open_input
from sluicegate.serving.client.batch.journal import Journal, discard
from sluicegate.serving.client.batch.messages import Form, Payload, answers_of, request_of, tags_of
from sluicegate.serving.client.batch.outputs import check_output, write_output
from sluicegate.serving.client.batch.running import checked
from sluicegate.serving.client.errors import BatchRefusedError

FORM = Form(data_type="data", payload="ndarray", names=("a", "b"), batch_id="b1")


def form(**changes: Any) -> Form:
    """Another form."""
    return replace(FORM, **changes)


@pytest.mark.parametrize(
    ("data_type", "value", "content"),
    [
        ("data", [1, 2], {"data": {"names": ["a", "b"], "ndarray": [[1, 2]]}}),
        ("data", [[1, 2], [3, 4]], {"data": {"names": ["a", "b"], "ndarray": [[1, 2], [3, 4]]}}),
        ("data", {"x": 1}, {"data": {"names": ["x"], "ndarray": [[1]]}}),
        ("json", {"x": [1]}, {"jsonData": {"x": [1]}}),
        ("str", "hello", {"strData": "hello"}),
        ("raw", {"strData": "s", "meta": {"puid": "p"}}, {"strData": "s"}),
    ],
)
def test_an_item_is_sent_as_its_type_says_with_seldons_tags(data_type: Any, value: Any, content: Any) -> None:
    request = request_of([Item(index=7, value=value)], form(data_type=data_type))

    assert {name: part for name, part in request.items() if name != "meta"} == content
    assert request["meta"]["tags"] == tags_of(FORM, 7)
    assert (request["meta"]["tags"]["batch_id"], request["meta"]["tags"]["batch_index"]) == ("b1", 7)


def test_a_feedback_is_sent_as_it_is() -> None:
    assert request_of([Item(index=0, value={"reward": 1})], form(data_type="raw", feedback=True)) == {"reward": 1}


@given(st.lists(st.lists(st.tuples(st.integers(), st.floats(-1, 1)), min_size=1, max_size=3), min_size=1, max_size=5))
@pytest.mark.parametrize("payload", ["ndarray", "tensor"])
def test_items_that_went_together_come_back_one_by_one(payload: Payload, sent: list[list[tuple[int, float]]]) -> None:
    """A model that answers what it was asked gives each item its own rows back."""
    items = [Item(index=index, value=[list(row) for row in rows]) for index, rows in enumerate(sent)]
    asked = request_of(items, form(payload=payload))
    answers = answers_of({"data": asked["data"], "meta": {"tags": {"mine": 1}}}, items, FORM)

    for item, answer in zip(items, answers, strict=True):
        assert answer["data"] == request_of([item], form(payload=payload))["data"]
        assert answer["meta"]["tags"] == {"mine": 1} | tags_of(FORM, item.index)


def test_an_answer_of_another_length_belongs_to_nobody() -> None:
    items = [Item(index=0, value=[1, 2]), Item(index=1, value=[3, 4])]
    with pytest.raises(BatchRefusedError, match="2 rows were sent together and 1 rows came back"):
        answers_of({"data": {"ndarray": [[1]]}}, items, FORM)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("rows.jsonl", '[1, 2.5]\n\n{"a": null}\n', [[1, 2.5], {"a": None}]),
        ("rows.csv", 'a,"b c"\n1,x\n-2.5,\n1_0,nan\n', [[1, "x"], [-2.5, None], ["1_0", "nan"]]),
    ],
)
def test_files_are_read_by_their_names(tmp_path: Path, name: str, text: str, expected: list[Any]) -> None:
    (tmp_path / name).write_text(text)

    source = open_input(tmp_path / name, "data")

    assert [item.value for item in source.items()] == expected
    assert checked(source, FORM) == len(expected)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("rows.jsonl", "[1]\n{no\n", r"line 2: found no JSON"),
        ("rows.jsonl", "[1]\n3\n", r"item 1: found 3; expected a row"),
        ("rows.csv", "a,b\n1\n", r"line 2: found 1 values; expected 2"),
        ("rows.csv", "", "found no header"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused_before_anything_is_sent(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BatchRefusedError, match=words):
        checked(open_input(tmp_path / name, "data"), FORM)


SUBJECT = {"address": "a"}


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans())), st.integers(0, 400))
def test_a_journal_cut_anywhere_goes_on_with_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, bool]], cut: int
) -> None:
    """A machine may lose the end of a file. What is left is read, the rest written again, and each item stands once."""
    output = tmp_path_factory.mktemp("batch") / "out.jsonl"
    for first in (True, False):
        journal = Journal(output, SUBJECT)
        for index, ok in writes:
            journal.write(index, {"n": index}, ok=ok)
        journal.close()
        if first:
            head = len(journal.path.read_bytes().split(b"\n", 1)[0]) + 1
            with journal.path.open("r+b") as file:
                file.truncate(max(head, journal.path.stat().st_size - cut))

    found = [index for index, _ in journal.answers(in_order=False)]
    assert sorted(found) == sorted({index for index, _ in writes})


def test_a_journal_of_another_run_is_not_gone_on_with(tmp_path: Path) -> None:
    Journal(tmp_path / "out", SUBJECT).close()
    with pytest.raises(BatchRefusedError, match="of a run with other input"):
        Journal(tmp_path / "out", {"address": "b"})

    discard(tmp_path / "out")
    Journal(tmp_path / "out", {"address": "b"}).close()


def test_failures_are_forgotten_when_they_are_asked_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "out", SUBJECT)
    for index, ok in ((0, True), (1, False), (2, True)):
        journal.write(index, {}, ok=ok)

    journal.forget_failures()

    assert (journal.done, journal.failed) == ({0, 2}, 0)


ANSWERS = [
    (1, b'{"data":{"names":["x","y"],"ndarray":[[1,2],[3,4]]}}'),
    (0, b'{"data":{"names":["x","y"],"tensor":{"shape":[1,2],"values":[5,6]}}}'),
    (2, b'{"status":{"code":500,"info":"no","status":"FAILURE"}}'),
]
TABLE = [["x", "y", "batch_index", "error"], ["1", "2", "1", ""], ["3", "4", "1", ""], ["5", "6", "0", ""]]


def test_an_output_is_lines_or_a_table(tmp_path: Path) -> None:
    write_output(tmp_path / "out.jsonl", ANSWERS)
    write_output(tmp_path / "out.csv", ANSWERS)

    assert (tmp_path / "out.jsonl").read_bytes().splitlines() == [text for _, text in ANSWERS]
    assert list(csv.reader(io.StringIO((tmp_path / "out.csv").read_text()))) == [*TABLE, ["", "", "2", "no"]]
    with pytest.raises(BatchRefusedError, match="is there already"):
        check_output(tmp_path / "out.csv")


def test_a_parquet_file_is_written_and_read(tmp_path: Path) -> None:
    write_output(tmp_path / "out.parquet", ANSWERS)

    source = open_input(tmp_path / "out.parquet", "data")

    assert source.names == ("x", "y", "batch_index", "error")
    assert [item.value for item in source.items()] == [
        [1, 2, 1, ""],
        [3, 4, 1, ""],
        [5, 6, 0, ""],
        [None, None, 2, "no"],
    ]
