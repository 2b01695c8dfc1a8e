"""What the embedded controller needs from the world, for the plane that puts it together and for tests' fakes.

Three rims: where objects are stored, where servers run, and the gateway in front of them. All calls return at once;
the controller asks again soon, so nothing here waits for a server to start or for the gateway to follow.
"""

from typing import Protocol

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.gateway.routes import Acknowledged, Route
from sluicegate.serving.reconcile.workloads import Replica, Workload, WorkloadKey


class ObjectStore(Protocol):
    """The API's objects as plain JSON."""

    def list(self, kind: str, namespace: str | None = None) -> list[JSON]:
        """Objects of a kind, in all namespaces unless one is named."""

    def create(self, obj: JSON) -> JSON:
        """Store a new object; raises ``local.errors.StoreError`` when it cannot be."""

    def replace(self, obj: JSON) -> JSON:
        """Store metadata and spec; raises a conflict when ``metadata.resourceVersion`` is not the stored one."""

    def replace_status(self, obj: JSON) -> JSON:
        """Store the status only, under the same condition."""

    def version(self) -> int:
        """A number that grows with each write of anything."""


class Servers(Protocol):
    """Starts and stops model servers."""

    def apply(self, workloads: tuple[Workload, ...], keep: frozenset[WorkloadKey]) -> None:
        """Bring the running servers after ``workloads``.

        Servers whose key (namespace, name, revision) is in ``keep`` go on as they are, although nobody asks for them
        any more: the gateway may still send requests there. All others are drained and ended. Two revisions of one
        workload may run beside each other.
        """

    def observe(self) -> tuple[Replica, ...]:
        """Every server that runs or should run, kept ones included."""


class Gateway(Protocol):
    """Sends each deployment's requests where its route says."""

    def publish(self, routes: tuple[Route, ...]) -> str:
        """Make these all the routes there are; returns the table's version, the same for the same table."""

    def acknowledged(self) -> Acknowledged:
        """What is in force now."""


class Clock(Protocol):
    """Two clocks: one for durations, one for people."""

    def monotonic(self) -> float:
        """Seconds that only go forward; means nothing to another process."""

    def now(self) -> float:
        """Seconds since 1970."""
