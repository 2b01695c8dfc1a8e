"""Puts a bundle of this machine into a bucket, so that a reader finds the whole of it or none.

The packaging step calls it. Files go first and ``bundle.json`` last, on condition that none is there; without it
nothing below the address is a bundle. An attempt that was killed is completed by the next one, which puts every file
again and takes away what is not of this bundle.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sluicegate.serving.bundle.buckets import is_bucket, open_bucket
from sluicegate.serving.bundle.errors import BundleError, BundleNotWrittenError, BundleTakenError
from sluicegate.serving.bundle.failures import explain
from sluicegate.serving.bundle.manifest import MANIFEST, digest_of
from sluicegate.serving.bundle.reading import Bundle, read_bundle
from sluicegate.serving.bundle.remotes import Remote, remote_of

WRITABLE = "s3://BUCKET/PATH and gs://BUCKET/PATH"


def store(directory: Path, uri: str, environment: Mapping[str, str]) -> str:
    """Put the bundle there, or find the very same one. Returns its digest.

    Raises BundleTakenError when another lies there, BundleNotWrittenError when the storage cannot be written.
    """
    bundle = read_bundle(directory)
    remote = _bucket(uri, environment)
    try:
        _store(open_bucket(remote), remote, bundle)
    except BundleTakenError:
        raise
    except Exception as error:
        raise BundleNotWrittenError(str(explain(error, uri, remote.kind, directory))) from error
    return bundle.digest


def _bucket(uri: str, environment: Mapping[str, str]) -> Remote:
    try:
        remote = remote_of(uri, environment)
    except BundleError as error:
        raise BundleNotWrittenError(str(error)) from error
    if not is_bucket(remote):
        raise BundleNotWrittenError(f"{uri}: bundles are not written to a place of this kind; there are {WRITABLE}")
    return remote


def _store(filesystem: Any, remote: Remote, bundle: Bundle) -> None:
    base = filesystem._strip_protocol(remote.path).rstrip("/")
    manifest = f"{base}/{MANIFEST}"
    if _same(filesystem, manifest, remote.uri, bundle):
        return
    for stray in set(filesystem.find(base)) - {f"{base}/{name}" for name in bundle.manifest.files}:
        filesystem.rm_file(stray)
    for name in bundle.manifest.files:
        filesystem.put_file(str(bundle.path(name)), f"{base}/{name}")
    try:
        filesystem.put_file(str(bundle.path(MANIFEST)), manifest, mode="create")
    except FileExistsError:
        # Somebody was faster.
        _same(filesystem, manifest, remote.uri, bundle)


def _same(filesystem: Any, manifest: str, uri: str, bundle: Bundle) -> bool:
    """Whether this bundle is there, whole. Raises BundleTakenError when another is."""
    try:
        found = digest_of(filesystem.cat_file(manifest))
    except FileNotFoundError:
        return False
    if found != bundle.digest:
        raise BundleTakenError(f"{uri} holds another bundle; a bundle is never changed: register a new version")
    return True
