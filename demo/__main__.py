"""``python -m demo``: plays the acts, tells what happened, writes ``demo/report.html``; a false claim fails it."""

import argparse
import shutil
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from demo.acts import ACTS
from demo.flights import departures
from demo.record import Record
from demo.replay import Replay
from demo.report import table_row, write
from demo.stage import DEPLOYMENT, ROOT, ClaimFailedError, Stage
from demo.versions import WINTER
from demo.watching import watched

REPORT = ROOT / "demo" / "report.html"
WORK = ROOT / "demo" / "out"
RATE, QUICK_RATE = 155.0, 250.0
"""Flights a second. The quick acts replay faster: 50 requests at 1 percent, and the pairs of a proof, come sooner."""
QUICK, UP = {1, 2, 4}, {1, 2}


def main() -> int:
    """Play; returns the exit code."""
    arguments = _arguments()
    console = Console(highlight=False)
    numbers = QUICK if arguments.quick else UP if arguments.up else {number for number, _, _ in ACTS}
    work = arguments.work.resolve()
    stage = Stage(home=work / "home")
    records: list[Record] = []
    began = time.monotonic()
    failure = ""
    try:
        _begin(stage, console, QUICK_RATE if arguments.quick else RATE)
        for number, title, act in (entry for entry in ACTS if entry[0] in numbers):
            record = Record(number, title)
            records.append(record)
            console.print(f"\n[bold]Act {number}. {title}[/]")
            with watched(stage, record, console):
                act(stage)
            _told(record, console)
    except ClaimFailedError as error:
        failure = str(error)
    except KeyboardInterrupt:
        failure = "stopped by Ctrl-C"
    finally:
        _end(stage, console, keep=arguments.up and not failure)
    report = REPORT if work == WORK else work / "report.html"
    write(records, report)
    console.print(_table(records))
    console.print(f"{time.monotonic() - began:.0f} s. Look at {_short(report)}")
    if failure:
        console.print(f"\n[red]This does not hold:[/] {failure}\nLogs: {_short(work)}/logs", soft_wrap=True)
    return int(bool(failure))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description="Play the story of sluicegate.")
    parser.add_argument("--quick", action="store_true", help="acts 1, 2 and 4 only")
    parser.add_argument("--up", action="store_true", help="acts 1 and 2, and leave the plane running")
    parser.add_argument("--work", type=Path, default=WORK, help="directory for everything that is made")
    return parser.parse_args()


def _short(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _begin(stage: Stage, console: Console, rate: float) -> None:
    if (stage.home / "plane.json").exists():
        stage.run("down", log="down", check=False)
    for directory in (stage.home, stage.home.parent / "logs"):
        shutil.rmtree(directory, ignore_errors=True)
    with console.status("starting the plane: API, gateway (Envoy), registry (MLflow), collector ..."):
        stage.up()
    gateway = stage.addresses["gateway"].removeprefix("http://").split(":")
    path = f"/seldon/default/{DEPLOYMENT}"
    stage.replay = Replay(gateway[0], int(gateway[1]), path, departures(*WINTER), rate)
    for name, address in stage.addresses.items():
        console.print(f"  {name:<12} {address}", style="dim")


def _end(stage: Stage, console: Console, *, keep: bool) -> None:
    if stage.replay is not None:
        stage.replay.stop()
    if keep:
        console.print("The plane is still running; the README says what to try. End it with: make demo-down")
    else:
        stage.run("down", log="down", check=False)


def _told(record: Record, console: Console) -> None:
    for line in record.lines:
        console.print(f"  {line}", soft_wrap=True)
    console.print(f"  [green]✔ {len(record.claims)} claims hold[/]  [dim]{record.ended - record.started:.0f} s[/]")


def _table(records: list[Record]) -> Table:
    table = Table(title="What happened", title_justify="left")
    heads = ("act", "", "requests", "failed", "harmed", "verdict", "champion")
    for head in heads:
        table.add_column(head, justify="left" if head in {"act", ""} else "right", no_wrap=True, min_width=len(head))
    for record in records:
        table.add_row(*table_row(record))
    return table


if __name__ == "__main__":
    sys.exit(main())
