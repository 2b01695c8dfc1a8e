"""The benchmark's arithmetic: ratios are of loads of one round, and the README is written between its markers alone."""

from pathlib import Path

import pytest
from benchmarks.peers.rounds import Row
from benchmarks.peers.table import BEGIN, END, ratio, write


def _rows(**figures: list[float]) -> list[Row]:
    return [
        Row(workload="w", contestant=name, clients=1, round=number, figure=figure)
        for name, each in figures.items()
        for number, figure in enumerate(each)
    ]


def test_a_ratio_is_taken_round_by_round() -> None:
    """The machine was three times faster in the second round; both were."""
    found = ratio(_rows(ours=[100, 330, 90], peer=[50, 150, 50]), "ours", "peer", less=False)

    assert str(found) == "**2** (1.8–2.2)"


def test_where_less_is_better_it_is_turned() -> None:
    assert str(ratio(_rows(ours=[1, 2], peer=[3, 3]), "ours", "peer", less=True)) == "**2.25** (1.5–3)"


def test_what_did_not_answer_has_no_ratio() -> None:
    assert ratio(_rows(ours=[1]), "ours", "peer", less=False) is None


def test_the_table_is_written_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    write(page, ["| new |"])

    assert page.read_text() == f"before\n{BEGIN}\n\n| new |\n\n{END}\nafter\n"


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("nothing")

    with pytest.raises(ValueError, match="has no"):
        write(page, ["| new |"])
