"""One replica leads: a ``Lease`` of the cluster, held as long as it is renewed.

A rival's clock proves nothing: a lease is over when *we* have seen no new renewal of it for its whole duration, on our
own monotonic clock. Who leads and cannot renew stops before others may begin. The decision is pure.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sluicegate.serving.api.conditions import timestamp
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import CLUSTER_RESOURCES
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.errors import ClusterError, ConflictError, LeadershipLostError, NotFoundError

DURATION = 15.0
RENEW_WITHIN = 10.0
"""Seconds after which a leader that could not renew stops."""
RETRY = 2.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What was seen of the lease, and since when it looks so (monotonic seconds)."""

    record: tuple[str, str]
    """Holder and time of renewal, as written."""
    since: float


def next_move(lease: JSON | None, mine: str, seen: Sighting | None, now: float) -> Literal["take", "renew", "wait"]:
    """What to do about the lease: ``seen`` is the sighting before this look."""
    if lease is None:
        return "take"
    spec = lease.get("spec") or {}
    holder = spec.get("holderIdentity") or ""
    if holder == mine:
        return "renew"
    if not holder:
        return "take"
    unchanged = seen is not None and seen.record == _record(lease)
    over = unchanged and seen is not None and now - seen.since > float(spec.get("leaseDurationSeconds") or DURATION)
    return "take" if over else "wait"


def looked(lease: JSON | None, seen: Sighting | None, now: float) -> Sighting | None:
    """The sighting after a look."""
    if lease is None:
        return None
    return seen if seen is not None and seen.record == _record(lease) else Sighting(record=_record(lease), since=now)


def held(lease: JSON | None, name: str, namespace: str, mine: str, wall: float) -> JSON:
    """The lease as its holder writes it; ``wall`` is seconds since 1970, for people only."""
    spec: dict[str, Any] = dict((lease or {}).get("spec") or {})
    at = timestamp(wall).removesuffix("Z") + f".{int(wall % 1 * 1e6):06d}Z"
    mine_now = {"holderIdentity": mine, "leaseDurationSeconds": int(DURATION), "renewTime": at}
    if spec.get("holderIdentity") != mine:
        mine_now |= {"acquireTime": at, "leaseTransitions": int(spec.get("leaseTransitions") or 0) + bool(lease)}
    kept = lease or {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    meta = kept.get("metadata") or {"name": name, "namespace": namespace}
    return {**kept, "metadata": meta, "spec": spec | mine_now}


def _record(lease: JSON) -> tuple[str, str]:
    spec = lease.get("spec") or {}
    return (str(spec.get("holderIdentity") or ""), str(spec.get("renewTime") or ""))


class Election:
    """``mine`` is this replica's name. ``leads`` is set while it may write."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        name: str,
        namespace: str,
        mine: str,
        monotonic: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self.leads = asyncio.Event()
        self._cluster, self._name, self._namespace, self._mine = cluster, name, namespace, mine
        self._monotonic, self._wall = monotonic, wall
        self._seen: Sighting | None = None
        self._renewed = float("-inf")

    async def run(self) -> None:
        """Until cancelled. Raises LeadershipLostError: the process has to begin anew, as a follower."""
        while True:
            try:
                await self._turn()
            except ClusterError as error:
                _LOG.warning("lease %s/%s: %s", self._namespace, self._name, error)
            if self.leads.is_set():
                self.insist()
            await asyncio.sleep(RETRY)

    def insist(self) -> None:
        """Raise LeadershipLostError unless this replica may write at this moment."""
        if not self.leads.is_set() or self._monotonic() - self._renewed > RENEW_WITHIN:
            self.leads.clear()
            raise LeadershipLostError(f"the lease could not be renewed for {RENEW_WITHIN:g} s")

    async def release(self) -> None:
        """Let another replica lead at once; told at an orderly end."""
        if not self.leads.is_set():
            return
        self.leads.clear()
        lease = await self._read()
        if lease is not None and next_move(lease, self._mine, None, 0.0) == "renew":
            await self._cluster.replace(lease | {"spec": lease["spec"] | {"holderIdentity": ""}})

    async def _turn(self) -> None:
        lease, now = await self._read(), self._monotonic()
        move = next_move(lease, self._mine, self._seen, now)
        self._seen = looked(lease, self._seen, now)
        if move == "wait":
            if self.leads.is_set():
                self.leads.clear()
                raise LeadershipLostError("another replica holds the lease")
            return
        if move == "renew" and not self.leads.is_set():
            _LOG.info("this lease is ours from before")
        mine = held(lease, self._name, self._namespace, self._mine, self._wall())
        try:
            await (self._cluster.create(mine) if lease is None else self._cluster.replace(mine))
        except ConflictError:
            return
        self._renewed = now
        if not self.leads.is_set():
            _LOG.info("%s leads", self._mine)
            self.leads.set()

    async def _read(self) -> JSON | None:
        try:
            return await self._cluster.get(CLUSTER_RESOURCES["Lease"], self._namespace, self._name)
        except NotFoundError:
            return None
