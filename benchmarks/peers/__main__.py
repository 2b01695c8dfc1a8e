"""``make bench``: our server beside its peers, in turns, and the table of ratios.

Environments are made once (minutes, some gigabytes under build/bench). The README's table is written by a whole run
alone; parts (``--only``, ``--quick``) print theirs. Ctrl-C ends everything that runs.
"""

import argparse
import csv
import platform
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks.peers import load, table
from benchmarks.peers.contestants import Contestant
from benchmarks.peers.environments import BUILT, OURS, PEERS, prepare
from benchmarks.peers.processes import NotServedError
from benchmarks.peers.rounds import Row, measured
from benchmarks.peers.workloads import WORKLOADS, Workload

ROOT = Path(__file__).parents[2]
ROWS = BUILT / "rows.csv"


def _given(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    names = [workload.name for workload in WORKLOADS]
    parser.add_argument("--only", nargs="+", choices=[*names, *PEERS], default=[], help="these workloads, or peers")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (3)")
    parser.add_argument("--seconds", type=float, default=4, help="of each load (4)")
    parser.add_argument("--quick", action="store_true", help="one round of a second: whether all work")
    parser.add_argument("--no-readme", action="store_true", help="print the table only")
    given = parser.parse_args(arguments)
    if given.quick:
        given.rounds, given.seconds = 1, 1.0
    given.whole = not (given.only or given.quick or given.no_readme)
    return given


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare, measure, print, write; 1 if something is missing."""
    given = _given(arguments)
    lacking = load.missing()
    if lacking:
        print(f"not on PATH: {', '.join(lacking)}. On Debian: apt-get install wrk nghttp2-client util-linux")
        return 1
    workloads = [each for each in WORKLOADS if each.name in given.only] or list(WORKLOADS)
    peers = [peer for peer in PEERS if peer in given.only] or list(PEERS)
    troubles = _prepared([OURS, *peers])
    there = {OURS, *peers} - troubles.keys()
    rows, told = _measured(workloads, there, given)
    troubles |= told
    _written(rows)
    print("\n".join(["", *table.details(workloads, rows), "", *_table(workloads, rows, troubles), ""]))
    if given.whole:
        table.write(ROOT / "README.md", _table(workloads, rows, troubles))
    return 1 if troubles else 0


def _prepared(peers: Sequence[str]) -> dict[str, str]:
    print("environments:", flush=True)
    found = {}
    for peer in peers:
        trouble = prepare(peer)
        print(f"  {peer}: {trouble or 'ready'}", flush=True)
        if trouble:
            found[peer] = trouble
    return found


def _measured(
    workloads: Sequence[Workload], there: set[str], given: argparse.Namespace
) -> tuple[list[Row], dict[str, str]]:
    rows: list[Row] = []
    troubles: dict[str, str] = {}
    for workload in workloads:
        contestants: list[Contestant] = [each for each in (*workload.ours, *workload.peers) if each.peer in there]
        print(f"{workload.name}: {workload.title}", flush=True)
        for found in measured(workload, contestants, rounds=given.rounds, seconds=given.seconds):
            if isinstance(found, NotServedError):
                troubles[f"{workload.name} {str(found)[:20]}"] = str(found)
                print(f"  {found}", flush=True)
            else:
                rows.append(found)
                print(f"  {found.contestant:38} c={found.clients:<3} {found.figure:.1f}", flush=True)
    return rows, troubles


def _written(rows: Sequence[Row]) -> None:
    with ROWS.open("w", newline="") as output:
        writer = csv.DictWriter(output, fieldnames=list(Row.__dataclass_fields__))
        writer.writeheader()
        writer.writerows(row.told() for row in rows)
    print(f"raw rows: {ROWS}")


def _table(workloads: Sequence[Workload], rows: Sequence[Row], troubles: dict[str, str]) -> list[str]:
    told = f"CPython {platform.python_version()}, {load.tool_versions()}"
    made = [f"`make bench`, {date.today().isoformat()}, {told}; one core for the server, one for the load.", ""]
    made += table.lines(workloads, rows)
    if troubles:
        made += ["", *(f"- missing: {text}" for text in dict.fromkeys(troubles.values()))]
    return made


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("ended; nothing was written")
