"""``load-data``: a table by address or by the user's own loader, as parquet."""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

from sluicegate.components.step import Output, step


class Loaded(NamedTuple):
    """Size of the table and a digest of the file, for lineage."""

    rows: int
    columns: int
    digest: str


@step("load-data", extras=("training",))
def load_data(
    *,
    dataset: Annotated[Path, Output("The table, as parquet.", "Dataset")],
    source: Annotated[str, "Address of a CSV or parquet file, also zipped: archive.zip#member.csv."] = "",
    loader: Annotated[str, "Instead of a source: module:function that returns a table."] = "",
    loader_parameters: Annotated[dict[str, Any], "Arguments of the loader."] = {},  # noqa: B006  # never written to
    code: Annotated[str, "Directory or module file that holds the loader."] = "",
    time_columns: Annotated[list[str], "Columns that hold moments in ISO 8601."] = [],  # noqa: B006
    where: Annotated[str, "Keep rows for which this expression over columns holds."] = "",
    derive: Annotated[dict[str, str], "New columns: name to expression over columns."] = {},  # noqa: B006
    required: Annotated[list[str], "Leave out rows in which one of these is missing."] = [],  # noqa: B006
) -> Loaded:
    """Load a table from a file or by the user's loader, and keep it as parquet.

    Raises InputRefusedError when the source is not a table, CodeNotImportableError when the loader cannot be imported.
    """
    from sluicegate.components.artefacts.places import content_digest
    from sluicegate.components.artefacts.tables import write_table
    from sluicegate.components.data import reading

    frame = reading.read(source=source, loader=loader, parameters=loader_parameters, code=code)
    frame = reading.shape(frame, time_columns=time_columns, where=where, derive=derive, required=required)
    write_table(frame, dataset)
    return Loaded(len(frame), len(frame.columns), content_digest(dataset))
