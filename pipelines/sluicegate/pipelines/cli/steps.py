"""``sluicegate step NAME``: every step as a command; what Argo's containers call."""

from pathlib import Path

import click

from sluicegate.components.emit.catalogue import PLACES, every_step, find_step
from sluicegate.components.emit.subcommand import subcommand
from sluicegate.pipelines.cli.environment import DEFAULT_HOME, provide


class StepGroup(click.Group):
    """A group over the catalogue of steps."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the catalogue."""
        del ctx
        return list(PLACES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of one step."""
        del ctx
        found = find_step(cmd_name)
        return subcommand(found) if found else None


@click.group(cls=StepGroup, invoke_without_command=True, no_args_is_help=True)
@click.option("--list", "listing", is_flag=True, help="Print name and purpose of each step, one a line.")
@click.option("--home", envvar="SLUICEGATE_HOME", default=DEFAULT_HOME, show_default=True,
              type=click.Path(file_okay=False, path_type=Path), help="The plane's directory.")  # fmt: skip
def step(listing: bool, home: Path) -> None:
    """Run one step. Each tells its options: sluicegate step NAME --help."""
    provide(home)
    if listing:
        for found in every_step():
            click.echo(f"{found.name}\t{found.summary}")
