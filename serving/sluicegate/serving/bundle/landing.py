"""How what was fetched comes to its place: whole or not at all.

``fetching`` calls it. A directory that does not exist yet appears by one rename. A mounted volume cannot be renamed, so
there the files move in one by one and ``bundle.json`` (else the last by name) comes last; until then ``.fetching`` lies
in it, and the next start begins anew. One process fetches into a directory at a time.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sluicegate.serving.bundle.manifest import MANIFEST

UNFINISHED = ".fetching"
"""Its presence says that a directory is not complete."""
_OF_THE_VOLUME = "lost+found"


@contextmanager
def landing(directory: Path) -> Iterator[Path]:
    """An empty directory to fetch into; when the block ends well, its contents are those of ``directory``.

    What lies beside it, in its parent, is removed with it. Raises OSError.
    """
    mounted = directory.is_dir() and (os.path.ismount(directory) or not os.access(directory.parent, os.W_OK))
    scratch = directory / UNFINISHED if mounted else directory.with_name(f".{directory.name}{UNFINISHED}")
    if scratch.exists():
        shutil.rmtree(scratch)
    content = scratch / "content"
    content.mkdir(parents=True)
    try:
        yield content
        if mounted:
            _move_in(content, directory)
        else:
            _rename(content, directory)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _rename(content: Path, directory: Path) -> None:
    if directory.exists():
        directory.rename(content.with_name("replaced"))
    content.rename(directory)


def _move_in(content: Path, directory: Path) -> None:
    """The old manifest goes first and the new one comes last, so that no mixture has one."""
    old = [path for path in directory.iterdir() if path.name not in (UNFINISHED, _OF_THE_VOLUME)]
    for path in sorted(old, key=lambda path: path.name != MANIFEST):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    for path in sorted(content.iterdir(), key=lambda path: (path.name == MANIFEST, path.name)):
        path.rename(directory / path.name)
