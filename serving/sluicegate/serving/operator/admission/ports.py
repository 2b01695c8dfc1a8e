"""What the webhook needs from the cluster, for the operator that puts it together and for tests' fakes.

An adapter raises ``errors.UnreachableError`` when the API server does not answer, and ``errors.ConflictError`` when
another writer was first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sluicegate.serving.api.metadata import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the API server says to one object. ``refusal`` is its ``Status``, None when it takes the object."""

    object: JSON
    refusal: JSON | None = None
    warnings: tuple[str, ...] = ()


class DryRun(Protocol):
    """Asks the API server whether it would take objects, without storing them."""

    async def apply(self, objects: Sequence[JSON]) -> Sequence[Proof]:
        """One proof for each object: server-side apply as the operator does it, with ``dryRun=All``."""


class Secrets(Protocol):
    """Secrets as plain JSON, ``data`` in base64."""

    async def get(self, namespace: str, name: str) -> JSON | None:
        """The Secret as it is now, not from a cache; None when there is none."""

    async def create(self, secret: JSON) -> None:
        """Store a new one; a conflict when there is one already."""

    async def replace(self, secret: JSON) -> None:
        """Store it; a conflict when ``metadata.resourceVersion`` is not the stored one, or it is gone."""


class WebhookConfigurations(Protocol):
    """ValidatingWebhookConfigurations."""

    async def get(self, name: str) -> JSON | None:
        """As it is now; None when it is not installed."""

    async def patch(self, name: str, operations: Sequence[JSON]) -> None:
        """Apply a JSON patch (RFC 6902); a conflict when one of its tests fails."""


class Clock(Protocol):
    """The time that certificates are judged by."""

    def now(self) -> float:
        """Seconds since 1970."""
