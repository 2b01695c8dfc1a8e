"""From rows to the table of ratios, in the terminal and in the README between its markers."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.rounds import Row
from benchmarks.peers.workloads import LESS_IS_BETTER, Workload

BEGIN, END = "<!-- make bench writes this table -->", "<!-- end of the table -->"


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times better, in the middle and at both ends, round by round."""

    middle: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"**{self.middle:.3g}** ({self.least:.3g}–{self.most:.3g})"


def ratio(rows: Sequence[Row], of: str, against: str, *, less: bool) -> Ratio | None:
    """Of one contestant against another, where both have rows."""
    figures = {name: {row.round: row.figure for row in rows if row.contestant == name} for name in (of, against)}
    both = sorted(figures[of].keys() & figures[against].keys())
    each = [figures[of][number] / figures[against][number] for number in both if figures[against][number]]
    each = [1 / one for one in each] if less else each
    return Ratio(statistics.median(each), min(each), max(each)) if each else None


def _figure(rows: Sequence[Row], name: str) -> float:
    found = [row.figure for row in rows if row.contestant == name]
    return statistics.median(found) if found else 0.0


def lines(workloads: Iterable[Workload], rows: Sequence[Row]) -> list[str]:
    """The table: a line for each of ours, in each workload at each number of clients."""
    made = [
        "| what | clients | server | times better than | the best of all peers |",
        "|---|---|---|---|---|",
    ]
    for workload in workloads:
        for clients in workload.clients:
            here = [row for row in rows if row.workload == workload.name and row.clients == clients]
            made += _lines(workload, clients, here)
    return made


def _lines(workload: Workload, clients: int, rows: Sequence[Row]) -> list[str]:
    less = workload.kind in LESS_IS_BETTER
    shown = [peer.name for peer in workload.peers if _figure(rows, peer.name)]
    if not shown:
        return [f"| {workload.title} | {clients} | {ours.name} | missing | |" for ours in workload.ours]
    best = (min if less else max)(shown, key=lambda name: _figure(rows, name))
    made = []
    for ours in workload.ours:
        against = ratio(rows, ours.name, workload.against.name, less=less)
        first = ratio(rows, ours.name, best, less=less)
        told = f"{workload.against.name}: {against}" if against else "missing"
        most = "" if len(workload.peers) == 1 else f"{best}: {first}" if first else "missing"
        made.append(f"| {workload.title} | {clients} | {ours.name} | {told} | {most} |")
    return made


def details(workloads: Iterable[Workload], rows: Sequence[Row]) -> list[str]:
    """Every contestant's own figures, for the terminal."""
    units = {"p99": "µs", "start": "s", "memory": "MB"}
    made = []
    for workload in workloads:
        for clients in workload.clients:
            here = [row for row in rows if row.workload == workload.name and row.clients == clients]
            for name in dict.fromkeys(row.contestant for row in here):
                found = [row.figure for row in here if row.contestant == name]
                unit = units.get(workload.kind, "requests/s")
                middle = f"{statistics.median(found):10.1f} {unit} ({min(found):.1f}–{max(found):.1f})"
                made.append(f"{workload.name:8} c={clients:<3} {name:38} {middle}")
    return made


def write(readme: Path, table: Sequence[str]) -> None:
    """Between the markers. Raises ValueError where there are none."""
    text = readme.read_text()
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not (found and ended):
        raise ValueError(f"{readme} has no {BEGIN} … {END}")
    readme.write_text("\n".join([before + BEGIN, "", *table, "", END]) + after)
