"""Reading a bundle: the manifest with its digest, and the documents that lie beside the model.

Nothing is proven here (see ``verification``); what cannot be read is refused with the field's path.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.manifest import FORMAT, MANIFEST, Manifest, digest_of
from sluicegate.serving.protocol.errors import BadPayloadError
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.protocol.seldon import message_from, parse

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle on this machine. ``digest`` is that of the bytes of its ``bundle.json``."""

    directory: Path
    manifest: Manifest
    digest: str

    def path(self, relative: str) -> Path:
        """A file of the bundle."""
        return self.directory / relative

    def example(self) -> Message | None:
        """The input example as a request; None when the bundle has none."""
        return self._message(self.manifest.input_example)

    def answers(self) -> Message | None:
        """The answers that the trainer saw on the input example; None when the bundle has none."""
        return self._message(self.manifest.expected_answers)

    def reference_profile(self) -> dict[str, Any] | None:
        """What inputs and scores looked like at training; None when the bundle has none."""
        name = self.manifest.reference_profile
        if not name:
            return None
        try:
            return msgspec.json.decode(self._bytes(name), type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise BundleRefused(name, str(error), "a JSON object") from error

    def _message(self, name: str) -> Message | None:
        if not name:
            return None
        try:
            return message_from(parse(self._bytes(name)))
        except BadPayloadError as error:
            raise BundleRefused(f"{name} {error.field}", error.found, error.expected) from error

    def _bytes(self, name: str) -> bytes:
        try:
            return self.path(name).read_bytes()
        except OSError as error:
            raise BundleRefused(name, error.strerror or str(error), "a readable file") from error


def is_bundle(directory: Path) -> bool:
    """Whether a ``bundle.json`` lies there."""
    return (directory / MANIFEST).is_file()


def read_bundle(directory: Path) -> Bundle:
    """Read ``bundle.json``. Raises BundleRefused when it is missing or not of format 1."""
    try:
        content = (directory / MANIFEST).read_bytes()
    except OSError as error:
        raise BundleRefused(MANIFEST, error.strerror or str(error), f"a readable file in {directory}") from error
    manifest = _decoded(content)
    if manifest.format != FORMAT:
        raise BundleRefused(f"{MANIFEST} format", str(manifest.format), f"{FORMAT}, the one this release reads")
    return Bundle(directory=directory, manifest=manifest, digest=digest_of(content))


def _decoded(content: bytes) -> Manifest:
    try:
        return msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BundleRefused(MANIFEST, str(error), "a manifest of format 1") from error
