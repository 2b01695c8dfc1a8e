"""``make images``: prepares the build context, builds the targets, prints their sizes, and pushes them if asked.

The context, ``build/images``, holds our wheel, ``constraints.txt`` and one list of requirements for each image. These
lists are made of ``pyproject.toml``, so that a change of anything else there installs nothing anew.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluicegate.pipelines.images.builders import Builder, find_builder, succeeds
from sluicegate.pipelines.images.errors import ImageError

ROOT = Path(__file__).parents[1]
CONTEXT = ROOT / "build" / "images"
TABLE = ROOT / "docs" / "reference" / "images.md"

_LONG_AGO = 315_532_800
_OF_COMMANDS = ("click", "rich")
"""Only the command line needs these, and what they bring is 16 MB."""


@dataclass(frozen=True, slots=True)
class Image:
    """A target of the Dockerfile: the extras in it, what it is for, and what its tag says besides the version."""

    extras: tuple[str, ...]
    sentence: str
    suffix: str = ""
    commands: bool = False
    """Whether people type `sluicegate` in it."""
    on: str = ""
    """Another image, which has all but the extras."""


IMAGES = {
    "server-sklearn": Image(("serving", "tracing"), "Serves scikit-learn models, Python classes, and graphs."),
    "server-xgboost": Image(
        ("serving", "tracing", "xgboost"), "Serves XGBoost models, and what `server-sklearn` does."
    ),
    "server-lightgbm": Image(
        ("serving", "tracing", "lightgbm"), "Serves LightGBM models, and what `server-sklearn` does."
    ),
    "server-onnx": Image(("serving", "tracing", "onnx"), "Serves ONNX models, and what `server-sklearn` does."),
    "server-mlflow": Image(
        ("serving", "tracing", "mlflow", "xgboost", "lightgbm"),
        "Serves MLflow's Python functions, of scikit-learn, XGBoost and LightGBM, too.",
    ),
    "operator": Image(("operator",), "The operator with its webhook."),
    "gateway": Image(("gateway",), "The bundled gateway: an Envoy that follows the operator."),
    "collector": Image(("monitoring",), "Takes the request log in, watches drift."),
    "storage-initializer": Image(("storage",), "Fetches a model before its server starts."),
    "steps": Image(
        ("serving", "monitoring", "mlflow", "training", "kfp", "argo", "storage"),
        "Every step of the pipelines; `sluicegate` is its entry point.",
        "-python3.11",
        commands=True,
    ),
    "demo": Image(("demo",), "The steps with the code of the demonstration.", "-python3.11", on="steps"),
}


def main(arguments: list[str] | None = None) -> int:
    """Build what is asked for; 1 when it cannot be."""
    given = _parser().parse_args(arguments)
    try:
        builder = find_builder(os.environ, succeeds)
        prepare()
        sizes = {name: _build(builder, name, given) for name in given.images or IMAGES}
    except (ImageError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    write_table(sizes)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m images.build", description="Build images.")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help=f"of {', '.join(IMAGES)}; all when none is given")
    parser.add_argument("--registry", default="sluicegate", help="what their names begin with")
    parser.add_argument("--tag", default=_project()["version"], help="their tag")
    parser.add_argument("--base", default="", help="base image instead of the Dockerfile's")
    parser.add_argument("--push", action="store_true", help="push them when they are built")
    return parser


def _project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def prepare() -> None:
    """Write the context."""
    shutil.rmtree(CONTEXT, ignore_errors=True)
    (CONTEXT / "requirements").mkdir(parents=True)
    for name, image in IMAGES.items():
        (CONTEXT / "requirements" / f"{name}.txt").write_text("\n".join(requirements(_project(), image)) + "\n")
    shutil.copy2(ROOT / "constraints.txt", CONTEXT)
    for name in ("install.py", "prune.py"):
        shutil.copy2(ROOT / "images" / name, CONTEXT)
    shutil.copytree(ROOT / "demo", CONTEXT / "demo", ignore=shutil.ignore_patterns("__pycache__", "out", "report.html"))
    command = (sys.executable, "-m", "build", "--wheel", "--outdir", str(CONTEXT / "wheel"), str(ROOT))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    # A builder that looks at times would else take equal files for new ones, and install everything again.
    for path in CONTEXT.rglob("*"):
        os.utime(path, (_LONG_AGO, _LONG_AGO))


def requirements(project: dict[str, Any], image: Image) -> list[str]:
    """The base's dependencies and those of the extras, each once; our own wheel is a layer by itself."""
    extras = project["optional-dependencies"]
    wanted = {each for extra in image.extras for each in extras[extra] if not each.startswith("sluicegate[")}
    base = [each for each in project["dependencies"] if image.commands or not each.startswith(_OF_COMMANDS)]
    return sorted(wanted if image.on else {*base, *wanted})


def _build(builder: Builder, name: str, given: argparse.Namespace) -> int:
    """The image's size in bytes."""
    if name not in IMAGES:
        raise ImageError(f"IMAGES: found {name!r}; expected some of {', '.join(IMAGES)}")
    full = f"{given.registry}/{name}:{given.tag}{IMAGES[name].suffix}"
    begun = time.monotonic()
    command = builder.build(
        CONTEXT, ROOT / "images" / "Dockerfile", full, target=name, arguments={"BASE": given.base} if given.base else {}
    )
    print(" ".join(command), flush=True)
    subprocess.run(command, check=True)
    size = builder.size(full)
    print(f"{full}: {size / 1e6:.0f} MB unpacked, built in {time.monotonic() - begun:.0f} s", flush=True)
    if given.push:
        subprocess.run(builder.push(full), check=True)
        print(f"{full}: pushed", flush=True)
    return size


def write_table(sizes: dict[str, int]) -> None:
    """Put the sizes into the page; rows of what was not built stay."""
    text = TABLE.read_text()
    for name, size in sizes.items():
        row = f"| `{name}` | {size / 1e6:.0f} MB | {IMAGES[name].sentence} |"
        text = re.sub(rf"^\| `{name}` \|.*$", row, text, flags=re.MULTILINE)
    TABLE.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
