"""The embedded operator's loop: what is stored → pure ``reconcile`` → servers, gateway, status.

Level-triggered: a pass reads everything, decides, writes what differs. It remembers nothing but leases and the table it
published last, so it may be killed anywhere and started again. ``pipelines.plane`` puts it together.
"""

import asyncio
import logging
from collections.abc import Iterator

import msgspec

from sluicegate.serving.api import model_rollout, seldon_deployment
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import ModelRollout, ModelRolloutStatus
from sluicegate.serving.gateway.routes import Acknowledged, Route
from sluicegate.serving.local.errors import StoreError
from sluicegate.serving.local.events import EventRecorder
from sluicegate.serving.local.ports import Clock, Gateway, ObjectStore, Servers
from sluicegate.serving.reconcile.admission import under_way
from sluicegate.serving.reconcile.lease import LeaseBook
from sluicegate.serving.reconcile.notices import Notice
from sluicegate.serving.reconcile.rollout import Decision, advance
from sluicegate.serving.reconcile.snapshot import Snapshot, StoredDeployment, StoredRollout, snapshot_of
from sluicegate.serving.reconcile.status import deployment_status, invalid_status, notice_of, written
from sluicegate.serving.reconcile.target import swapped
from sluicegate.serving.reconcile.traffic import route_of
from sluicegate.serving.reconcile.workloads import (
    Observed,
    Replica,
    Workload,
    WorkloadKey,
    desired_workloads,
    still_reachable,
)

LONGEST_PAUSE = 0.5
"""Seconds after which a pass is made even if nothing was seen to change: leases run out by themselves."""
LOOK_EVERY = 0.05
ADOPTION_SECONDS = 10.0
"""How long a fresh controller waits for servers that it found to be probed, before it tells the gateway of anybody.

Until then the gateway goes on with what it has; a table without them would cut off users.
"""

_LOG = logging.getLogger(__name__)


