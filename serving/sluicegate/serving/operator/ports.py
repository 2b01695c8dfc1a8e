"""What the operator's controller needs of the world beside the API server; fakes are in tests.

A gateway, whichever of the three it is, is told a deployment's route, and asked what is in force. What it is told may
take a while; nobody waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.routes import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """What a gateway does with one deployment's requests now.

    ``settled``: the newest route is in force. ``traffic`` and ``mirror`` are percent by predictor; None while the
    gateway has not spoken yet. ``rejected`` has its words when it refused the newest route, ``waiting`` those for what
    is not so yet. ``warnings`` are sentences about what it cannot do as the route asks.
    """

    settled: bool = False
    traffic: dict[str, int] | None = None
    mirror: dict[str, int] = field(default_factory=dict)
    rejected: str = ""
    waiting: str = ""
    warnings: tuple[str, ...] = ()
    acknowledges: bool = True
    """Whether this gateway says what it has in force. Where it does not, what was written counts."""


class Gateway(Protocol):
    """Sends each deployment's requests where its route says."""

    async def publish(self, route: Route, services: Mapping[str, str], owner: JSON) -> None:
        """Ask for ``route`` to be in force. The same again is no write.

        ``services`` is each predictor's Service, ``owner`` the stored SeldonDeployment.
        """

    async def withdraw(self, namespace: str, name: str) -> None:
        """The deployment is gone, and so is its route."""

    def in_force(self, namespace: str, name: str) -> InForce:
        """What is so; asked at each look."""


class Clock(Protocol):
    """Two clocks: one for durations, one for people."""

    def monotonic(self) -> float:
        """Seconds that only go forward; means nothing to another process."""

    def now(self) -> float:
        """Seconds since 1970."""
