"""The ground that the acts play on, as a port: a plane on this machine, or a Kubernetes cluster.

An act says what is to be done; the ground does it as its people would: with the ``sluicegate`` command and a KFP
pipeline here, with Argo Workflows there.
"""

from collections.abc import Callable
from typing import Any, Protocol

JSON = dict[str, Any]


class ClaimFailedError(Exception):
    """Something that the demonstration says is not so."""


class Tallied(Protocol):
    """What users saw, by second since 1970."""

    sent: dict[int, int]
    failed: dict[int, int]
    labels: int

    def since(self, start: float) -> tuple[int, int, int]:
        """Requests, failures and wrong answers since a moment (Unix seconds)."""


class Load(Protocol):
    """Somebody who asks about flights without a pause."""

    @property
    def tally(self) -> Tallied:
        """So far."""

    def start(self) -> None:
        """Begin to send."""

    def stop(self) -> None:
        """Send no more."""

    def silence(self) -> None:
        """The radio feed falls silent: its column comes empty."""

    def restore(self) -> None:
        """The feed is heard again."""

    def switch(self, first: str, last: str) -> None:
        """Go on with other days (ISO dates, inclusive)."""


class Running(Protocol):
    """Work that goes on while the act does."""

    def kill(self) -> None:
        """At once, without a word to it."""

    def wait(self) -> int:
        """Until it is over; 0 when it did what it should."""

    def end(self) -> None:
        """In order, if it still runs."""


class Ground(Protocol):
    """Where the deployment serves, and how things are done there. Each call may raise ClaimFailedError."""

    what: str
    """What it is, and what there is on it."""
    farewell: str
    """What to say of it when it is left running."""
    namespace: str
    addresses: dict[str, str]
    """``api``, ``mlflow`` and ``collector`` as this process reaches them; filled by ``begin``."""
    plan: JSON
    """The rollout plan of most acts."""

    def begin(self, say: Callable[[str, str], None]) -> Load:
        """Bring everything up; ``say`` takes a name and what is to be said of it."""

    def end(self, *, keep: bool) -> None:
        """Take everything down, or leave it for people to touch."""

    def deliver(self, name: str, parameters: JSON, *, check: bool = True) -> int:
        """Run the delivery pipeline to its end; 0 when it succeeded. ``check``: it must."""

    def roll_out(self, name: str, version: str, plan: JSON) -> Running:
        """Begin the rollout of a registered version and await its end in the background."""

    def submit(self, name: str, parameters: dict[str, str]) -> Running:
        """Begin a rollout's workflow by hand."""

    def evidence(self, rollout: JSON) -> JSON:
        """The evidence that a rollout's status refers to."""

    def stop_registry(self) -> None:
        """MLflow is gone."""

    def start_registry(self) -> None:
        """MLflow is back, with what it knew."""
