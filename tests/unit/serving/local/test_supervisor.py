"""What the supervisor writes down and decides, without processes."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.serving.local.errors import SpecError
from sluicegate.serving.local.process_records import Record, Records, last_lines, rotate
from sluicegate.serving.local.processes import ProcessSpec, Timing


@given(failures=st.integers(min_value=1, max_value=10_000))
def test_back_off_grows_and_is_bounded(failures: int) -> None:
    """Delays never shrink with failures and stay between the first and the longest."""
    timing = Timing()

    delay = timing.delay(failures, refused=False)

    assert 0.2 <= delay <= 30.0
    assert delay <= timing.delay(failures + 1, refused=False)


def test_a_refusal_waits_long() -> None:
    """What refused once will refuse again soon."""
    assert Timing().delay(1, refused=True) == 60.0


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "a/b"])
def test_names_are_file_names(name: str) -> None:
    """A name that could leave the directory is refused."""
    with pytest.raises(SpecError, match="expected letters"):
        ProcessSpec(name=name, command=("true",))


def test_a_record_comes_back(tmp_path: Path) -> None:
    """What is written is read; unknown fields of a newer release are ignored."""
    records = Records(tmp_path)
    record = Record(name="envoy", group="plane", mark="t", pid=4, create_time=1.5, port=8003)
    records.write(record)
    path = tmp_path / "envoy.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"later": 1}))

    assert records.all() == (record,)


def test_a_broken_record_is_no_record(tmp_path: Path) -> None:
    """Half a file (another tool's) does not stop the plane."""
    (tmp_path / "x.json").write_text("{")

    assert Records(tmp_path).all() == ()


def test_holds_outlive_the_supervisor(tmp_path: Path) -> None:
    """A hold is a file."""
    Records(tmp_path).hold("mlflow", held=True)

    assert Records(tmp_path).held("mlflow")


def test_logs_are_rotated_by_size(tmp_path: Path) -> None:
    """A large log moves to .1, the one before to .2."""
    log = tmp_path / "x.log"
    log.write_text("new")
    log.with_name("x.log.1").write_text("old")

    rotate(log, max_bytes=1)

    assert not log.exists()
    assert log.with_name("x.log.1").read_text() == "new"
    assert log.with_name("x.log.2").read_text() == "old"


def test_last_lines_are_of_this_start(tmp_path: Path) -> None:
    """Lines of an earlier start are not shown."""
    log = tmp_path / "x.log"
    log.write_text("before\nafter\n\nlast\n")

    assert last_lines(log, start=7) == ["after", "last"]
