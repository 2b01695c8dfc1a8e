"""A step as a command: parameters as options, outputs as one line of JSON and, for Argo, as files."""

import json
from pathlib import Path
from typing import Any

import click

from sluicegate.components.emit.running import run
from sluicegate.components.emit.values import as_text, read_structured
from sluicegate.components.step import Slot, Step

_TYPES: dict[type, Any] = {
    str: click.STRING,
    int: click.INT,
    float: click.FLOAT,
    bool: click.BOOL,
}
_STRUCTURED = (dict, list)
_METAVARS: dict[type, str] = {dict: "JSON", list: "JSON|A,B,C", bool: "true|false"}


def subcommand(step: Step[..., Any]) -> click.Command:
    """The command ``NAME`` of a step; its help is the step's docstring and annotations."""

    def call(outputs_dir: Path | None, **given: Any) -> None:
        _call(step, given, outputs_dir)

    directory = click.Option(
        ["--outputs-dir"],
        type=click.Path(path_type=Path),
        help="Write each output parameter to a file of its name here, too.",
    )
    return click.Command(
        step.name,
        callback=call,
        params=[*(option(slot) for slot in step.inputs), directory],
        help=(step.function.__doc__ or "").replace("\n    ", "\n"),
        short_help=step.summary,
    )


def option(slot: Slot) -> click.Option:
    """The option of one input; artefacts are paths."""
    default = None if slot.required or slot.default is None else as_text(slot.default)
    plain = slot.kind == "parameter"
    kind = _TYPES.get(slot.type, click.STRING) if plain else click.Path(path_type=Path)
    help_text = slot.description if plain else f"{slot.description} ({'read' if slot.kind == 'input' else 'written'})"
    return click.Option(
        [f"--{slot.name.replace('_', '-')}", slot.name],
        type=kind,
        required=slot.required,
        default=default,
        show_default=bool(default) and default not in ("{}", "[]"),
        metavar=_METAVARS.get(slot.type),
        help=help_text,
    )


def _call(step: Step[..., Any], given: dict[str, Any], outputs_dir: Path | None) -> None:
    kinds = {slot.name: slot.type for slot in step.inputs}
    try:
        arguments = {
            name: read_structured(value, kinds[name], argument=name) if kinds[name] in _STRUCTURED else value
            for name, value in given.items()
            if value is not None
        }
        for slot in step.inputs:
            if slot.kind == "output":
                arguments[slot.name].parent.mkdir(parents=True, exist_ok=True)
        outputs = run(step, arguments)
    except Exception as error:
        # Our own errors are sentences for a person; anything else is a defect and keeps its traceback.
        if not type(error).__module__.startswith("sluicegate."):
            raise
        raise click.ClickException(f"{type(error).__name__}: {error}") from error
    _leave(outputs, outputs_dir)


def _leave(outputs: dict[str, Any], directory: Path | None) -> None:
    click.echo(json.dumps(outputs))
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        for name, value in outputs.items():
            (directory / name).write_text(as_text(value))
