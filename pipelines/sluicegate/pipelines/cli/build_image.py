"""``sluicegate build-image``: the image that serves a Python class, by Docker, Podman or Buildah."""

import importlib.metadata
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import click

from sluicegate.pipelines.images.builders import Builder, find_builder, succeeds
from sluicegate.pipelines.images.errors import ImageError
from sluicegate.pipelines.images.python_class import ClassImage, dockerfile, plan_image

_DIRECTORY = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_UNWANTED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


@click.command(short_help="Build the image that serves a Python class.")
@click.argument("implementation", metavar="MODULE.CLASS")
@click.option("--directory", type=_DIRECTORY, default=Path(), show_default=".", help="Where the module lies.")
@click.option("--include", multiple=True, metavar="PATH", help="A file or directory to take along; may be repeated.")
@click.option("--requirements", type=_FILE, help="What pip installs into the image.")
@click.option("--image", "name", metavar="NAME:TAG", help="Its name; the class's in lower case, tag 1, unless given.")
@click.option("--base", metavar="NAME:TAG", help="The server below it; sluicegate/server-sklearn of this release.")
@click.option("--push", is_flag=True, help="Push it to the registry that its name begins with.")
@click.option("--print", "shown", is_flag=True, help="Only print the Dockerfile.")
def build_image(
    implementation: str, directory: Path, include: tuple[str, ...], requirements: Path | None, name: str | None,
    base: str | None, push: bool, shown: bool,
) -> None:  # fmt: skip
    """Build an image that serves MODULE.CLASS, a class with Seldon's methods.

    The module (or its package) is copied; the class is imported once while the image is built. IMAGE_TOOL names the
    program that builds; IMAGE_BUILD_OPTIONS and IMAGE_PUSH_OPTIONS are handed to it.
    """
    below = base or f"sluicegate/server-sklearn:{importlib.metadata.version('sluicegate')}"
    full = name or f"{implementation.rpartition('.')[2].lower()}:1"
    try:
        image = plan_image(implementation, directory, below, include, requirements is not None)
        if shown:
            click.echo(dockerfile(image), nl=False)
            return
        _make(find_builder(os.environ, succeeds), image, directory, requirements, full, push=push)
    except ImageError as error:
        raise click.ClickException(str(error)) from error


def _make(
    builder: Builder, image: ClassImage, directory: Path, requirements: Path | None, name: str, *, push: bool
) -> None:
    with tempfile.TemporaryDirectory(prefix="sluicegate-image-") as made:
        context = Path(made)
        for each in image.files:
            _copy(directory / each, context / "app" / each)
        if requirements is not None:
            shutil.copyfile(requirements, context / "requirements.txt")
        (context / "Dockerfile").write_text(dockerfile(image))
        _run(builder.build(context, context / "Dockerfile", name))
    click.echo(f"{name} serves {image.implementation}")
    if push:
        _run(builder.push(name))
        click.echo(f"{name} is pushed")


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=_UNWANTED)
    else:
        shutil.copyfile(source, target)


def _run(command: list[str]) -> None:
    click.echo("$ " + " ".join(command))
    code = subprocess.run(command, check=False).returncode
    if code != 0:
        raise ImageError(f"{command[0]} {command[1]} ended with {code}; its last lines say why")
