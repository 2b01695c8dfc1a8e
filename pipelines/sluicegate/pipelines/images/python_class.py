"""The image that serves a user's class: which files go in, and its Dockerfile. Pure, but for looking at files.

``sluicegate build-image`` calls it. The module's top-level file or package is copied, and what is asked for besides;
nothing else of the directory, which may hold data and secrets.
"""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sluicegate.pipelines.images.errors import ImageError

_PIP = (
    "import subprocess, sys; sys.exit(subprocess.call([sys._base_executable, '-m', 'pip', '--python', sys.executable,"
)
_INSTALL = f"{_PIP} 'install', '--no-cache-dir', '--disable-pip-version-check', '-r', '/tmp/requirements.txt']))"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassImage:
    """What goes into the image; paths are relative to the directory that the module lies in."""

    implementation: str
    base: str
    files: tuple[str, ...]
    requirements: bool


def plan_image(
    implementation: str, directory: Path, base: str, include: tuple[str, ...], requirements: bool
) -> ClassImage:
    """Find the module. Raises ImageError."""
    words = implementation.split(".")
    if len(words) < 2 or not all(word.isidentifier() for word in words):
        raise ImageError(f"found {implementation!r}; expected module.Class, as in thresholds.Threshold")
    package, module = directory / words[0], directory / f"{words[0]}.py"
    top = words[0] if package.is_dir() else module.name
    if not (package.is_dir() or module.is_file()):
        raise ImageError(
            f"{implementation}: found neither {module} nor {package}/; name its directory with --directory"
        )
    for name in include:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not (directory / name).exists():
            raise ImageError(f"--include {name}: expected a file or directory in {directory}")
    return ClassImage(implementation=implementation, base=base, files=(top, *include), requirements=requirements)


def dockerfile(image: ClassImage) -> str:
    """Its Dockerfile. The class is imported in the build, so that what is missing is missed there, not in a pod."""
    module, _, name = image.implementation.rpartition(".")
    lines = [f"FROM {image.base}", "USER 0"]
    if image.requirements:
        lines += ["COPY requirements.txt /tmp/requirements.txt", _run(_INSTALL)]
    lines += [
        "COPY app/ /app/",
        f"ENV PYTHONPATH=/app SLUICEGATE_IMPLEMENTATION={image.implementation}",
        'RUN ["python", "-m", "compileall", "-q", "/app"]',
        "USER 8888:8888",
        _run(f"from {module} import {name}"),
    ]
    return "\n".join(lines) + "\n"


def _run(program: str) -> str:
    return f'RUN ["python", "-c", "{program}"]'
