"""``sluicegate pipeline run | compile | list``: KFP pipelines on this machine, or as YAML for a cluster."""

import json
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import yaml
from rich.console import Console
from rich.markup import escape

from sluicegate.pipelines.catalogue import PIPELINES, NoSuchPipelineError, compiled, find_pipeline
from sluicegate.pipelines.cli.environment import provide
from sluicegate.pipelines.kfp_settings import SettingsRefusedError, configured, read_settings
from sluicegate.pipelines.local_runs import Event, RunFailedError, run

_STRUCTURED = {"List": list, "Dict": dict}
_PLAIN: dict[str, Any] = {"Integer": click.INT, "Float": click.FLOAT, "Boolean": click.BOOL, "String": click.STRING}


@click.group()
def pipeline() -> None:
    """Run or compile a pipeline."""


@pipeline.command("list")
def list_pipelines() -> None:
    """Names of the pipelines that come with sluicegate."""
    for name in PIPELINES:
        click.echo(name)


@pipeline.command("compile")
@click.argument("name")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File; standard output if none.")
@click.option("--image", default="", help="Image of every task instead of ours; make yours FROM ours.")
@click.option("--settings", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="YAML file: resources, secrets, tolerations and so on, of all tasks or of single ones.")  # fmt: skip
def compile_pipeline(name: str, output: Path | None, image: str, file: Path | None) -> None:
    """Write a pipeline as YAML for a KFP backend. NAME is a name of the list, or module:function."""
    try:
        text = compiled(configured(find_pipeline(name), read_settings(file, image=image)))
    except (NoSuchPipelineError, SettingsRefusedError) as error:
        raise click.ClickException(str(error)) from error
    if output:
        output.write_text(text)
    else:
        click.echo(text, nl=False)


@pipeline.command("run")
@click.argument("name")
@click.option("--parameters", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="YAML or JSON file with the pipeline's inputs.")  # fmt: skip
@click.option("-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE",
              help="One input; lists and objects as JSON. Goes before the file.")  # fmt: skip
@click.option("--plan", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="YAML or JSON file with the rollout plan; the input `plan`.")  # fmt: skip
@click.option("--home", envvar="SLUICEGATE_HOME", default=".sluicegate", show_default=True,
              type=click.Path(file_okay=False, path_type=Path), help="The plane's directory.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="Print only the outcome.")
def run_pipeline(
    name: str, file: Path | None, given: tuple[str, ...], plan: Path | None, home: Path, quiet: bool
) -> None:
    """Run a pipeline on this machine. NAME is a name of the list, or module:function."""
    try:
        found = find_pipeline(name)
        arguments = _arguments(found, file, given, plan)
    except NoSuchPipelineError as error:
        raise click.ClickException(str(error)) from error
    provide(home)
    directory = home.resolve() / "pipelines" / f"{found.name}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    # The real standard output, because the run redirects the one that sys.stdout names.
    console = Console(file=sys.stdout, highlight=False, quiet=quiet)
    try:
        with _ended_with_us():
            outputs = run(found, arguments, directory=directory, tell=lambda event: _show(console, event))
    except RunFailedError as error:
        raise click.ClickException(f"{found.name}: {error}") from error
    for key in found.component_spec.outputs or {}:
        click.echo(f"{key}: {outputs[key]}")


def _arguments(found: Any, file: Path | None, given: tuple[str, ...], plan: Path | None) -> dict[str, Any]:
    inputs = {key: spec.type for key, spec in (found.component_spec.inputs or {}).items()}
    arguments = dict(_document(file)) if file else {}
    if plan:
        arguments["plan"] = _document(plan)
    for text in given:
        key, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"found {text!r}; expected NAME=VALUE", param_hint="-p")
        arguments[key] = _value(key, value, inputs.get(key, "String"))
    unknown = sorted(set(arguments) - set(inputs))
    if unknown:
        raise click.UsageError(f"{found.name} has no input {', '.join(unknown)}; it has {', '.join(inputs)}")
    missing = [k for k, spec in (found.component_spec.inputs or {}).items() if not spec.optional and k not in arguments]
    if missing:
        raise click.UsageError(f"{found.name} needs {', '.join(missing)}: give -p NAME=VALUE or --parameters FILE")
    return {key: _checked(key, value, inputs[key]) for key, value in arguments.items()}


def _document(file: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(file.read_text())
    except yaml.YAMLError as error:
        raise click.UsageError(f"{file}: neither YAML nor JSON: {error}") from error
    if not isinstance(value, dict):
        raise click.UsageError(f"{file}: found {type(value).__name__}; expected an object")
    return value


def _value(key: str, text: str, kind: str) -> Any:
    if kind not in _STRUCTURED:
        return _PLAIN.get(kind, click.STRING).convert(text, None, None)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if kind == "List":
            return [part.strip() for part in text.split(",") if part.strip()]
        raise click.BadParameter(f"{key}: found {text!r}; expected JSON ({error})", param_hint="-p") from error


def _checked(key: str, value: Any, kind: str) -> Any:
    expected: dict[str, tuple[type, ...]] = {
        "List": (list,), "Dict": (dict,), "String": (str,), "Boolean": (bool,), "Integer": (int,), "Float": (int, float)
    }  # fmt: skip
    wrong = not isinstance(value, expected.get(kind, (object,))) or (kind in {"Integer", "Float"} and value is True)
    if wrong:
        raise click.UsageError(f"{key}: found {value!r} ({type(value).__name__}); expected {kind}")
    return value


@contextmanager
def _ended_with_us() -> Iterator[None]:
    """A task of ours must not outlive us when a supervisor ends us; from a terminal, Ctrl-C reaches it by itself."""

    def end(_signal: int, _frame: Any) -> None:
        if os.getpgrp() == os.getpid():
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            os.killpg(os.getpgrp(), signal.SIGTERM)
        raise SystemExit(143)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _show(console: Console, event: Event) -> None:
    text = escape(event.text)
    if event.kind == "started":
        console.print(f"[bold]{event.task}[/bold]")
    elif event.kind == "said":
        console.print(f"  {text}", style="dim", overflow="ellipsis", no_wrap=True)
    elif event.kind == "succeeded":
        console.print(f"  [green]✔[/green] {event.seconds:.1f} s")
    else:
        console.print(f"  [red]✖[/red] {event.seconds:.1f} s")
