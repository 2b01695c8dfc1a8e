"""The pipelines that come with sluicegate, by name; and their compiled form, which is checked in for clusters.

``python -m sluicegate.pipelines.catalogue [--check]`` writes or compares ``manifests/kfp``.
"""

import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

PIPELINES = {
    "delivery": "sluicegate.pipelines.delivery:delivery",
    "retraining": "sluicegate.pipelines.retraining:retraining",
}
MANIFESTS = Path(__file__).parents[3] / "manifests" / "kfp"


class _Blocks(yaml.SafeDumper):
    """Text of several lines as a block. Written by a dumper of our own: other libraries change the common one."""


_Blocks.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


class NoSuchPipelineError(Exception):
    """A name or import path leads to no KFP pipeline."""


def find_pipeline(name: str) -> Any:
    """A pipeline by its name here, or by ``module:function``.

    Raises:
        NoSuchPipelineError: there is none.

    """
    module, colon, attribute = PIPELINES.get(name, name).partition(":")
    if not colon:
        raise NoSuchPipelineError(f"no pipeline {name!r}; there are {', '.join(PIPELINES)}, or give module:function")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise NoSuchPipelineError(f"pipeline {name!r} does not import: {error}") from error
    if not hasattr(found, "pipeline_spec"):
        raise NoSuchPipelineError(f"{name!r} is a {type(found).__name__}; expected a function under @dsl.pipeline")
    return found


def compiled(pipeline: Any) -> str:
    """A pipeline as KFP's YAML; with settings for its pods, these are a second document."""
    from kfp import compiler

    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "pipeline.yaml")
        compiler.Compiler().compile(pipeline, str(file))
        text = file.read_text()
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    return head + yaml.dump_all(yaml.safe_load_all(text), Dumper=_Blocks, width=120)


def main(arguments: list[str]) -> int:
    """Write the compiled pipelines, or with ``--check`` compare; 1 when one is stale."""
    stale = 0
    for name in PIPELINES:
        file, text = MANIFESTS / f"{name}.yaml", compiled(find_pipeline(name))
        if file.is_file() and file.read_text() == text:
            continue
        if "--check" in arguments:
            sys.stderr.write(f"manifests/kfp/{file.name} is stale; run: make generate\n")
            stale = 1
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    return stale


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
