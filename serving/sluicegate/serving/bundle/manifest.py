"""``bundle.json``: what a bundle says of itself, as frozen values.

Written by ``writing``, proven by ``verification``, read by the runtimes, by admission (signature) and by the rollout
(reference profile, expected disagreement). Digests are ``sha256:<hex>``; a bundle's digest is that of ``bundle.json``.
"""

import hashlib
from typing import Any, Literal

import msgspec

FORMAT = 1
MANIFEST = "bundle.json"
ColumnType = Literal["double", "float", "long", "integer", "boolean", "string"]
"""MLflow's names of column types."""
NUMERIC: frozenset[str] = frozenset({"double", "float", "long", "integer", "boolean"})
Method = Literal["predict_proba", "predict", "decision_function"]


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of the manifest's values: camelCase on the wire; an unknown field is an error, as it was not proven."""


class Column(Part, frozen=True, kw_only=True):
    """One input column."""

    name: str
    type: ColumnType = "double"


class Signature(Part, frozen=True, kw_only=True):
    """What the model takes, in this order, and the names of what it answers (classes for ``predict_proba``)."""

    inputs: tuple[Column, ...] = ()
    outputs: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The input columns' names in order."""
        return tuple(column.name for column in self.inputs)

    @property
    def numeric(self) -> bool:
        """Whether every column holds numbers or truth values."""
        return all(column.type in NUMERIC for column in self.inputs)


class Framework(Part, frozen=True, kw_only=True):
    """What the model was made with, and exact versions by distribution name."""

    name: str
    versions: dict[str, str] = {}


class Disagreement(Part, frozen=True, kw_only=True):
    """Share of held-out rows on which this bundle and version ``against`` answer differently."""

    against: str
    share: float


class Manifest(Part, frozen=True, kw_only=True):
    """The whole ``bundle.json``; paths are relative to the bundle with forward slashes, empty ones are absent."""

    format: int = FORMAT
    name: str
    version: str
    framework: Framework
    implementation: str = "SKLEARN_SERVER"
    model: str = ""
    method: Method = "predict_proba"
    signature: Signature = Signature()
    input_example: str = ""
    expected_answers: str = ""
    reference_profile: str | None = None
    expected_disagreement: Disagreement | None = None
    code: str | None = None
    metadata: dict[str, Any] = {}
    files: dict[str, str] = {}


def digest_of(content: bytes) -> str:
    """``sha256:<hex>`` of the bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()
