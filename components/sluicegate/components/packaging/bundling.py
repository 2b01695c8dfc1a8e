"""What goes into a bundle, and writing it exactly once."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from sluicegate.components.artefacts import trained as names
from sluicegate.components.artefacts.bundles import VARIABLE, local_directory
from sluicegate.components.errors import InputRefusedError, NotTheSameError
from sluicegate.serving.bundle.errors import BundleError, BundleNotWrittenError, BundleTakenError
from sluicegate.serving.bundle.manifest import Disagreement
from sluicegate.serving.bundle.reading import is_bundle, read_bundle
from sluicegate.serving.bundle.storing import store
from sluicegate.serving.bundle.verification import installed_versions
from sluicegate.serving.bundle.writing import Contents, write_bundle


def contents(trained: Path, *, model: str, version: str, disagreement: Disagreement | None) -> Contents:
    """What training left, as a bundle's contents.

    Raises:
        InputRefusedError: a name that is no path element, or libraries other than those that trained the model.

    """
    for argument, value in (("model", model), ("version", version)):
        if not value or value.startswith(".") or "/" in value:
            raise InputRefusedError(f"{argument}: found {value!r}; expected a name without slashes")
    described = names.read_trained(trained)
    _refuse_other_versions(described.versions)
    return Contents(
        name=model,
        version=version,
        model=trained / names.MODEL,
        signature=described.signature,
        method=described.method,
        input_example=names.read_document(trained, names.INPUT_EXAMPLE)["data"]["ndarray"],
        expected_answers=names.read_document(trained, names.EXPECTED_ANSWERS)["data"]["ndarray"],
        reference_profile=names.read_document(trained, names.REFERENCE_PROFILE),
        expected_disagreement=disagreement,
        code=trained / names.CODE if names.code_of(trained) else None,
        metadata={"dataDigest": described.data_digest, "estimator": described.estimator, "target": described.target},
    )


def keep_once(place: str, wanted: Contents) -> str:
    """Write the bundle to a path or an address, or find the very same one there. Returns its digest.

    Raises:
        NotTheSameError: something else lies there.
        InputRefusedError: the contents contradict each other, or nothing can be written there.

    """
    try:
        directory = local_directory(place)
        if directory is not None:
            return write_once(directory, wanted)
        with TemporaryDirectory() as scratch:
            built = Path(scratch, "bundle")
            write_once(built, wanted)
            return store(built, place, os.environ)
    except BundleTakenError as error:
        raise NotTheSameError(str(error)) from error
    except BundleError as error:
        raise InputRefusedError(f"{VARIABLE}: {error}") from error


def write_once(place: Path, wanted: Contents) -> str:
    """Write the bundle, or find the very same one there. Returns its digest.

    Raises:
        NotTheSameError: something else lies there.
        InputRefusedError: the contents contradict each other.

    """
    try:
        return read_bundle(place).digest if _same(place, wanted) else write_bundle(place, wanted)
    except BundleNotWrittenError as error:
        if place.exists():
            raise NotTheSameError(
                f"{place} holds another bundle; a bundle is never changed: register a new version"
            ) from error
        raise InputRefusedError(f"trained: {error}") from error


def _same(place: Path, wanted: Contents) -> bool:
    """A bundle that a former attempt of this step wrote is byte for byte what this one would write."""
    if not is_bundle(place):
        return False
    with TemporaryDirectory(dir=place.parent, prefix=".again-") as directory:
        again = Path(directory, "bundle")
        return write_bundle(again, wanted) == read_bundle(place).digest


def _refuse_other_versions(recorded: dict[str, str]) -> None:
    here = installed_versions(tuple(recorded))
    for name, version in recorded.items():
        if here.get(name) != version:
            found = here.get(name, "none")
            raise InputRefusedError(
                f"trained: fitted with {name} {version}, but {name} {found} is installed here; use the same"
            )
