"""``validate-data``: the table is what the pipeline counts on, or the run ends here."""

from pathlib import Path
from typing import Annotated, NamedTuple

from sluicegate.components.errors import GateNotPassedError
from sluicegate.components.step import Input, step


class Validated(NamedTuple):
    """Size of the table that passed."""

    rows: int
    columns: int


@step("validate-data", extras=("training",))
def validate_data(
    *,
    dataset: Annotated[Path, Input("The table to check.", "Dataset")],
    expected_columns: Annotated[list[str], "Columns that must be there."] = [],  # noqa: B006  # never written to
    expected_types: Annotated[dict[str, str], "Column to number, text, boolean or time."] = {},  # noqa: B006
    missing_at_most: Annotated[dict[str, float], "Column to the largest share of missing values."] = {},  # noqa: B006
    rows_at_least: Annotated[int, "Fewest rows."] = 1,
    rows_at_most: Annotated[int, "Most rows; 0 for any number."] = 0,
) -> Validated:
    """Check columns, types, missing values and size of a table.

    Raises GateNotPassedError, naming for every violation the column, what was found and what is expected.
    """
    from sluicegate.components.artefacts.tables import read_table
    from sluicegate.components.data.checks import violations

    frame = read_table(dataset)
    found = violations(
        frame,
        columns=expected_columns,
        types=expected_types,
        missing=missing_at_most,
        rows=(rows_at_least, rows_at_most),
    )
    if found:
        raise GateNotPassedError(" | ".join(found))
    return Validated(len(frame), len(frame.columns))
