"""What a request costs, counted: it grows only together with its record."""

import pytest
from benchmarks.instructions import counted, grown, python_name, recorded


def test_no_path_through_the_server_costs_more_than_recorded() -> None:
    """Python's instructions and calls are the same in every run; ``make bench-instructions RECORD=1`` renews them."""
    if not recorded():
        pytest.skip(f"benchmarks/instructions.json has no record of {python_name()}")

    assert grown(counted(), recorded()) == []


def test_a_count_that_grew_is_told() -> None:
    """By more than its share, or without a record."""
    before = {"a": {"calls": 100, "byte code": 100}}

    told = grown({"a": {"calls": 103, "byte code": 102}, "b": {"calls": 1}}, before)

    assert [line.partition(";")[0] for line in told] == ["a: 103 calls, recorded are 100", "b: 1 calls, recorded are 0"]
