"""Options that many commands share, and the border where the rooms' errors become one sentence."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from sluicegate.pipelines.cli.client import RequestFailedError
from sluicegate.pipelines.plane.errors import NotRunningError, PlaneError
from sluicegate.pipelines.plane.home import Home, PlaneFile

F = TypeVar("F", bound=Callable[..., Any])


def home_option(function: F) -> F:
    """``--home``, given to the command as ``home: Path``."""
    return click.option(
        "--home", envvar="SLUICEGATE_HOME", default=".sluicegate", show_default=True,
        type=click.Path(file_okay=False, path_type=Path), help="The plane's directory. [env: SLUICEGATE_HOME]",
    )(function)  # fmt: skip


def namespace_option(function: F) -> F:
    """``-n`` / ``--namespace``."""
    return click.option("-n", "--namespace", default="default", show_default=True, help="Namespace.")(function)


@contextmanager
def one_sentence() -> Iterator[None]:
    """Errors on purpose: their sentence and exit code 1."""
    try:
        yield
    except (PlaneError, RequestFailedError) as error:
        raise click.ClickException(str(error)) from error


def running_plane(home: Path) -> tuple[Home, PlaneFile]:
    """The home and its plane file. Raises NotRunningError when it was never up, or is down."""
    found = Home(home)
    plane = found.read()
    if plane is None or not (found.holder("plane") or found.holder("keeper")):
        raise NotRunningError(f"no plane runs in {found.path}; start it with `sluicegate up`, or name one with --home")
    return found, plane
