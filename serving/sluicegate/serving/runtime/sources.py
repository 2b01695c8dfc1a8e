"""What a runtime is asked to load and what it hands back: values between ``loading`` and the frameworks' files."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.locations import resolve
from sluicegate.serving.bundle.manifest import Signature
from sluicegate.serving.bundle.reading import Bundle, is_bundle, read_bundle
from sluicegate.serving.bundle.verification import verify_bundle
from sluicegate.serving.protocol.messages import Message

TypedParameters = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A unit to load. ``digest`` (``sha256:…``), when given, demands exactly that bundle."""

    name: str
    implementation: str
    model_uri: str = ""
    parameters: TypedParameters = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A unit that is loaded and, when it is a bundle, proven. ``verified`` is None for a bare model."""

    unit: Any
    """Satisfies the graph room's port ``Unit``."""
    signature: Signature = field(default_factory=Signature)
    bundle: Bundle | None = None
    verified: bool | None = None
    example: Message | None = None
    metadata: "dict[str, Any] | Exception" = field(default_factory=dict)
    """What the model tells of itself, or why it cannot."""


def open_source(source: Source) -> tuple[Path | None, Bundle | None]:
    """Resolve the location; when a bundle lies there, prove it and put its code on ``sys.path``.

    Raises BundleRefused.
    """
    if not source.model_uri:
        _refuse_bare(source)
        return None, None
    path = resolve(source.model_uri)
    if not (path.is_dir() and is_bundle(path)):
        _refuse_bare(source)
        return path, None
    bundle = read_bundle(path)
    verify_bundle(bundle, expected_digest=source.digest)
    if bundle.manifest.implementation != source.implementation:
        raise BundleRefused("bundle.json implementation", bundle.manifest.implementation, source.implementation)
    if bundle.manifest.code:
        put_on_path(bundle.path(bundle.manifest.code))
    return path, bundle


def _refuse_bare(source: Source) -> None:
    if source.digest:
        raise BundleRefused("modelUri", f"no bundle at {source.model_uri!r}", f"the bundle {source.digest}")


def put_on_path(directory: Path) -> None:
    """Let the model's own modules be imported; no byte code is written, as a bundle may hold no unlisted file."""
    sys.dont_write_bytecode = True
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
