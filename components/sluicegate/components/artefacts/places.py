"""Where things lie on this machine and where services listen, as the environment of a run says."""

import hashlib
import os
from pathlib import Path

from sluicegate.components.errors import InputRefusedError


def home() -> Path:
    """The plane's directory: ``SLUICEGATE_HOME``, else ``.sluicegate`` where the step runs."""
    return Path(os.environ.get("SLUICEGATE_HOME", ".sluicegate")).resolve()


def service(variable: str, given: str = "") -> str:
    """An address: what was given, else what the environment says, without a slash at its end.

    Raises:
        InputRefusedError: neither says anything.

    """
    address = (given or os.environ.get(variable, "")).rstrip("/")
    if not address:
        raise InputRefusedError(f"{variable} is not set; start the plane (sluicegate up) or set it")
    return address


def content_digest(path: Path) -> str:
    """``sha256:…`` over a file's bytes, or over names and bytes of all files of a directory."""
    total = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
        total.update(file.relative_to(path).as_posix().encode() + b"\0")
        with file.open("rb") as content:
            total.update(hashlib.file_digest(content, "sha256").digest())
    return f"sha256:{total.hexdigest()}"
