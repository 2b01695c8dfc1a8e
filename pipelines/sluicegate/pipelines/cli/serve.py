"""``sluicegate serve``: becomes a model server; no plane needed."""

import os
import sys

import click


@click.command(
    short_help="Run one model server in the foreground.",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def serve(arguments: tuple[str, ...]) -> None:
    """Run one model server in the foreground, with the server's own options (--help shows them)."""
    command = (sys.executable, "-m", "sluicegate.serving.server", *arguments)
    os.execv(sys.executable, command)  # noqa: S606  a list of arguments, no shell
