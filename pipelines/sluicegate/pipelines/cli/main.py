"""The command group: a table of commands, each loaded when it is called, so that ``--help`` is fast.

Errors that the rooms raise on purpose come out as one sentence and exit code 1; anything else is a defect and shows its
traceback.
"""

import importlib
import sys
from dataclasses import dataclass

import click
from click.formatting import HelpFormatter


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: its name, ``module:attribute``, and its line in the help."""

    name: str
    place: str
    summary: str


ROOM = "sluicegate.pipelines.cli"
COMMANDS = (
    Entry("up", f"{ROOM}.up:up", "Start the plane and wait until it is ready."),
    Entry("down", f"{ROOM}.down:down", "End the plane and every process of it."),
    Entry("status", f"{ROOM}.status:status", "Show components, deployments and rollouts."),
    Entry("logs", f"{ROOM}.logs:logs", "Show a process's log."),
    Entry("kubeconfig", f"{ROOM}.kubeconfig:kubeconfig", "Print how kubectl finds the plane."),
    Entry("stop", f"{ROOM}.processes:stop", "Stop one process and keep it stopped."),
    Entry("start", f"{ROOM}.processes:start", "Start a stopped process."),
    Entry("apply", f"{ROOM}.objects:apply", "Create or change objects from a file."),
    Entry("get", f"{ROOM}.objects:get", "List objects."),
    Entry("describe", f"{ROOM}.objects:describe", "Show one object with its conditions and events."),
    Entry("delete", f"{ROOM}.objects:delete", "Delete an object."),
    Entry("predict", f"{ROOM}.predict:predict", "Ask a deployment for a prediction."),
    Entry("batch", f"{ROOM}.batch:batch", "Ask a deployment for predictions of a whole file."),
    Entry("serve", f"{ROOM}.serve:serve", "Run one model server in the foreground."),
    Entry("build-image", f"{ROOM}.build_image:build_image", "Build the image that serves a Python class."),
    Entry("adopt", f"{ROOM}.adopt:adopt", "Say what changes when what Seldon Core runs is taken over."),
    Entry("rollout", f"{ROOM}.rollout:rollout", "Start and steer rollouts."),
    Entry("submit", f"{ROOM}.submit:submit", "Run an Argo workflow file on this machine."),
    Entry("step", f"{ROOM}.steps:step", "Run one step."),
    Entry("pipeline", f"{ROOM}.pipeline:pipeline", "Run or compile a pipeline."),
)


class LazyGroup(click.Group):
    """A group over a table of entries."""

    def __init__(self, *, entries: tuple[Entry, ...], help: str) -> None:  # noqa: A002  click's own word
        super().__init__(name="sluicegate", help=help)
        self._entries = {entry.name: entry for entry in entries}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table."""
        del ctx
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load it. A library that is missing is named with the extra that brings it."""
        del ctx
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.place.partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("sluicegate."):
                raise
            raise click.ClickException(
                f"`sluicegate {cmd_name}` needs {error.name}, which is not installed; pip install 'sluicegate[all]'"
            ) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: HelpFormatter) -> None:
        """From the table: nothing is loaded for the help."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(entry.name, entry.summary) for entry in self._entries.values()])


cli = LazyGroup(
    entries=COMMANDS,
    help="Models reach production a little at a time, measured on the way. `sluicegate up` starts a plane here.",
)
cli.params.append(
    click.Option(["--version"], is_flag=True, is_eager=True, expose_value=False, help="Show the version and exit.",
                 callback=lambda ctx, _param, value: _show_version(ctx) if value else None)
)  # fmt: skip


def _show_version(ctx: click.Context) -> None:
    # importlib.metadata takes a tenth of a second; only this needs it.
    click.echo(importlib.import_module("importlib.metadata").version("sluicegate"))
    ctx.exit()


def main() -> None:
    """The console script."""
    sys.exit(cli.main(prog_name="sluicegate"))
