"""Which program builds images here, and its command lines. Used by ``make images`` and ``sluicegate build-image``.

``IMAGE_TOOL`` names it with options of its own (``buildah --root DIR``); else Docker, Podman and Buildah are tried in
this order. ``IMAGE_BUILD_OPTIONS`` and ``IMAGE_PUSH_OPTIONS`` are handed through, as networks and registries differ.
"""

import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sluicegate.pipelines.images.errors import ImageError, NoBuilderError

KINDS = {"docker": ("info",), "podman": ("info",), "buildah": ("version",)}
"""What each says when it works: a Docker client without its daemon builds nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    """A program that builds images, with the options that every call of it gets."""

    kind: str
    command: tuple[str, ...]
    build_options: tuple[str, ...] = ()
    push_options: tuple[str, ...] = ()

    def build(
        self,
        context: Path,
        dockerfile: Path,
        name: str,
        *,
        target: str = "",
        arguments: Mapping[str, str] | None = None,
    ) -> list[str]:
        """The command that builds ``name``."""
        layers = ["--layers"] if self.kind == "buildah" else []
        chosen = ["--target", target] if target else []
        given = [word for key, value in (arguments or {}).items() for word in ("--build-arg", f"{key}={value}")]
        fixed = ["--file", str(dockerfile), "--tag", name]
        return [*self.command, "build", *layers, *self.build_options, *fixed, *chosen, *given, str(context)]

    def push(self, name: str) -> list[str]:
        """The command that pushes ``name``."""
        where = [f"docker://{name}"] if self.kind == "buildah" else []
        return [*self.command, "push", *self.push_options, name, *where]

    def size(self, name: str) -> int:
        """Bytes of the unpacked image, base included. Raises ImageError."""
        if self.kind == "buildah":
            return bytes_of(self._asked("images", "--format", "{{.Size}}", name))
        return int(self._asked("image", "inspect", "--format", "{{.Size}}", name))

    def _asked(self, *words: str) -> str:
        answer = subprocess.run([*self.command, *words], capture_output=True, text=True, check=False)
        if answer.returncode != 0 or not answer.stdout.strip():
            raise ImageError(f"{' '.join((*self.command, *words))}: {answer.stderr.strip() or 'no answer'}")
        return answer.stdout.strip().splitlines()[0]


def find_builder(environment: Mapping[str, str], works: Callable[[Sequence[str]], bool]) -> Builder:
    """The program that builds here; ``works`` says whether a command ends well. Raises NoBuilderError."""
    options = {
        "build_options": tuple(shlex.split(environment.get("IMAGE_BUILD_OPTIONS", ""))),
        "push_options": tuple(shlex.split(environment.get("IMAGE_PUSH_OPTIONS", ""))),
    }
    named = shlex.split(environment.get("IMAGE_TOOL", ""))
    if named:
        kind = Path(named[0]).name
        if kind not in KINDS:
            raise NoBuilderError(f"IMAGE_TOOL: found {named[0]!r}; expected {', '.join(KINDS)}")
        return Builder(kind=kind, command=tuple(named), **options)
    for kind, question in KINDS.items():
        if works((kind, *question)):
            return Builder(kind=kind, command=(kind,), **options)
    raise NoBuilderError(
        f"no image can be built here: none of {', '.join(KINDS)} works; install one, start Docker's daemon, "
        "or name a program with IMAGE_TOOL"
    )


def succeeds(command: Sequence[str]) -> bool:
    """Whether the command is there and ends with 0."""
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def bytes_of(text: str) -> int:
    """``391 MB`` in bytes. Raises ImageError."""
    number, _, unit = text.strip().partition(" ")
    scale = {"B": 1, "bytes": 1, "KB": 10**3, "kB": 10**3, "MB": 10**6, "GB": 10**9}.get(unit)
    try:
        return round(float(number) * (scale or int(unit)))
    except ValueError as error:
        raise ImageError(f"found the size {text!r}; expected a number and a unit") from error
