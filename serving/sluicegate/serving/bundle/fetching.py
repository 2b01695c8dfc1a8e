"""Fetches a bundle or a model from a storage into a directory, whole or not at all: the storage initialiser.

``python -m sluicegate.serving.bundle fetch URI DIRECTORY`` calls it, in a pod before the server starts. What came is
proven by the server, not here.
"""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from sluicegate.serving.bundle.buckets import open_bucket
from sluicegate.serving.bundle.failures import explain
from sluicegate.serving.bundle.landing import landing
from sluicegate.serving.bundle.progress import Progress
from sluicegate.serving.bundle.registered import fetch_registered
from sluicegate.serving.bundle.registries import pull
from sluicegate.serving.bundle.remotes import Remote, remote_of
from sluicegate.serving.bundle.transfers import copy_local, copy_tree, download


def fetch(uri: str, directory: Path, environment: Mapping[str, str], say: Callable[[str], None]) -> str:
    """Fetch; what came, in words. Raises BundleNotFetchedError; then ``directory`` is as it was."""
    remote = remote_of(uri, environment)
    for name in remote.ignored:
        say(f"{name} has no effect here")
    progress = Progress(say=say)
    say(f"fetching {uri} into {directory}")
    try:
        with landing(directory.absolute()) as into:
            _transfer(remote, into, environment, progress)
    except Exception as error:
        raise explain(error, uri, remote.kind, directory) from error
    return progress.ended()


def _transfer(remote: Remote, into: Path, environment: Mapping[str, str], progress: Progress) -> None:
    match remote.kind:
        case "file":
            copy_local(Path(remote.path), into, remote.uri, progress)
        case "http":
            download(remote.path, remote.options["headers"], into, remote.uri, progress)
        case "oci":
            pull(remote.path, remote.options, into, remote.uri, progress)
        case "mlflow":
            bucket = partial(_from_bucket, into=into, environment=environment, progress=progress)
            fetch_registered(remote.path, into, remote.uri, progress, bucket)
        case _:
            _from_file_system(remote, into, progress)


def _from_bucket(uri: str, *, into: Path, environment: Mapping[str, str], progress: Progress) -> None:
    _from_file_system(remote_of(uri, environment), into, progress)


def _from_file_system(remote: Remote, into: Path, progress: Progress) -> None:
    copy_tree(open_bucket(remote), remote.path, into, remote.uri, progress)
