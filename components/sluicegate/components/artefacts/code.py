"""The user's own code: found by an import path, imported from a directory or module file, carried along to serving."""

import importlib
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sluicegate.components.errors import CodeNotImportableError, InputRefusedError


def code_path(code: str) -> Path | None:
    """Where the code lies, or None when none is given.

    Raises:
        InputRefusedError: nothing is there.

    """
    if not code:
        return None
    path = Path(code.removeprefix("file://")).resolve()
    if not path.exists():
        raise InputRefusedError(f"code: nothing at {path}; expected a directory or a Python file")
    return path


@contextmanager
def importable(code: str) -> Iterator[None]:
    """While this is open, the modules of ``code`` (a directory, or one module file) can be imported."""
    path = code_path(code)
    entry = str(path if path and path.is_dir() else path.parent) if path else ""
    if not entry or entry in sys.path:
        yield
        return
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        sys.path.remove(entry)


def find(import_path: str, *, argument: str) -> Callable[..., Any]:
    """The callable that ``module:attribute`` names. ``argument`` is whose value this is, for the error.

    Raises:
        CodeNotImportableError: the path is malformed, the module does not import, or holds no such callable.

    """
    module_name, colon, attribute = import_path.partition(":")
    if not (module_name and colon and attribute):
        raise CodeNotImportableError(f"{argument}: found {import_path!r}; expected module:attribute")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError) as error:
        raise CodeNotImportableError(
            f"{argument}: {import_path!r} does not import: {error}; install it or give its directory as code"
        ) from error
    if not callable(found):
        raise CodeNotImportableError(f"{argument}: {import_path!r} is a {type(found).__name__}; expected a callable")
    return found  # type: ignore[no-any-return]  # callable() narrows to object


def copy_code(code: str, into: Path) -> bool:
    """Copy the code below ``into`` so that it can be imported from there. Returns whether there was any."""
    path = code_path(code)
    if path is None:
        return False
    if path.is_dir():
        shutil.copytree(path, into, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".git", ".venv"))
    else:
        into.mkdir(parents=True)
        shutil.copy2(path, into / path.name)
    return True
