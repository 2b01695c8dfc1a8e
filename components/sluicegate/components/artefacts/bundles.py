"""Where bundles are kept, and how a step reads one that may lie in a storage.

``SLUICEGATE_BUNDLES`` says where ``package`` puts them: a directory, or an address such as ``s3://bucket/prefix``; it
is below the plane's home when nothing is set. On a cluster each step is a pod of its own, so there it has to be an
address. What is fetched stays for as long as this process lives; a bundle is never changed, so once is enough.
"""

import atexit
import logging
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from sluicegate.components.artefacts.places import home
from sluicegate.serving.bundle.buckets import is_bucket
from sluicegate.serving.bundle.fetching import fetch
from sluicegate.serving.bundle.manifest import MANIFEST
from sluicegate.serving.bundle.reading import Bundle, read_bundle
from sluicegate.serving.bundle.remotes import remote_of
from sluicegate.serving.bundle.verification import verify_files

VARIABLE = "SLUICEGATE_BUNDLES"
_LOG = logging.getLogger(__name__)


def place_of(model: str, version: str) -> str:
    """Where the bundle of a model version belongs: a path, or an address."""
    root = os.environ.get(VARIABLE, "") or str(home() / "bundles")
    place = f"{root.rstrip('/')}/{model}/{version}"
    return place if "://" in place else str(Path(place).resolve())


def local_directory(bundle: str) -> Path | None:
    """The directory that a path, ``file://`` or a mounted claim's ``pvc://`` names; None for another storage.

    Raises BundleNotFetchedError for an address that leads nowhere.
    """
    remote = remote_of(bundle, os.environ)
    return Path(remote.path) if remote.kind == "file" else None


def address_of(bundle: str) -> str:
    """The bundle's address as a server is told it."""
    directory = None if "://" in bundle else local_directory(bundle)
    return bundle if directory is None else directory.absolute().as_uri()


def secret_of(bundle: str) -> str:
    """The Secret with which servers fetch it: what ``SLUICEGATE_BUNDLES_SECRET`` says, for a storage's address."""
    return "" if local_directory(bundle) else os.environ.get("SLUICEGATE_BUNDLES_SECRET", "")


def bundle_at(bundle: str) -> Path:
    """The whole bundle as a directory of this machine; one from a storage is fetched, and its files are proven.

    Raises BundleNotFetchedError, and BundleRefused when what came is no bundle or not what it says.
    """
    return local_directory(bundle) or _fetched(bundle)


def described(bundle: str) -> Bundle:
    """What a bundle says of itself; from a bucket comes its ``bundle.json`` alone. Raises as ``bundle_at`` does."""
    if is_bucket(remote_of(bundle, os.environ)):
        return _described(bundle)
    return read_bundle(bundle_at(bundle))


@cache
def _fetched(uri: str) -> Path:
    directory = _scratch() / "bundle"
    _LOG.info("%s", fetch(uri, directory, os.environ, _LOG.info))
    verify_files(directory, read_bundle(directory).manifest)
    return directory


@cache
def _described(uri: str) -> Bundle:
    directory = _scratch() / "description"
    fetch(f"{uri.rstrip('/')}/{MANIFEST}", directory, os.environ, _LOG.info)
    return read_bundle(directory)


def _scratch() -> Path:
    """A directory that goes when this process ends."""
    directory = Path(tempfile.mkdtemp(prefix="sluicegate-bundle-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory
