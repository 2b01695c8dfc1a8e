"""``sluicegate kubeconfig``: how kubectl finds the plane."""

from pathlib import Path

import click

from sluicegate.pipelines.cli.options import home_option, one_sentence
from sluicegate.pipelines.plane.errors import NotRunningError
from sluicegate.pipelines.plane.home import Home


@click.command(short_help="Print how kubectl finds the plane.")
@click.option("--path", "only_path", is_flag=True, help="Only the file's path.")
@home_option
def kubeconfig(only_path: bool, home: Path) -> None:
    """Print a line for your shell: eval "$(sluicegate kubeconfig)"."""
    with one_sentence():
        path = Home(home).kubeconfig
        if not path.exists():
            raise NotRunningError(f"no plane was ever up in {path.parent}; start it with `sluicegate up`")
    click.echo(str(path) if only_path else f"export KUBECONFIG='{path}'")
