"""``sluicegate stop`` and ``start``: one process by name."""

from pathlib import Path

import click

from sluicegate.pipelines.cli.access import api_of_plane
from sluicegate.pipelines.cli.options import home_option, one_sentence, running_plane


@click.command(short_help="Stop one process and keep it stopped.")
@click.argument("name")
@home_option
def stop(name: str, home: Path) -> None:
    """Stop the process NAME (as `sluicegate status` shows it) until `sluicegate start NAME`."""
    _ask(home, name, "stop")
    click.echo(f"{name} is being stopped; `sluicegate start {name}` starts it again")


@click.command(short_help="Start a stopped process.")
@click.argument("name")
@home_option
def start(name: str, home: Path) -> None:
    """Start the process NAME again, also one that waits after a failure."""
    _ask(home, name, "start")
    click.echo(f"{name} is being started")


def _ask(home: Path, name: str, verb: str) -> None:
    with one_sentence():
        _, plane = running_plane(home)
        api_of_plane(plane).call("POST", f"/sluicegate/v1/processes/{name}/{verb}")
