"""``sluicegate apply``, ``get``, ``describe``, ``delete``: objects, for those who have no kubectl at hand."""

import json
import sys
from pathlib import Path
from typing import Any

import click
import yaml

from sluicegate.pipelines.cli.access import api_of
from sluicegate.pipelines.cli.client import Api, RequestFailedError, resource_of
from sluicegate.pipelines.cli.options import home_option, namespace_option, one_sentence
from sluicegate.pipelines.cli.tables import print_table

JSON = dict[str, Any]


@click.command(short_help="Create or change objects from a file.")
@click.option(
    "-f", "--filename", "files", multiple=True, required=True, metavar="FILE", help="YAML or JSON; - is stdin."
)
@namespace_option
@home_option
def apply(files: tuple[str, ...], namespace: str, home: Path) -> None:
    """Create the objects of FILE, or change them by merge patch where they exist."""
    with one_sentence():
        api = api_of(home)
        for document in [each for name in files for each in _documents(name)]:
            click.echo(_apply(api, document, namespace))


@click.command(short_help="List objects.")
@click.argument("kind")
@click.argument("name", required=False)
@click.option("-o", "--output", type=click.Choice(["table", "wide", "json", "yaml"]), default="table")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Of all namespaces.")
@namespace_option
@home_option
def get(kind: str, name: str | None, output: str, everywhere: bool, namespace: str, home: Path) -> None:
    """List objects of KIND (sdep, mro, wf, cm, …), or one by NAME."""
    with one_sentence():
        _, resource = resource_of(kind)
        path = resource.path(None if everywhere else namespace, name or "")
        found = api_of(home).get(path, table=output in {"table", "wide"})
    if output in {"table", "wide"}:
        if found.get("rows"):
            print_table(found, namespaces=everywhere, wide=output == "wide")
        else:
            click.echo(f"no {resource.plural} found", err=True)
    else:
        click.echo(_text(found, output))


@click.command(short_help="Show one object with its conditions and events.")
@click.argument("kind")
@click.argument("name")
@namespace_option
@home_option
def describe(kind: str, name: str, namespace: str, home: Path) -> None:
    """Show the object NAME of KIND, and what happened to it."""
    with one_sentence():
        api = api_of(home)
        known, resource = resource_of(kind)
        found = api.get(resource.path(namespace, name))
        selector = f"involvedObject.name={name},involvedObject.kind={known}"
        events = api.get(resource_of("events")[1].path(namespace), fieldSelector=selector)
    found.get("metadata", {}).pop("managedFields", None)
    click.echo(_text(found, "yaml").rstrip())
    click.echo("\nEvents:" if events.get("items") else "\nEvents: none")
    for event in sorted(events.get("items") or [], key=lambda each: each.get("lastTimestamp") or ""):
        click.echo(
            f"  {event.get('lastTimestamp')}  {event.get('type')}  {event.get('reason')}  {event.get('message')}"
        )


@click.command(short_help="Delete an object.")
@click.argument("kind")
@click.argument("name")
@namespace_option
@home_option
def delete(kind: str, name: str, namespace: str, home: Path) -> None:
    """Delete the object NAME of KIND and what it owns."""
    with one_sentence():
        _, resource = resource_of(kind)
        api_of(home).call("DELETE", resource.path(namespace, name))
    click.echo(f"{resource.plural}/{name} deleted")


def _documents(name: str) -> list[JSON]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text()
        found = [each for each in yaml.safe_load_all(text) if each is not None]
    except (OSError, yaml.YAMLError) as error:
        raise RequestFailedError(f"{name}: {error}") from error
    listed = [each for document in found for each in _items(document)]
    wrong = next((each for each in listed if not isinstance(each, dict) or "kind" not in each), None)
    if wrong is not None or not listed:
        raise RequestFailedError(f"{name}: expected Kubernetes objects, each with a kind")
    return listed


def _items(document: Any) -> list[Any]:
    is_list = isinstance(document, dict) and document.get("kind") == "List"
    return list(document.get("items") or []) if is_list else [document]


def _apply(api: Api, document: JSON, namespace: str) -> str:
    _, resource = resource_of(str(document["kind"]))
    metadata = document.get("metadata") or {}
    place = metadata.get("namespace") or namespace
    said = f"{resource.plural}/{metadata.get('name') or metadata.get('generateName', '')}"
    current = api.find(resource.path(place, metadata["name"])) if metadata.get("name") else None
    if current is None:
        made = api.call("POST", resource.path(place), document)
        return f"{resource.plural}/{made['metadata']['name']} created"
    changed = api.patch(resource.path(place, metadata["name"]), _without_status(document))
    same = changed["metadata"]["resourceVersion"] == current["metadata"]["resourceVersion"]
    return f"{said} {'unchanged' if same else 'configured'}"


def _without_status(document: JSON) -> JSON:
    return {key: value for key, value in document.items() if key != "status"}


def _text(document: JSON, output: str) -> str:
    if output == "json":
        return json.dumps(document, indent=2)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True).rstrip()
