"""Unpacking an archive that came from somewhere: nothing may land outside, and no link is made.

``transfers`` and ``registries`` call it. One directory that holds everything is taken off, as most archives have one.
"""

import shutil
import stat
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

from sluicegate.serving.bundle.errors import BundleNotFetchedError

SUFFIXES = (".zip", ".tar.gz", ".tgz", ".tar")


def is_archive(name: str) -> bool:
    """Whether the name is one of an archive that is unpacked."""
    return name.lower().endswith(SUFFIXES)


def inside(name: str, where: str) -> PurePosixPath:
    """A relative path that stays below its directory. Raises BundleNotFetchedError for any other."""
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise BundleNotFetchedError(where, f"the path {name!r}", "expected paths inside; pack it again")
    return path


def unpack(archive: Path, into: Path, where: str) -> int:
    """Unpack into an empty directory, without an outer one; the number of files.

    Raises BundleNotFetchedError, OSError.
    """
    count = unpack_into(archive, into, where)
    _take_off_single_directory(into)
    return count


def unpack_into(archive: Path, into: Path, where: str) -> int:
    """Unpack as it is. Raises BundleNotFetchedError, OSError."""
    into.mkdir(parents=True, exist_ok=True)
    try:
        return _zip(archive, into, where) if zipfile.is_zipfile(archive) else _tar(archive, into, where)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        raise BundleNotFetchedError(where, f"no whole archive ({error})", f"expected {', '.join(SUFFIXES)}") from error


def _zip(archive: Path, into: Path, where: str) -> int:
    count = 0
    with zipfile.ZipFile(archive) as packed:
        for member in packed.infolist():
            target = into / inside(member.filename, where)
            if stat.S_ISLNK(member.external_attr >> 16):
                raise BundleNotFetchedError(where, f"the link {member.filename!r}", "pack plain files")
            if member.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with packed.open(member) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            count += 1
    return count


def _tar(archive: Path, into: Path, where: str) -> int:
    count = 0
    with tarfile.open(archive) as packed:
        for member in packed:
            if member.name in (".", "./"):
                continue
            target = into / inside(member.name, where)
            if member.isdir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            source = packed.extractfile(member) if member.isreg() else None
            if source is None:
                raise BundleNotFetchedError(where, f"{member.name!r}, no plain file", "pack plain files")
            target.parent.mkdir(parents=True, exist_ok=True)
            with source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            count += 1
    return count


def _take_off_single_directory(into: Path) -> None:
    found = list(into.iterdir())
    if len(found) == 1 and found[0].is_dir():
        # Under another name first: inside may lie something of the same name.
        outer = found[0].rename(into / ".outer")
        for path in list(outer.iterdir()):
            path.rename(into / path.name)
        outer.rmdir()
