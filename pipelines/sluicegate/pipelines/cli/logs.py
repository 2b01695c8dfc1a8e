"""``sluicegate logs``: a process's log, followed on request."""

import time
from pathlib import Path

import click

from sluicegate.pipelines.cli.options import home_option, one_sentence
from sluicegate.pipelines.plane.errors import PlaneError
from sluicegate.pipelines.plane.home import Home
from sluicegate.serving.local.process_records import last_lines

_POLL_SECONDS = 0.2


@click.command(short_help="Show a process's log.")
@click.argument("name", default="plane")
@click.option("-f", "--follow", is_flag=True, help="Go on until Ctrl-C.")
@click.option("--tail", "lines", type=int, default=200, show_default=True, help="How many lines to begin with.")
@home_option
def logs(name: str, follow: bool, lines: int, home: Path) -> None:
    """Show the log of NAME: plane, keeper, envoy, mlflow, collector, or a server or workflow (a part of its name)."""
    with one_sentence():
        path = _find(Home(home), name)
    position = path.stat().st_size
    for line in last_lines(path, lines=lines, window=1 << 20):
        click.echo(line)
    while follow:
        position = _pass_on(path, position)
        time.sleep(_POLL_SECONDS)


def _find(home: Home, name: str) -> Path:
    exact = home.log(name)
    found = [exact] if exact.exists() else sorted((home.path / "logs").glob(f"*{name}*.log"))
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.stem for path in (found or sorted((home.path / "logs").glob("*.log"))))
    problem = f"{name!r} is several logs" if found else f"no log {name!r} in {home.path}"
    raise PlaneError(f"{problem}; there are: {names or 'none'}")


def _pass_on(path: Path, position: int) -> int:
    """What came since ``position``; a log that was rotated begins anew."""
    size = path.stat().st_size if path.exists() else 0
    if size == position or not path.exists():
        return position
    with path.open("rb") as log:
        log.seek(position if size > position else 0)
        click.echo(log.read().decode(errors="replace"), nl=False)
        return log.tell()
