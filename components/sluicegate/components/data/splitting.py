"""``split-data``: what is learned from, and what is kept back to judge by."""

from pathlib import Path
from typing import Annotated, NamedTuple

from sluicegate.components.step import Input, Output, step


class Split(NamedTuple):
    """Rows of both parts, and the moment at which the held-out part begins (empty for a random split)."""

    training_rows: int
    held_out_rows: int
    boundary: str


@step("split-data", extras=("training",))
def split_data(
    *,
    dataset: Annotated[Path, Input("The table to split.", "Dataset")],
    training_data: Annotated[Path, Output("What the model learns from.", "Dataset")],
    held_out: Annotated[Path, Output("What it is judged by.", "Dataset")],
    time_column: Annotated[str, "Split by this moment: the later part is held out. Empty: at random."] = "",
    start: Annotated[str, "Leave out what is earlier (ISO 8601)."] = "",
    split_at: Annotated[str, "Where the held-out part begins. Empty: by its share."] = "",
    end: Annotated[str, "Leave out what is at or after this moment."] = "",
    held_out_share: Annotated[float, "Share of rows that is held out, where no moment says."] = 0.2,
    seed: Annotated[int, "Seed of a random split."] = 0,
) -> Split:
    """Split a table in time, or at random, into what is learned from and what is held out.

    Raises InputRefusedError when a column is missing, a moment does not parse, or a part would be empty.
    """
    from sluicegate.components.artefacts.tables import read_table, write_table
    from sluicegate.components.data import parting

    frame = read_table(dataset)
    if time_column:
        period = parting.Period(start=start, split_at=split_at, end=end)
        parts = parting.by_time(frame, time_column, period, held_out_share)
    else:
        parts = parting.at_random(frame, held_out_share, seed)
    write_table(parts.training, training_data)
    write_table(parts.held_out, held_out)
    return Split(len(parts.training), len(parts.held_out), parts.boundary)
