"""Proof of a bundle before it is served: files, versions, signature; and the comparison with its own expected answers.

The answers themselves are computed by a runtime, which calls ``compare_answers``. Each function raises BundleRefused
with one sentence, which travels to the server's last line and to the rollout's status.
"""

import hashlib
import platform
from importlib import metadata
from pathlib import Path, PurePosixPath

import numpy as np

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.formats import FORMATS, OTHER_NAMES
from sluicegate.serving.bundle.manifest import MANIFEST, Manifest
from sluicegate.serving.bundle.reading import Bundle
from sluicegate.serving.protocol.messages import Array, Message

RELATIVE_TOLERANCE = 1e-6
ABSOLUTE_TOLERANCE = 1e-8
"""Numbers agree within absolute + relative·|expected|: another processor may round otherwise; labels agree exactly."""
STRICT = ("python", "scikit-learn")
"""What a pickled estimator depends on; major.minor must be the same."""


def verify_bundle(bundle: Bundle, *, expected_digest: str = "") -> None:
    """Prove everything that can be proven without loading the model.

    Raises BundleRefused at the first thing that does not hold.
    """
    if expected_digest and expected_digest != bundle.digest:
        raise BundleRefused(MANIFEST, bundle.digest, f"{expected_digest}, the bundle that was asked for")
    verify_files(bundle.directory, bundle.manifest)
    verify_versions(bundle.manifest, installed_versions(tuple(bundle.manifest.framework.versions)))
    verify_signature(bundle.manifest)


def verify_files(directory: Path, manifest: Manifest) -> None:
    """Every listed file is there with its digest, and no other file is."""
    listed = manifest.files
    for name in listed:
        inside = PurePosixPath(name)
        if inside.is_absolute() or ".." in inside.parts or name == MANIFEST:
            raise BundleRefused(f"{MANIFEST} files", name, "paths inside the bundle")
    named = (manifest.model, manifest.input_example, manifest.expected_answers, manifest.reference_profile)
    for document in named:
        if document and document not in listed and not _is_directory(document, listed):
            raise BundleRefused(f"{MANIFEST} files", f"no digest of {document}", "one for every file")
    for path in sorted(directory.rglob("*")):
        _refuse_stray(path, path.relative_to(directory).as_posix(), listed)
    for name, expected in listed.items():
        _verify_file(directory / name, name, expected)


def _is_directory(document: str, listed: dict[str, str]) -> bool:
    return document.endswith("/") and any(name.startswith(document) for name in listed)


def _refuse_stray(path: Path, name: str, listed: dict[str, str]) -> None:
    if path.is_symlink():
        raise BundleRefused(name, "a symbolic link", "plain files and directories")
    if path.is_file() and name != MANIFEST and name not in listed:
        raise BundleRefused(name, "a file that bundle.json does not list", "listed files only")


def _verify_file(path: Path, name: str, expected: str) -> None:
    if not path.is_file():
        raise BundleRefused(name, "no such file", expected)
    try:
        with path.open("rb") as stream:
            found = "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise BundleRefused(name, error.strerror or str(error), "a readable file") from error
    if found != expected:
        raise BundleRefused(name, found, f"{expected}; the file was changed after it was packaged")


def installed_versions(distributions: tuple[str, ...]) -> dict[str, str]:
    """Versions of what is installed here; ``python`` is the interpreter's; what is missing is left out."""
    versions = {name: platform.python_version() if name == "python" else _version(name) for name in distributions}
    return {name: version for name, version in versions.items() if version}


def _version(name: str) -> str:
    for each in (name, *OTHER_NAMES.get(name, ())):
        try:
            return metadata.version(each)
        except metadata.PackageNotFoundError:
            continue
    return ""


def verify_versions(manifest: Manifest, installed: dict[str, str]) -> None:
    """Python and scikit-learn have the major.minor that the model was fitted with."""
    for name in STRICT:
        wanted = manifest.framework.versions.get(name)
        if wanted is None:
            if name == manifest.framework.name:
                raise BundleRefused(f"{MANIFEST} framework.versions", f"no {name}", "the version it was fitted with")
            continue
        found = installed.get(name, "none installed")
        if _minor(found) != _minor(wanted):
            raise BundleRefused(f"{name} of this server", found, f"{_minor(wanted)}.x, as the model was fitted with")


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def verify_signature(manifest: Manifest) -> None:
    """Column names are there and unique; an example has its answers."""
    columns = manifest.signature.columns
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated or "" in columns:
        found = f"the name {repeated[0]!r} twice" if repeated else "an empty name"
        raise BundleRefused(f"{MANIFEST} signature.inputs", found, "a name of its own for each column")
    if bool(manifest.input_example) != bool(manifest.expected_answers):
        raise BundleRefused(MANIFEST, "only one of inputExample and expectedAnswers", "both, or none")
    if not manifest.input_example and manifest.implementation in FORMATS:
        raise BundleRefused(f"{MANIFEST} inputExample", "none", "an example with the answers the trainer saw")
    if not columns and manifest.implementation == "SKLEARN_SERVER":
        raise BundleRefused(f"{MANIFEST} signature.inputs", "none", "the columns that the model takes")


def compare_answers(expected: Message, found: Message, where: str) -> None:
    """The model's answers on the bundle's own example are those the trainer saw. Raises BundleRefused with the row."""
    left, right = expected.content, found.content
    if not isinstance(left, np.ndarray) or not isinstance(right, np.ndarray):
        if left != right:
            raise BundleRefused(where, f"the answer {right!r:.80}", f"{left!r:.80}")
        return
    if left.shape != right.shape:
        raise BundleRefused(where, f"answers of shape {list(right.shape)}", f"{list(left.shape)}")
    same = _close(left, right) if left.dtype.kind in "fiub" and right.dtype.kind in "fiub" else np.equal(left, right)
    if not bool(np.all(same)):
        index = tuple(int(i) for i in np.argwhere(~same.astype(bool))[0])
        raise BundleRefused(f"{where} {list(index)}", f"the answer {right[index]}", f"{left[index]}")


def _close(left: Array, right: Array) -> Array:
    close: Array = np.isclose(right, left, rtol=RELATIVE_TOLERANCE, atol=ABSOLUTE_TOLERANCE)
    return close
