"""``python -m demo``: plays the acts, tells what happened, writes ``demo/report.html``; a false claim fails it."""

import argparse
import sys
import time
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from demo.acts import ACTS
from demo.cluster.ground import Cluster
from demo.cluster.installation import Images
from demo.commands import ROOT
from demo.embedded import Plane
from demo.ground import ClaimFailedError, Ground
from demo.record import Record
from demo.report import table_row, write
from demo.stage import Stage
from demo.watching import watched

REPORT = ROOT / "demo" / "report.html"
WORK = ROOT / "demo" / "out"
RATE, QUICK_RATE = 155.0, 250.0
"""Flights a second. The quick acts replay faster: 50 requests at 1 percent, and the pairs of a proof, come sooner."""
QUICK, UP = {1, 2, 4}, {1, 2}
ON_CLUSTER = {1, 2, 3, 4, 5, 6}
"""What starts retraining when the world moves, in act 7, is a plane's own process."""


def main() -> int:
    """Play; returns the exit code."""
    arguments = _arguments()
    console = Console(highlight=False)
    work = arguments.work.resolve()
    stage = Stage(ground=_ground(arguments, work))
    records: list[Record] = []
    began = time.monotonic()
    failure = ""
    try:
        _begin(stage, console)
        for number, title, act in (entry for entry in ACTS if entry[0] in _numbers(arguments)):
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
        stage.ground.end(keep=arguments.up and not failure)
    if arguments.up and not failure:
        console.print(stage.ground.farewell)
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
    parser.add_argument("--cluster", action="store_true", help="on the cluster of KUBECONFIG, acts 1 to 6")
    parser.add_argument("--registry", default="sluicegate", help="on a cluster: what names of our images begin with")
    parser.add_argument("--tag", default=version("sluicegate"), help="on a cluster: their tag")
    return parser.parse_args()


def _ground(arguments: argparse.Namespace, work: Path) -> Ground:
    if arguments.cluster:
        return Cluster(work, Images(arguments.registry, arguments.tag))
    return Plane(work / "home", QUICK_RATE if arguments.quick else RATE)


def _numbers(arguments: argparse.Namespace) -> set[int]:
    every = ON_CLUSTER if arguments.cluster else {number for number, _, _ in ACTS}
    return QUICK if arguments.quick else UP if arguments.up else every


def _short(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _begin(stage: Stage, console: Console) -> None:
    def say(name: str, words: str) -> None:
        console.print(f"  {name:<12} {words}", style="dim")

    with console.status(f"starting {stage.ground.what} ..."):
        stage.load = stage.ground.begin(say)


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
