"""``sluicegate predict``: one request through the gateway."""

import json
import sys
from pathlib import Path
from typing import Any

import click
import httpx

from sluicegate.pipelines.cli.client import RequestFailedError
from sluicegate.pipelines.cli.options import home_option, namespace_option, one_sentence, running_plane
from sluicegate.pipelines.plane.home import Home, PlaneFile


@click.command(short_help="Ask a deployment for a prediction.")
@click.argument("deployment")
@click.option(
    "-d", "--data", default="-", metavar="JSON|@FILE|-", help="Rows, a Seldon or an Open Inference request; - is stdin."
)
@click.option("--header", "headers", multiple=True, metavar="NAME:VALUE", help="A request header; may be repeated.")
@namespace_option
@home_option
def predict(deployment: str, data: str, headers: tuple[str, ...], namespace: str, home: Path) -> None:
    """Send rows to DEPLOYMENT and print the answer.

    JSON is a whole request ({"data": …}), a list of rows, or one row by column names ({"distance": 200, …}).
    """
    with one_sentence():
        plane = _plane_file(home)
        document = as_request(_read(data))
        address = f"{plane.ports.addresses()['gateway']}/seldon/{namespace}/{deployment}/api/v1.0/predictions"
        given = dict(header.split(":", 1) for header in headers if ":" in header)
        try:
            answer = httpx.post(address, json=document, headers=given, timeout=30.0, trust_env=False)
        except httpx.HTTPError as error:
            raise RequestFailedError(
                f"the gateway at {address} does not answer ({error}); see `sluicegate status`"
            ) from error
    click.echo(answer.text)
    if answer.is_error:
        raise click.ClickException(f"{deployment} answered {answer.status_code}")


def _plane_file(home: Path) -> PlaneFile:
    """Also of a plane that is just being started again: its gateway goes on meanwhile."""
    plane = Home(home).read()
    return plane if plane is not None else running_plane(home)[1]


def as_request(value: Any) -> dict[str, Any]:
    """A Seldon request of what was given. Raises RequestFailedError."""
    if isinstance(value, dict) and value.keys() & {"data", "jsonData", "strData", "binData"}:
        return value
    rows = [value] if isinstance(value, dict) else value
    if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
        names = list(rows[0])
        return {"data": {"names": names, "ndarray": [[row.get(name) for name in names] for row in rows]}}
    if isinstance(rows, list) and rows:
        return {"data": {"ndarray": rows if isinstance(rows[0], list) else [rows]}}
    raise RequestFailedError('expected {"data": …}, a list of rows, or rows by column names')


def _read(data: str) -> Any:
    try:
        text = sys.stdin.read() if data == "-" else Path(data[1:]).read_text() if data.startswith("@") else data
        return json.loads(text)
    except (OSError, ValueError) as error:
        raise RequestFailedError(f"--data: no JSON could be read ({error})") from error
