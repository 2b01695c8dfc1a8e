"""What the webhook needs from the cluster, for the operator that puts it together and for tests' fakes.

Calls raise the errors of ``operator.errors``: UnreachableError when the API server does not answer, ConflictError when
another writer was first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.errors import RefusedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the API server says to one object; ``refusal`` is None when it takes it."""

    object: JSON
    refusal: RefusedError | None = None


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

    async def replace(self, configuration: JSON) -> None:
        """Store it; a conflict when ``metadata.resourceVersion`` is not the stored one."""


class Clock(Protocol):
    """The time that certificates are judged by."""

    def now(self) -> float:
        """Seconds since 1970."""
