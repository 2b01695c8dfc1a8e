"""A kustomization over our manifests, as a user writes it: a folder of them, with components."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

ROOT = Path(__file__).parents[1]
INSTALL = ROOT / "manifests" / "install"


@contextmanager
def overlay(folder: Path, *components: Path) -> Iterator[str]:
    """Its directory."""
    with TemporaryDirectory() as directory:
        # Kustomize follows links and takes no absolute path.
        start = Path(directory).resolve()
        paths = [os.path.relpath(each, start) for each in (folder, *components)]
        content = {"resources": paths[:1], "components": paths[1:]}
        (start / "kustomization.yaml").write_text(yaml.safe_dump(content))
        yield str(start)
