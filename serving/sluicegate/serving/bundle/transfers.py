"""Files from a storage into an empty directory: a local path, an fsspec file system, an HTTP address.

``fetching`` calls one of them for each kind of remote. They raise BundleNotFetchedError for what they see themselves,
and the storage's own errors, which ``failures`` turns into sentences.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from sluicegate.serving.bundle.archives import inside, is_archive, unpack
from sluicegate.serving.bundle.errors import BundleNotFetchedError
from sluicegate.serving.bundle.progress import Progress, size

_CHUNK = 1 << 16
_ATTEMPTS = 5
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


def copy_local(path: Path, into: Path, uri: str, progress: Progress) -> None:
    """A directory's files, or one file."""
    if not path.exists():
        raise BundleNotFetchedError(uri, f"nothing at {path}", "check the path, and that its volume is mounted")
    found = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
    base = path.parent if path.is_file() else path
    _refuse_empty(found, uri)
    expect(sum(each.stat().st_size for each in found), into, progress)
    for source in found:
        target = into / source.relative_to(base)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        progress.files += 1
        progress.came(target.stat().st_size)


def copy_tree(filesystem: Any, path: str, into: Path, uri: str, progress: Progress) -> None:
    """Everything below ``path`` of an fsspec file system, or the one file that it is."""
    base = filesystem._strip_protocol(path).rstrip("/")
    listing: Mapping[str, Mapping[str, Any]] = filesystem.find(base, detail=True)
    files = {name: info for name, info in listing.items() if not name.endswith("/")}
    _refuse_empty(files, uri)
    expect(sum(int(info.get("size") or 0) for info in files.values()), into, progress)
    for name, info in files.items():
        relative = PurePosixPath(name).name if name == base else name.removeprefix(base).lstrip("/")
        target = into / inside(relative, uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            filesystem.open(name, "rb", block_size=8 << 20, cache_type="readahead") as source,
            target.open("wb") as sink,
        ):
            while chunk := source.read(_CHUNK):
                sink.write(chunk)
                progress.came(len(chunk))
        expected = info.get("size")
        if expected is not None and target.stat().st_size != expected:
            found = f"{target.stat().st_size} of {expected} bytes of {name}"
            raise BundleNotFetchedError(
                uri, found, "it changed or the connection broke; it is tried again at the next start"
            )
        progress.files += 1


def download(address: str, headers: Mapping[str, str], into: Path, uri: str, progress: Progress) -> None:
    """One file over HTTP; an archive is unpacked."""
    name = PurePosixPath(unquote(urlsplit(address).path)).name or "model"
    target = into / inside(name, uri)
    with httpx.Client(headers=dict(headers), timeout=_TIMEOUT, follow_redirects=True) as client:
        _download(client, address, target, uri, progress)
    progress.files = 1
    if is_archive(name):
        archive = target.rename(into.with_name(into.name + ".archive"))
        try:
            progress.files = unpack(archive, into, uri)
        finally:
            archive.unlink()


def _download(client: httpx.Client, address: str, target: Path, uri: str, progress: Progress) -> None:
    """Broken off in the middle, it goes on where it stopped if the server can, else from the beginning."""
    version, attempt, whole = "", 0, False
    while not whole:
        attempt += 1
        have = target.stat().st_size if target.exists() and version else 0
        more = {"Range": f"bytes={have}-", "If-Range": version} if have else {}
        try:
            with client.stream("GET", address, headers={"Accept-Encoding": "identity", **more}) as answer:
                _refuse_status(answer, uri)
                resumed = answer.status_code == httpx.codes.PARTIAL_CONTENT
                version = _strong_version(answer)
                _keep(answer, target, progress, resumed=resumed)
            whole = True
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.ReadTimeout) as error:
            if attempt == _ATTEMPTS:
                raise
            progress.say(f"the connection broke after {size(progress.bytes)} ({type(error).__name__}); going on")


def _strong_version(answer: httpx.Response) -> str:
    tag: str = answer.headers.get("ETag", "")
    return "" if tag.startswith("W/") or answer.headers.get("Accept-Ranges") == "none" else tag


def _keep(answer: httpx.Response, target: Path, progress: Progress, *, resumed: bool) -> None:
    if not resumed:
        progress.bytes = 0
        length = answer.headers.get("Content-Length")
        expect(int(length) if length else None, target.parent, progress)
    with target.open("ab" if resumed else "wb") as sink:
        for chunk in answer.iter_raw(_CHUNK):
            sink.write(chunk)
            progress.came(len(chunk))


def _refuse_status(answer: httpx.Response, uri: str) -> None:
    if answer.status_code in (401, 403):
        remedy = "give credentials: RCLONE_CONFIG_HTTP_HEADERS=Authorization,Bearer …"
        raise BundleNotFetchedError(uri, f"refused with status {answer.status_code}", remedy)
    if answer.status_code in (404, 410):
        raise BundleNotFetchedError(uri, f"nothing there (status {answer.status_code})", "check the address")
    if not answer.is_success:
        raise BundleNotFetchedError(uri, f"status {answer.status_code}", "look at the web server's log")


def expect(total: int | None, into: Path, progress: Progress) -> None:
    """Say how much will come, and refuse at once what the disk cannot hold. Raises BundleNotFetchedError."""
    progress.expected = total
    if total is None:
        return
    free = shutil.disk_usage(into).free
    if total > free:
        found = f"the disk of {into} has {size(free)} free and {size(total)} are needed"
        raise BundleNotFetchedError("no space", found, "give the volume more space")
    progress.say(f"fetching {size(total)}")


def _refuse_empty(found: Any, uri: str) -> None:
    if not found:
        raise BundleNotFetchedError(uri, "nothing there", "check bucket and path; a directory needs files in it")
