"""``sluicegate down``: ends the plane and every process of it, orphans too."""

from pathlib import Path

import click

from sluicegate.pipelines.cli.options import home_option, one_sentence
from sluicegate.pipelines.plane.home import Home
from sluicegate.pipelines.plane.starting import stop


@click.command(short_help="End the plane and every process of it.")
@home_option
def down(home: Path) -> None:
    """End the plane of this directory; its state stays. Processes that lost their plane are ended as well."""
    with one_sentence():
        found = Home(home)
        ran = bool(found.holder("keeper") or found.holder("plane"))
        orphans = stop(found) if found.path.is_dir() else 0
    ended = "the plane is down" if ran else f"no plane ran in {found.path}"
    click.echo(ended + (f"; {orphans} processes that did not end by themselves were killed" if orphans else ""))
