"""What stands in the output: one answer a line, or a table. Made of the journal in one step, or not at all."""

import csv
import importlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from sluicegate.serving.client.errors import BatchRefusedError, MissingExtraError

Answers = Iterable[tuple[int, bytes]]
INDEX, ERROR = "batch_index", "error"
_ROWS_AT_ONCE = 4096


def check_output(output: Path, *, again: bool = False) -> None:
    """Raises BatchRefusedError for a place that nothing may be written to, before anything is asked.

    ``again``: the output of a run with failures is made anew.
    """
    if not output.parent.is_dir():
        raise BatchRefusedError(f"output {str(output)!r}: no directory {str(output.parent)!r}")
    if output.exists() and not again:
        raise BatchRefusedError(f"output {str(output)!r} is there already; give --overwrite, or another name")


def write_output(output: Path, answers: Answers) -> None:
    """JSON lines, or a table for ``.csv`` and ``.parquet``: the answer's columns, batch_index and error."""
    part = output.with_name(output.name + ".writing")
    _WRITERS.get(output.suffix.lower(), _lines)(part, answers)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(output)


def _lines(path: Path, answers: Answers) -> None:
    with path.open("wb") as file:
        for _, answer in answers:
            file.write(answer + b"\n")


def _csv(path: Path, answers: Answers) -> None:
    columns: list[str] | None = None
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        for row in _table(answers):
            if columns is None:
                columns = [*(name for name in row if name not in (INDEX, ERROR)), INDEX, ERROR]
                writer.writerow(columns)
            writer.writerow([row.get(name, "") for name in columns])


def _parquet(path: Path, answers: Answers) -> None:
    try:
        arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        raise MissingExtraError("pyarrow", "training") from error
    writer, rows = None, list[dict[str, Any]]()
    try:
        for row in _table(answers):
            rows.append(row)
            if len(rows) == _ROWS_AT_ONCE:
                writer, rows = _flushed(parquet, arrow, path, writer, rows), []
        writer = _flushed(parquet, arrow, path, writer, rows)
    finally:
        if writer is not None:
            writer.close()


def _flushed(parquet: Any, arrow: Any, path: Path, writer: Any, rows: list[dict[str, Any]]) -> Any:
    if writer is None:
        columns = list(dict.fromkeys((*(name for row in rows for name in row), INDEX, ERROR)))
        table = arrow.Table.from_pylist([{name: row.get(name) for name in columns} for row in rows])
        fields = [arrow.field(ERROR, arrow.string()) if each.name == ERROR else each for each in table.schema]
        writer = parquet.ParquetWriter(path, arrow.schema(fields))
    if rows:
        writer.write_table(arrow.Table.from_pylist(rows, schema=writer.schema))
    return writer


def _table(answers: Answers) -> Iterator[dict[str, Any]]:
    """One row for each row of each answer; a failure is a row with its words under ``error``."""
    for index, text in answers:
        answer = msgspec.json.decode(text)
        names, rows = _content(answer)
        if not rows:
            yield {INDEX: index, ERROR: str((answer.get("status") or {}).get("info", "an answer without rows"))}
        for row in rows:
            cells = row if isinstance(row, list) else [row]
            titles = names if len(names) == len(cells) else [f"t:{place}" for place in range(len(cells))]
            yield {**dict(zip(titles, cells, strict=True)), INDEX: index, ERROR: ""}


def _content(answer: dict[str, Any]) -> tuple[list[str], list[Any]]:
    data = answer.get("data")
    if isinstance(data, dict):
        names = [str(name) for name in data.get("names") or ()]
        if "ndarray" in data:
            return names, list(data["ndarray"])
        shape, values = data["tensor"]["shape"], data["tensor"]["values"]
        width = len(values) // max(shape[0], 1)
        return names, [values[row * width : (row + 1) * width] for row in range(shape[0])]
    texts = [answer[name] for name in ("strData", "binData") if name in answer]
    if "jsonData" in answer:
        texts.append(msgspec.json.encode(answer["jsonData"]).decode())
    return ["answer"], texts


_WRITERS = {".csv": _csv, ".parquet": _parquet}
