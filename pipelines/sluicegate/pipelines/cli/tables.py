"""Prints the Table that an API server makes of objects, as kubectl does."""

from collections.abc import Callable, Sequence
from typing import Any

import click

JSON = dict[str, Any]


def print_table(table: JSON, *, namespaces: bool = False, wide: bool = False, headings: bool = True) -> None:
    """Columns of priority 0 (all of them when ``wide``), aligned."""
    columns = table["columnDefinitions"]
    chosen = [i for i, column in enumerate(columns) if wide or not column.get("priority")]
    rows = [["NAMESPACE", *(columns[i]["name"].upper() for i in chosen)]] if headings else []
    for row in table.get("rows") or []:
        place = ((row.get("object") or {}).get("metadata") or {}).get("namespace", "")
        rows.append([place, *(_cell(row["cells"][i]) for i in chosen)])
    shown = rows if namespaces else [row[1:] for row in rows]
    print_rows(shown)


def _cell(value: Any) -> str:
    """What an object does not say yet comes as null."""
    return "" if value is None else str(value)


def print_rows(rows: Sequence[Sequence[str]], style: Callable[[str], str] = str) -> None:
    """Rows of cells, aligned; ``style`` colours a padded cell. Never wrapped: a shell pipe takes whole lines."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        click.echo("   ".join(style(cell.ljust(width)) for cell, width in zip(row, widths, strict=True)).rstrip())
