"""``sluicegate submit``: runs an Argo workflow file on this machine, in the foreground.

Ctrl-C stops it in order: what runs is ended, the exit handler puts traffic back. A second Ctrl-C is not needed and does
nothing more. ``--from-api`` is how the plane runs a Workflow object: the same run, with its status written back.
"""

import asyncio
import functools
import json
import os
import secrets
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import Console
from rich.text import Text

from sluicegate.pipelines import shipped
from sluicegate.pipelines.workflows.actions import ApiActions
from sluicegate.pipelines.workflows.errors import ManifestError, WorkflowError
from sluicegate.pipelines.workflows.library import Library, build
from sluicegate.pipelines.workflows.neighbours import Beside
from sluicegate.pipelines.workflows.nodes import Node
from sluicegate.pipelines.workflows.parts import Scalar
from sluicegate.pipelines.workflows.reading import read
from sluicegate.pipelines.workflows.running import Run, until_stopped
from sluicegate.serving.client.errors import ClientError
from sluicegate.serving.client.objects import Objects
from sluicegate.serving.client.patience import PATIENCE_SECONDS, patiently

JSON = dict[str, Any]
_MARKS = {"Succeeded": ("✔", "green"), "Failed": ("✖", "red"), "Error": ("✖", "red"), "Skipped": ("○", "dim")}
_STATUS_SECONDS = 0.5
_STATUS_ATTEMPTS = 60
"""Half a minute: who loses plane and keeper at once needs that long to say ``up``."""
_SHORT = 40
RUNNABLE = ("Workflow", "WorkflowTemplate")


@click.command(short_help="Run an Argo workflow file on this machine.")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--local", is_flag=True, help="Run here, in the foreground (the default and only way without a cluster).")
@click.option(
    "-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE", help="Give a parameter; may be repeated."
)
@click.option("--with", "beside", multiple=True, type=click.Path(exists=True, path_type=Path), metavar="FILE",
              help="A file of WorkflowTemplates, ConfigMaps, Secrets that it refers to; may be repeated.")  # fmt: skip
@click.option("--from", "template", metavar="TEMPLATE", help="Run a WorkflowTemplate by name instead of a file.")
@click.option("--from-api", metavar="NAME", help="Run the Workflow object of this name, and write its status back.")
@click.option("--name", help="Name of the run; made from the file's when not given.")
@click.option("--namespace", default="default", show_default=True, help="Namespace of the run.")
@click.option("--home", envvar="SLUICEGATE_HOME", default=".sluicegate", show_default=True,
              type=click.Path(file_okay=False, path_type=Path), help="The plane's directory.")  # fmt: skip
@click.option("--log", is_flag=True, help="Show what the steps write, as it comes.")
def submit(
    file: Path | None, local: bool, given: tuple[str, ...], beside: tuple[Path, ...], template: str | None,
    from_api: str | None, name: str | None, namespace: str, home: Path, log: bool,
) -> None:  # fmt: skip
    """Run an Argo Workflow (or a WorkflowTemplate, with its parameters) on this machine.

    Containers and scripts run as subprocesses; images have no effect. A field that this runner does not honour is
    refused by name before anything runs. Exit code 0: Succeeded; 1: Failed or Error; 2: refused.
    """
    del local  # on one machine there is no other way; the option keeps a command line portable
    try:
        document = _document(file, template, from_api, namespace)
        source = str(file or template or from_api)
        around = _beside(file, beside, namespace, patient=bool(from_api))
        library = build(read(document, source), around, _parameters(given))
        run_name = name or from_api or _run_name(document)
        run = _run(run_name, library, namespace, home.absolute(), document, log=log)
        with _status_kept(from_api, namespace, run.directory / "status.json"):
            phase, message = asyncio.run(_until_signal(run))
    except WorkflowError as error:
        _write_status(from_api, namespace, {"phase": "Error", "message": str(error)})
        click.echo(f"Error: {error}", err=True)
        sys.exit(2)
    click.echo(f"{phase}: {run_name}" + (f": {message}" if message else ""))
    sys.exit(0 if phase == "Succeeded" else 1)


def _document(file: Path | None, template: str | None, from_api: str | None, namespace: str) -> JSON:
    if sum(map(bool, (file, template, from_api))) != 1:
        raise ManifestError("expected one of FILE, --from TEMPLATE or --from-api NAME")
    if file is not None:
        return _only_workflow(list(yaml.safe_load_all(file.read_text())), str(file))
    if from_api is not None:
        return patiently(lambda: Objects().get("Workflow", from_api, namespace=namespace))
    reference = {"workflowTemplateRef": {"name": template}}
    metadata = {"generateName": f"{template}-"}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": metadata, "spec": reference}