class Controller:
    """Runs ``SeldonDeployment`` and ``ModelRollout``.

    ``known_implementations`` are the prepackaged servers that this plane can start, ``gateway_url`` is where users
    reach it (``http://127.0.0.1:8003``), as written to ``status.address``.
    """

    def __init__(
        self,
        *,
        store: ObjectStore,
        servers: Servers,
        gateway: Gateway,
        clock: Clock,
        known_implementations: frozenset[str],
        gateway_url: str,
    ) -> None:
        self._store, self._servers, self._gateway, self._clock = store, servers, gateway, clock
        self._known_implementations, self._gateway_url = known_implementations, gateway_url
        self._events = EventRecorder(store, clock)
        self._leases = LeaseBook()
        self._published: tuple[str, tuple[Route, ...]] | None = None
        self._in_force: tuple[Route, ...] = ()
        self._adopting: frozenset[WorkloadKey] | None = None
        self._adopt_until = 0.0

    async def run(self) -> None:
        """Pass after pass until cancelled: on every change, and at least every half second."""
        while True:
            try:
                self.reconcile()
            except Exception:  # noqa: BLE001  a pass that fails must not be the last: the next may find a better world
                _LOG.exception("a pass failed; the next one follows")
            await self._change()

    def reconcile(self) -> None:
        """One pass over everything; returns at once."""
        if self._is_adopting():
            snapshot = self._read()
            running = frozenset(replica.key for replica in self._servers.observe())
            self._servers.apply(_all_workloads(snapshot), running)
            return
        unwritten = self._advance_rollouts()
        self._bring_after(unwritten)

    def _is_adopting(self) -> bool:
        """Whether servers that ran before this controller are still to be probed."""
        observed, now = self._servers.observe(), self._clock.monotonic()
        if self._adopting is None:
            self._adopting, self._adopt_until = frozenset(each.key for each in observed), now + ADOPTION_SECONDS
        waiting = any(each.state == "Starting" and each.key in self._adopting for each in observed)
        if waiting and now < self._adopt_until and self._published is None:
            return True
        self._adopting = frozenset()
        return False

    def _advance_rollouts(self) -> dict[str, ModelRolloutStatus]:
        """Store each rollout's next status, then change its target; returns retreats that could not be stored."""
        snapshot = self._read()
        now = self._clock.monotonic()
        self._leases = self._leases.looked((rollout.view for rollout in snapshot.rollouts), now)
        unwritten = {}
        for rollout in snapshot.rollouts:
            deployment = snapshot.target_of(rollout.view)
            decision = advance(
                rollout.view,
                deployment.target if deployment is not None else None,
                self._observed(rollout.view.metadata.namespace, rollout.view.spec.target, deployment),
                self._leases.view(rollout.view, now),
                self._clock.now(),
                [other.view for other in snapshot.rollouts if other is not rollout],
            )
            # Should the disk be full, traffic goes back all the same.
            if not self._carry_out(rollout, deployment, decision) and decision.status.phase == "Aborting":
                unwritten[rollout.view.metadata.uid] = decision.status
        return unwritten

    def _carry_out(self, rollout: StoredRollout, deployment: StoredDeployment | None, decision: Decision) -> bool:
        try:
            self._write_status(rollout.raw, written(decision.status))
            if decision.swap is not None and deployment is not None:
                self._store.replace(swapped(deployment.raw, rollout.raw, decision.status.stable, decision.swap))
        except StoreError as error:
            _LOG.info("%s %s: %s", rollout.view.kind, rollout.view.metadata.name, error)
            return False
        self._tell(rollout.raw, decision.notices)
        return True

    def _bring_after(self, unwritten: dict[str, ModelRolloutStatus]) -> None:
        """Bring gateway and servers after what is stored, in the order that costs no request, and say how it is."""
        snapshot = self._read()
        observed = self._servers.observe()
        plans = {each: self._plan(each, snapshot, observed, unwritten) for each in snapshot.deployments}
        routes = tuple(route for _, _, route in plans.values())
        version = self._gateway.publish(routes)
        self._published = (version, routes)
        settled = self._settled(self._gateway.acknowledged())
        workloads = tuple(workload for _, planned, _ in plans.values() for workload in planned)
        self._servers.apply(workloads, still_reachable(routes, observed, settled=settled))
        for deployment, (rollout, planned, route) in plans.items():
            self._say(deployment, rollout, planned, route)

    def _plan(
        self,
        deployment: StoredDeployment,
        snapshot: Snapshot,
        observed: tuple[Replica, ...],
        unwritten: dict[str, ModelRolloutStatus],
    ) -> tuple[ModelRollout | None, tuple[Workload, ...], Route]:
        view = deployment.target.view
        rollout = under_way(snapshot.rollouts_of(view))
        if rollout is not None and rollout.metadata.uid in unwritten:
            rollout = msgspec.structs.replace(rollout, status=unwritten[rollout.metadata.uid])
        workloads = desired_workloads(view, rollout)
        acknowledged = self._observed(view.metadata.namespace, view.metadata.name, deployment).traffic
        answering = frozenset(name for name, share in acknowledged.items() if share)
        return rollout, workloads, route_of(view, rollout, workloads, observed, answering)

    def _say(
        self, deployment: StoredDeployment, rollout: ModelRollout | None, workloads: tuple[Workload, ...], route: Route
    ) -> None:
        view = deployment.target.view
        observed = self._observed(view.metadata.namespace, view.metadata.name, deployment)
        status = deployment_status(
            view,
            rollout,
            workloads,
            route,
            observed,
            gateway_url=self._gateway_url,
            rejected=self._gateway.acknowledged().rejected,
            now=self._clock.now(),
        )
        if deployment.invalid:
            status = invalid_status(msgspec.structs.replace(view, status=status), deployment.invalid, self._clock.now())
        try:
            self._write_status(deployment.raw, written(status))
        except StoreError as error:
            _LOG.info("%s %s: %s", view.kind, view.metadata.name, error)
            return
        if (status.state, status.description) != (view.status.state, view.status.description):
            self._tell(deployment.raw, (notice_of(status),))

    def _observed(self, namespace: str, name: str, deployment: StoredDeployment | None) -> Observed:
        """The servers of a namespace, and what the gateway says of one deployment.

        A gateway that has not spoken yet is believed to be as it last was.
        """
        acknowledged = self._gateway.acknowledged()
        settled = self._settled(acknowledged)
        before = deployment.target.view.status.traffic if deployment is not None else {}
        traffic = acknowledged.traffic.get((namespace, name), {}) if acknowledged.version else before
        mirrors = [each.mirrors for each in self._in_force if (each.namespace, each.name) == (namespace, name)]
        return Observed(
            replicas=tuple(each for each in self._servers.observe() if each.namespace == namespace),
            traffic=traffic,
            mirror={mirror.predictor: mirror.percentage for group in mirrors for mirror in group},
            settled=settled,
        )

    def _settled(self, acknowledged: Acknowledged) -> bool:
        if self._published is None or acknowledged.version != self._published[0]:
            return False
        self._in_force = self._published[1]
        return True

    def _read(self) -> Snapshot:
        deployments, rollouts = (self._store.list(kind) for kind in (seldon_deployment.KIND, model_rollout.KIND))
        return snapshot_of(deployments, rollouts, self._known_implementations)

    def _write_status(self, raw: JSON, status: JSON) -> None:
        if raw.get("status") != status:
            self._store.replace_status({**raw, "status": status})

    def _tell(self, raw: JSON, notices: tuple[Notice, ...]) -> None:
        for notice in notices:
            self._events.record(raw, notice)

    async def _change(self) -> None:
        """Return once something changed, or after the longest pause."""
        before, end = self._looks(), self._clock.monotonic() + LONGEST_PAUSE
        while self._clock.monotonic() < end and self._looks() == before:  # noqa: ASYNC110  probes ring no bell
            await asyncio.sleep(LOOK_EVERY)

    def _looks(self) -> tuple[object, ...]:
        return (self._store.version(), self._servers.observe(), self._gateway.acknowledged())


def _all_workloads(snapshot: Snapshot) -> tuple[Workload, ...]:
    return tuple(_workloads(snapshot))


def _workloads(snapshot: Snapshot) -> Iterator[Workload]:
    for deployment in snapshot.deployments:
        view = deployment.target.view
        yield from desired_workloads(view, under_way(snapshot.rollouts_of(view)))
