"""Tables come in, are checked, and are parted in time."""

from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.components.data import parting
from sluicegate.components.data.loading import load_data
from sluicegate.components.data.splitting import split_data
from sluicegate.components.data.validating import validate_data
from sluicegate.components.errors import CodeNotImportableError, GateNotPassedError, InputRefusedError


def test_a_csv_keeps_its_missing_values_and_gets_derived_columns(tmp_path: Path) -> None:
    """NaN survives; ``derive`` comes before ``where`` and ``required``."""
    (tmp_path / "a.csv").write_text("delay,wind\n20,\n5,3\n,1\n40,2\n")

    loaded = load_data(
        dataset=tmp_path / "out", source=str(tmp_path / "a.csv"), derive={"late": "delay > 15"}, required=["delay"]
    )

    frame = pd.read_parquet(tmp_path / "out")
    assert loaded.rows == 3
    assert frame.late.tolist() == [True, False, True]
    assert frame.wind.isna().sum() == 1


def test_a_loader_comes_from_the_users_code(tmp_path: Path) -> None:
    """``code`` makes a module importable that is installed nowhere."""
    (tmp_path / "our_loader.py").write_text(
        "import pandas as pd\n\ndef rows(n):\n    return pd.DataFrame({'x': range(n)})\n"
    )

    loaded = load_data(
        dataset=tmp_path / "out", loader="our_loader:rows", loader_parameters={"n": 12},
        code=str(tmp_path / "our_loader.py"),
    )  # fmt: skip

    assert loaded.rows == 12


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        pytest.param({}, InputRefusedError, "exactly one", id="neither"),
        pytest.param({"source": "/nowhere.csv"}, InputRefusedError, "/nowhere.csv", id="no-file"),
        pytest.param({"loader": "no_such:thing"}, CodeNotImportableError, "no_such", id="no-module"),
        pytest.param({"loader": "json"}, CodeNotImportableError, "module:attribute", id="malformed"),
    ],
)
def test_what_cannot_be_loaded_is_named(
    tmp_path: Path, arguments: dict[str, str], error: type[Exception], words: str
) -> None:
    """The message says which argument and what is expected."""
    with pytest.raises(error, match=words):
        load_data(dataset=tmp_path / "out", **arguments)


def test_every_violation_names_column_found_and_expected(table: Path) -> None:
    """All at once, so that one run shows all there is to mend."""
    with pytest.raises(GateNotPassedError) as caught:
        validate_data(
            dataset=table,
            expected_columns=["gate"],
            expected_types={"delay": "text"},
            missing_at_most={"pressure": 0.1},
            rows_at_least=1000,
        )

    assert str(caught.value).split(" | ") == [
        "rows: found 48; expected at least 1000",
        "column 'gate': found none of this name; expected it",
        "column 'delay': found type number (float64); expected text",
        "column 'pressure': found 16.67% missing; expected at most 10.00%",
    ]


def test_the_later_part_is_held_out(table: Path, tmp_path: Path) -> None:
    """Nothing of the training part is later than anything held out."""
    parted = split_data(
        dataset=table, training_data=tmp_path / "a", held_out=tmp_path / "b", time_column="moment",
        split_at="2024-01-02", end="2024-01-02T12:00",
    )  # fmt: skip

    assert (parted.training_rows, parted.held_out_rows, parted.boundary) == (24, 12, "2024-01-02T00:00:00")
    assert pd.read_parquet(tmp_path / "a").moment.max() < pd.read_parquet(tmp_path / "b").moment.min()


def test_an_empty_part_is_refused(table: Path, tmp_path: Path) -> None:
    """A split that leaves nothing to judge by is no split."""
    with pytest.raises(InputRefusedError, match="held-out part is empty"):
        split_data(
            dataset=table, training_data=tmp_path / "a", held_out=tmp_path / "b", time_column="moment",
            split_at="2030-01-01",
        )  # fmt: skip


@given(rows=st.integers(2, 60), share=st.floats(0.05, 0.95), seed=st.integers(0, 9))
def test_a_random_split_loses_and_repeats_nothing(rows: int, share: float, seed: int) -> None:
    """Whatever the share, each row is in exactly one part."""
    frame = pd.DataFrame({"row": range(rows)})

    try:
        parts = parting.at_random(frame, share, seed)
    except InputRefusedError:
        assert round(rows * (1 - share)) == 0
        return

    assert sorted([*parts.training.row, *parts.held_out.row]) == list(range(rows))
