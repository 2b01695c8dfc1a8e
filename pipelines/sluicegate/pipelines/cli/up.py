"""``sluicegate up``: starts the plane, shows what comes up, and prints where everything is."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from sluicegate.pipelines.cli.options import home_option, one_sentence
from sluicegate.pipelines.plane.home import Home, Ports
from sluicegate.pipelines.plane.starting import Document, start

_SHOWN = {"gateway": "Gateway", "api": "API", "mlflow": "MLflow", "collector": "Collector"}


def _port_options(function: Any) -> Any:
    for part in reversed([slot.name for slot in fields(Ports)]):
        option = f"--{part.replace('_', '-')}-port"
        envvar = f"SLUICEGATE_{part.upper()}_PORT"
        function = click.option(
            option, f"{part}_port", type=click.IntRange(0, 65535), envvar=envvar, metavar="PORT",
            help=f"Port of {part.replace('_', ' ')}; 0 chooses a free one and keeps it. [env: {envvar}]",
        )(function)  # fmt: skip
    return function


@click.command(short_help="Start the plane and wait until it is ready.")
@home_option
@_port_options
@click.option("--timeout", type=float, default=120.0, show_default=True, help="Seconds until it has to be ready.")
def up(home: Path, timeout: float, **ports: int | None) -> None:
    """Start the plane of this directory and return when everything answers.

    It runs on in the background, restarts what dies, and keeps all its state below --home. A plane that runs already is
    left as it is. Ctrl-C ends whatever was started.
    """
    asked = {name.removesuffix("_port"): port for name, port in ports.items() if port is not None}
    console = Console(stderr=True, highlight=False)
    with one_sentence(), console.status("starting the plane") as shown:
        status = start(Home(home), asked, timeout=timeout, progress=lambda seen: shown.update(_progress(seen)))
    _show(status)


def _progress(status: Document) -> str:
    return "  ".join(f"{part['name']}: {part['state'].lower()}" for part in status["components"])


def _show(status: Document) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[green]✔[/] the plane is up in [bold]{status['home']}[/]")
    for name, label in _SHOWN.items():
        console.print(f"  {label:<10} {status['addresses'][name]}")
    console.print(f"  kubectl    export KUBECONFIG={status['home']}/kubeconfig", markup=False)
