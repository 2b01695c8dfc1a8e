"""A model of MLflow into an empty directory: ``models:/NAME/VERSION``, ``models:/NAME@ALIAS``, ``runs:/RUN/PATH``.

``fetching`` calls it. What lies in a bucket is fetched from there with this room's own credentials; MLflow itself
fetches what its server hands out.
"""

import os
from collections.abc import Callable
from pathlib import Path

from sluicegate.serving.bundle.errors import BundleNotFetchedError
from sluicegate.serving.bundle.optional import library
from sluicegate.serving.bundle.progress import Progress

_DIRECT = ("s3://", "gs://")
_ADDED = "registered_model_meta"
"""MLflow writes it beside the model's own files."""


def fetch_registered(path: str, into: Path, uri: str, progress: Progress, bucket: Callable[[str], None]) -> None:
    """``bucket`` fetches from a bucket's address. Raises BundleNotFetchedError, and MLflow's errors."""
    if not os.environ.get("MLFLOW_TRACKING_URI"):
        raise BundleNotFetchedError(uri, "no MLFLOW_TRACKING_URI", "set it to the MLflow server's address")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")
    artifacts = library("mlflow.artifacts", uri)
    underlying = _underlying(path, uri)
    if underlying.startswith(_DIRECT):
        progress.say(f"{path} lies at {underlying}")
        bucket(underlying)
        return
    scratch = into / ".mlflow"
    scratch.mkdir()
    found = Path(artifacts.download_artifacts(artifact_uri=path, dst_path=str(scratch)))
    for each in [found] if found.is_file() else list(found.iterdir()):
        if each.name != _ADDED:
            each.rename(into / each.name)
    _remove(scratch)
    _count(into, progress)


def _underlying(path: str, uri: str) -> str:
    """The bucket's address, if it lies in one."""
    seen = path
    for _ in range(3):  # a registered version may name a logged model, and that one a bucket
        if seen.startswith("models:/"):
            module = library("mlflow.store.artifact.models_artifact_repo", uri)
            seen = str(module.ModelsArtifactRepository.get_underlying_uri(seen))
        elif seen.startswith("runs:/"):
            module = library("mlflow.store.artifact.runs_artifact_repo", uri)
            seen = str(module.RunsArtifactRepository.get_underlying_uri(seen))
    return seen


def _remove(directory: Path) -> None:
    for path in sorted(directory.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    directory.rmdir()


def _count(into: Path, progress: Progress) -> None:
    files = [path for path in into.rglob("*") if path.is_file()]
    if not files:
        raise BundleNotFetchedError(str(into), "MLflow handed out no file", "check the version's artefacts")
    progress.files = len(files)
    progress.bytes = sum(path.stat().st_size for path in files)
