"""``sluicegate status``: components, deployments, rollouts, and how the registry follows."""

import json
from pathlib import Path
from typing import Any

import click

from sluicegate.pipelines.cli.access import api_of_plane
from sluicegate.pipelines.cli.client import Api, resource_of
from sluicegate.pipelines.cli.options import home_option, one_sentence, running_plane
from sluicegate.pipelines.cli.tables import print_rows, print_table
from sluicegate.pipelines.plane.errors import NotRunningError
from sluicegate.pipelines.plane.starting import read_status

JSON = dict[str, Any]
_STYLES = {"Ready": "green", "Starting": "yellow", "Draining": "yellow", "Held": "yellow", "Failed": "red"}


@click.command(short_help="Show components, deployments and rollouts.")
@home_option
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="How it is shown.")
def status(home: Path, output: str) -> None:
    """Show how the plane stands. Exit code 1 when it does not run or a component is not ready."""
    with one_sentence():
        found, plane = running_plane(home)
        document = read_status(found)
        if document is None:
            raise NotRunningError(f"the plane of {found.path} does not answer yet; see `sluicegate logs`")
        api = api_of_plane(plane)
        if output == "json":
            click.echo(json.dumps(document, indent=2))
        else:
            _show(document, api)
    if not document["ready"]:
        raise SystemExit(1)


def _show(document: JSON, api: Api) -> None:
    heading = ["PROCESS", "STATE", "PID", "PORT", "RESTARTS", "MESSAGE"]
    rows = [_row(part) for part in (*document["components"], *document["processes"])]
    print_rows([heading, *rows], _coloured)
    for word in ("seldondeployments", "modelrollouts"):
        table = api.get(resource_of(word)[1].path(None), table=True)
        if table.get("rows"):
            click.echo()
            print_table(table, namespaces=True)
    for sentence in _worries(document):
        click.echo(f"{click.style('!', fg='yellow')} {sentence}")


def _row(part: JSON) -> list[str]:
    figures = [str(part[name] or "") for name in ("pid", "port", "restarts")]
    return [part["name"], part["state"], *figures, part["message"]]


def _coloured(cell: str) -> str:
    colour = _STYLES.get(cell.strip())
    return click.style(cell, fg=colour) if colour else cell


def _worries(document: JSON) -> list[str]:
    registry, gateway = document["registry"], document["gateway"]
    behind = [] if registry["synced"] else [f"the registry is not up to date: {registry['message']}"]
    refused = [f"the gateway refused the newest table: {gateway['rejected']}"] if gateway["rejected"] else []
    return [*behind, *refused, *registry["waiting"]]
