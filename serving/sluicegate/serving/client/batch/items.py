"""Rows of a file, one item at a time with its number: JSON lines, text lines, CSV with a header, Parquet.

``running`` reads from here; nothing is kept in memory but the item at hand.
"""

import csv
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from sluicegate.serving.client.errors import BatchRefusedError, MissingExtraError

DataType = Literal["data", "json", "str", "raw"]
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One line or row: ``index`` counts from 0, ``value`` is JSON, or text for ``str``."""

    index: int
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A file to read. ``names`` are its columns, if it has any of its own."""

    path: Path
    data_type: DataType
    names: tuple[str, ...] = ()

    def items(self) -> Iterator[Item]:
        """All items. Raises BatchRefusedError naming the line that is not what it should be."""
        for index, value in enumerate(_READERS[_format(self.path)](self)):
            yield Item(index=index, value=value)


def open_input(path: Path, data_type: DataType) -> Input:
    """Look at a file. Raises BatchRefusedError if it cannot be read as what its name and ``data_type`` say."""
    if not path.is_file():
        raise BatchRefusedError(f"input {str(path)!r}: no such file")
    kind = _format(path)
    if kind != "lines" and data_type != "data":
        raise BatchRefusedError(f"input {str(path)!r}: rows of a table are of data type data; found {data_type}")
    return Input(path=path, data_type=data_type, names=_names(path, kind))


def _format(path: Path) -> str:
    return {".csv": "csv", ".parquet": "parquet"}.get(path.suffix.lower(), "lines")


def _names(path: Path, kind: str) -> tuple[str, ...]:
    if kind == "parquet":
        return tuple(_parquet(path).schema_arrow.names)
    if kind == "lines":
        return ()
    with path.open(newline="", encoding="utf-8-sig") as file:
        header = next(csv.reader(file), None)
    if not header:
        raise BatchRefusedError(f"input {str(path)!r}: found no header; expected the columns' names in the first line")
    return tuple(header)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if text := line.strip():
                yield number, text


def _read_lines(source: Input) -> Iterator[Any]:
    for number, line in _lines(source.path):
        if source.data_type == "str":
            yield line.decode("utf-8", "replace")
            continue
        try:
            yield msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            where = f"input {str(source.path)!r} line {number}"
            raise BatchRefusedError(f"{where}: found no JSON ({error}); expected one value a line") from error


def _read_csv(source: Input) -> Iterator[Any]:
    with source.path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file)
        next(reader, None)
        for row in reader:
            if not row:
                continue
            if len(row) != len(source.names):
                where = f"input {str(source.path)!r} line {reader.line_num}"
                raise BatchRefusedError(f"{where}: found {len(row)} values; expected {len(source.names)} as the header")
            yield [_cell(text) for text in row]


def _cell(text: str) -> int | float | str | None:
    if not text:
        return None
    for read in (int, float):
        try:
            number = read(text)
        except ValueError:
            continue
        # "nan" and "inf" are not JSON; "1_000" is text to everybody but Python.
        return number if text.strip()[-1].isdigit() and "_" not in text else text
    return text


def _read_parquet(source: Input) -> Iterator[Any]:
    for batch in _parquet(source.path).iter_batches(batch_size=_ROWS_AT_ONCE):
        columns = [column.to_pylist() for column in batch.columns]
        yield from (list(row) for row in zip(*columns, strict=True))


def _parquet(path: Path) -> Any:
    try:
        return importlib.import_module("pyarrow.parquet").ParquetFile(path)
    except ImportError as error:
        raise MissingExtraError("pyarrow", "training") from error
    except (OSError, ValueError) as error:
        raise BatchRefusedError(f"input {str(path)!r}: {error}") from error


_READERS = {"lines": _read_lines, "csv": _read_csv, "parquet": _read_parquet}