def _only_workflow(documents: list[Any], source: str) -> JSON:
    found = [each for each in documents if isinstance(each, dict) and each.get("kind") in RUNNABLE]
    first = [each for each in found if each["kind"] == "Workflow"] or found
    if len(first) != 1:
        raise ManifestError(f"{source}: found {len(first)} workflows; expected one, and beside it what it refers to")
    return dict(first[0])


def _beside(file: Path | None, files: tuple[Path, ...], namespace: str, *, patient: bool) -> Beside:
    """What the workflow may refer to: what is shipped, what is in the API if there is one, what the files hold."""
    documents = [(name, document) for name, document in shipped.workflow_templates().items()]
    seconds = PATIENCE_SECONDS if patient else 0
    with suppress(ClientError):
        listed = patiently(lambda: Objects().list("WorkflowTemplate", namespace=namespace), seconds=seconds)
        documents += [("API", document) for document in listed]
    for path in (*files, *filter(None, [file])):
        documents += [(str(path), document) for document in yaml.safe_load_all(path.read_text())]
    return Beside.of(documents)


def _parameters(given: tuple[str, ...]) -> dict[str, Scalar]:
    wrong = next((text for text in given if "=" not in text), None)
    if wrong is not None:
        raise ManifestError(f"-p {wrong}: expected NAME=VALUE")
    return {name: value for name, _, value in (text.partition("=") for text in given)}


def _run_name(document: JSON) -> str:
    metadata = document.get("metadata", {})
    return str(metadata.get("name") or f"{metadata.get('generateName', 'workflow-')}{secrets.token_hex(3)}")


def _run(name: str, library: Library, namespace: str, home: Path, document: JSON, *, log: bool) -> Run:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return Run(
        name=name, library=library, directory=_fresh(home / "workflows" / name), shared=home / "workflows" / ".shared",
        objects=ApiActions(functools.cache(Objects), namespace),
        environment={"SLUICEGATE_HOME": str(home), "PATH": path}, namespace=namespace,
        uid=str(document.get("metadata", {}).get("uid", "")),
        started_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), echo=log, listeners=(_shown,),
    )  # fmt: skip


def _fresh(directory: Path) -> Path:
    """A run's directory is its own: an earlier one of the same name is kept beside it."""
    if directory.exists():
        directory.rename(directory.with_name(f"{directory.name}.{secrets.token_hex(3)}"))
    return directory


def _shown(node: Node) -> None:
    """One line for each container, script, resource or suspension that has ended."""
    mark, style = _MARKS.get(node.phase, ("", ""))
    if mark and node.kind in {"Pod", "Suspend"}:
        outputs = "  ".join(f"{key}={value}" for key, value in node.outputs.items() if len(value) < _SHORT)
        line = Text.assemble((f"{mark} {node.display_name}", style), "  ", (node.told or outputs, "dim"))
        Console(stderr=True, highlight=False).print(line)


async def _until_signal(run: Run) -> tuple[str, str]:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    phase, message, _ = await until_stopped(run, stop)
    return phase, message


@contextmanager
def _status_kept(name: str | None, namespace: str, path: Path) -> Iterator[None]:
    """While the run lasts, and once more after it, copy its status to the Workflow object that asked for it."""
    over = threading.Event()

    def copy() -> None:
        last = b""
        while not over.wait(_STATUS_SECONDS):
            fresh = path.read_bytes() if path.exists() else b""
            if fresh not in {last, b""}:
                last = fresh
                _write_status(name, namespace, json.loads(fresh))

    thread = threading.Thread(target=copy, daemon=True)
    if name is not None:
        thread.start()
    try:
        yield
    finally:
        over.set()
        if name is not None:
            thread.join()
            _write_status(name, namespace, json.loads(path.read_bytes()) if path.exists() else {"phase": "Error"})


def _write_status(name: str | None, namespace: str, status: JSON) -> None:
    """The API may be down for a moment; the next copy brings it up to date, and the last one is tried for a while."""
    for _ in range(_STATUS_ATTEMPTS if name else 0):
        try:
            Objects().patch("Workflow", str(name), {"status": status}, namespace)
        except ClientError:
            time.sleep(_STATUS_SECONDS)
        else:
            return
