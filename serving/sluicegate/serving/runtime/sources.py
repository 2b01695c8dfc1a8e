"""What a runtime is asked to load and what it hands back: values between ``loading`` and the frameworks' files."""

import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sluicegate.serving.bundle.errors import BundleRefused
from sluicegate.serving.bundle.formats import FORMATS
from sluicegate.serving.bundle.locations import resolve
from sluicegate.serving.bundle.manifest import Signature
from sluicegate.serving.bundle.reading import Bundle, is_bundle, read_bundle
from sluicegate.serving.bundle.verification import verify_bundle
from sluicegate.serving.protocol.messages import Message
from sluicegate.serving.runtime.metadata import stated_metadata

TypedParameters = dict[str, Any]
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A unit to load. ``digest`` (``sha256:…``), when given, demands exactly that bundle; ``allow_unverified``: a
    pickle that no bundle proves is loaded all the same, and logged. ``children``: those that it has in its graph.
    """

    name: str
    implementation: str
    model_uri: str = ""
    parameters: TypedParameters = field(default_factory=dict)
    digest: str = ""
    allow_unverified: bool = False
    children: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Where a model lies, before its framework reads it. ``path`` is its file or directory."""

    path: Path
    bundle: Bundle | None = None
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def signature(self) -> Signature:
        """The bundle's; nothing for a bare model."""
        return self.bundle.manifest.signature if self.bundle else Signature()


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


def open_model(source: Source) -> Opened:
    """The model's file or directory, in a bundle that is proven or bare. Raises BundleRefused when there is none."""
    known = FORMATS[source.implementation]
    path, bundle = open_source(source)
    stated = stated_metadata(path)
    if path is None:
        raise BundleRefused("modelUri", "none", f"a bundle's directory, or one with {_either(known.files)}")
    if bundle is not None:
        return Opened(path=bundle.path(bundle.manifest.model or known.files[0]), bundle=bundle, metadata=stated)
    if known.directory or path.is_file():
        return Opened(path=path, metadata=stated)
    for name in known.files:
        if (path / name).is_file():
            return Opened(path=path / name, metadata=stated)
    raise BundleRefused("modelUri", f"no {_either(known.files)} in {path}", f"a model that {known.framework} wrote")


def _either(names: tuple[str, ...]) -> str:
    return " or ".join(names)


def refuse_unverified(source: Source, opened: Opened) -> None:
    """A pickle runs whatever code it holds: one that no bundle proves is logged, or refused where that is not allowed.

    Raises BundleRefused.
    """
    if opened.bundle is not None:
        return
    if not source.allow_unverified:
        found = f"{opened.path.name}, a pickle that no bundle proves: it can run any code"
        expected = "a bundle, or --allow-unverified (SLUICEGATE_ALLOW_UNVERIFIED=true) for one that is trusted"
        raise BundleRefused("modelUri", found, expected)
    _LOG.warning("unit %r loads %s, a pickle that no bundle proves: it can run any code", source.name, opened.path)


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
