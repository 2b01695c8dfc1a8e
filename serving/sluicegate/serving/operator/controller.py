"""One SeldonDeployment and its rollouts: what is stored and seen → pure ``reconcile`` → objects, route, status.

Level-triggered: a look reads everything about one deployment from the caches, decides, writes what differs. It
remembers nothing but when leases were renewed, so the leader may be killed anywhere and another goes on. A pod goes
only after the gateway has said that no request is sent there any more.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.model_rollout import TERMINAL_PHASES, ModelRollout
from sluicegate.serving.api.validation import validate_deployment
from sluicegate.serving.gateway.routes import Route
from sluicegate.serving.operator.applying import Applier, Trouble
from sluicegate.serving.operator.cluster.cache import Key
from sluicegate.serving.operator.cluster.caches import Caches
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.cluster.queue import WorkQueue
from sluicegate.serving.operator.errors import NotRenderableError
from sluicegate.serving.operator.events import EventRecorder
from sluicegate.serving.operator.making import Makings, makings_of
from sluicegate.serving.operator.objects.layout import Layout, layout_of
from sluicegate.serving.operator.objects.left_out import left_out
from sluicegate.serving.operator.objects.names import deployment_names, service_name
from sluicegate.serving.operator.observing import answers, is_made_by, observed_replicas
from sluicegate.serving.operator.ports import Clock, Gateway, InForce
from sluicegate.serving.operator.reporting import on_kubernetes, told_by_gateway
from sluicegate.serving.operator.settings import Installation
from sluicegate.serving.operator.workflows import Workflows
from sluicegate.serving.reconcile.admission import under_way
from sluicegate.serving.reconcile.ending import seconds_to_next
from sluicegate.serving.reconcile.lease import LeaseBook
from sluicegate.serving.reconcile.rollout import Decision, advance
from sluicegate.serving.reconcile.snapshot import Snapshot, StoredDeployment, StoredRollout, snapshot_of
from sluicegate.serving.reconcile.status import deployment_status, invalid_status, notice_of, was_acknowledged, written
from sluicegate.serving.reconcile.target import swapped
from sluicegate.serving.reconcile.traffic import route_of
from sluicegate.serving.reconcile.workloads import Observed, Replica, Workload, desired_workloads, still_reachable

LOOK_EVERY = 30.0
"""Seconds at most between looks while a rollout is under way. Leases and deadlines run out by themselves, and are
looked at when they do; everything else is told.
"""
_A_MOMENT = 0.1
"""Seconds after which what was to run out has."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What one look decided about a deployment that is there."""

    stored: StoredDeployment
    rollout: ModelRollout | None
    workloads: tuple[Workload, ...]
    replicas: tuple[Replica, ...]
    route: Route
    services: dict[str, str]
    makings: Makings | None
    """What to make, and what is left over; None when it cannot be said."""
    refusal: str
    """Why what is asked for is not started, or nothing."""


class Controller:
    """Runs ``SeldonDeployment`` and ``ModelRollout`` on a cluster; ``reconcile`` is the whole of it."""

    def __init__(
        self,
        *,
        cluster: Cluster,
        caches: Caches,
        gateway: Gateway,
        queue: WorkQueue,
        events: EventRecorder,
        clock: Clock,
        installation: Installation,
    ) -> None:
        self._cluster, self._caches, self._gateway, self._queue = cluster, caches, gateway, queue
        self._events, self._clock, self._installation = events, clock, installation
        self._applier = Applier(cluster, caches)
        self._workflows = Workflows(cluster, clock)
        self._leases: dict[Key, LeaseBook] = {}

    async def reconcile(self, key: Key) -> None:
        """One look at one deployment. Raises ClusterError; the queue then asks for another look, later."""
        if not self._caches.is_mine(*key):
            await self._leave(key)
            return
        snapshot = self._read(key)
        await self._advance_rollouts(key, snapshot)
        snapshot = self._read(key)
        self._look_again(key, snapshot)
        if not snapshot.deployments:
            await self._leave(key)
            return
        await self._bring_after(key, snapshot)

    async def _leave(self, key: Key) -> None:
        self._leases.pop(key, None)
        await self._gateway.withdraw(*key)

    def _read(self, key: Key) -> Snapshot:
        stored = self._caches.deployments.get(*key)
        return snapshot_of([stored] if stored else [], self._caches.rollouts.of(*key), None)

    def _look_again(self, key: Key, snapshot: Snapshot) -> None:
        """When time alone will have changed something."""
        book, now = self._leases.get(key, LeaseBook()), self._clock.monotonic()
        under_way = [each.view for each in snapshot.rollouts if each.view.status.phase not in TERMINAL_PHASES]
        if under_way:
            ends = min(seconds_to_next(view, book.view(view, now), self._clock.now()) for view in under_way)
            asked = min(map(self._workflows.seconds_to_next, under_way))
            self._queue.add_after(key, min(ends + _A_MOMENT, asked, LOOK_EVERY))

    async def _advance_rollouts(self, key: Key, snapshot: Snapshot) -> None:
        """Store each rollout's next status, then change its target."""
        now = self._clock.monotonic()
        book = self._leases.get(key, LeaseBook()).looked((rollout.view for rollout in snapshot.rollouts), now)
        self._leases[key] = book
        for rollout in snapshot.rollouts:
            stored = snapshot.target_of(rollout.view)
            lease = replace(book.view(rollout.view, now), orphaned=await self._workflows.ending(rollout.view))
            decision = advance(
                rollout.view,
                stored.target if stored is not None else None,
                self._observed(key, stored, self._gateway.in_force(*key)),
                lease,
                self._clock.now(),
                [other.view for other in snapshot.rollouts if other is not rollout],
            )
            await self._carry_out(rollout, stored, decision)

    async def _carry_out(self, rollout: StoredRollout, stored: StoredDeployment | None, decision: Decision) -> None:
        await self._write_status(self._original(rollout), written(decision.status))
        if decision.swap is not None and stored is not None:
            now_stored = rollout.raw | {"status": written(decision.status)}
            changed = swapped(stored.raw, now_stored, decision.status.stable, decision.swap)
            self._caches.learn(await self._cluster.replace(changed))
        for notice in decision.notices:
            await self._events.record(rollout.raw, notice)

    def _original(self, rollout: StoredRollout) -> JSON:
        """The rollout as stored: its read form has defaults that nobody wrote."""
        meta = rollout.raw["metadata"]
        return self._caches.rollouts.get(meta["namespace"], meta["name"]) or rollout.raw

    async def _bring_after(self, key: Key, snapshot: Snapshot) -> None:
        """Objects first, then the route, then what nobody needs any more, then the status: no step costs a request."""
        stored = snapshot.deployments[0]
        plan = self._plan(key, stored, snapshot)
        owner, makings = stored.raw["metadata"], plan.makings
        troubles = await self._applier.apply(makings.missing, makings.live, owner) if makings is not None else ()
        await self._gateway.publish(plan.route, plan.services, stored.raw)
        in_force = self._gateway.in_force(*key)
        # What breaks a rule asks for nothing, what could not be made replaces nothing: what ran goes on.
        if makings is not None and not stored.invalid and not troubles:
            reachable = still_reachable((plan.route,), plan.replicas, settled=in_force.settled)
            for leftover in makings.leftovers(reachable, owner):
                await self._cluster.delete(leftover)
        await self._say(key, plan, in_force, troubles)
        if troubles:
            raise troubles[0].error

    def _plan(self, key: Key, stored: StoredDeployment, snapshot: Snapshot) -> _Plan:
        """What this look decides. The route does not depend on whether what is asked for can be made."""
        view = stored.target.view
        rollout = under_way(snapshot.rollouts_of(view))
        workloads = desired_workloads(view, rollout)
        layouts = tuple(layout_of(view, workload.predictor) for workload in workloads)
        replicas = self._replicas(key)
        traffic = self._observed(key, stored, self._gateway.in_force(*key)).traffic
        answering = frozenset(name for name, share in traffic.items() if share)
        alike = self._interchangeable(key, replicas, workloads, layouts)
        live, refusal, makings = self._caches.made_for(*key), stored.invalid, None
        try:
            makings = makings_of(view, stored.raw["metadata"], workloads, rollout, live, self._installation)
        except NotRenderableError as error:
            refusal = refusal or str(error)
        return _Plan(
            stored=stored,
            rollout=rollout,
            workloads=workloads,
            replicas=replicas,
            route=route_of(view, rollout, workloads, alike, answering),
            services={layout.predictor.name: service_name(layout) for layout in layouts},
            makings=makings,
            refusal=refusal,
        )

    def _replicas(self, key: Key) -> tuple[Replica, ...]:
        pods = [pod for pod in self._caches.pods.of(*key) if answers(pod)]
        return observed_replicas(pods, self._caches.made["Deployment"].of(*key))

    def _interchangeable(
        self, key: Key, replicas: Iterable[Replica], workloads: Iterable[Workload], layouts: Iterable[Layout]
    ) -> tuple[Replica, ...]:
        """Replicas as a route takes them: pods of a wanted Deployment count whatever their revision.

        The Deployment itself sees to it that enough of them are there while they are replaced.
        """
        wanted = frozenset(name for layout in layouts for name in deployment_names(layout))
        pods = (pod for pod in self._caches.pods.of(*key) if is_made_by(pod, wanted))
        hosts = {(pod.get("status") or {}).get("podIP") for pod in pods}
        newest = {workload.name: workload.revision for workload in workloads}
        return tuple(
            replace(each, revision=newest.get(each.workload, each.revision))
            if each.state in ("Ready", "Silent") and each.address.host in hosts
            else each
            for each in replicas
        )

    def _observed(self, key: Key, stored: StoredDeployment | None, in_force: InForce) -> Observed:
        """The deployment's servers and traffic. A gateway that has not spoken yet is believed to be as it last was."""
        before = stored.target.view.status.traffic if stored is not None else {}
        return Observed(
            replicas=self._replicas(key),
            traffic=in_force.traffic if in_force.traffic is not None else before,
            mirror=in_force.mirror,
            settled=in_force.settled,
        )

    async def _say(self, key: Key, plan: _Plan, in_force: InForce, troubles: tuple[Trouble, ...]) -> None:
        view, now = plan.stored.target.view, self._clock.now()
        observed = self._observed(key, plan.stored, in_force)
        unmade = tuple(trouble.server for trouble in troubles)
        # A gateway that has not spoken to this leader yet is believed, and a restart is no news.
        settled = in_force.settled if in_force.traffic is not None else was_acknowledged(view)
        observed = replace(observed, settled=settled, replicas=(*observed.replicas, *unmade))
        status = deployment_status(
            view,
            plan.rollout,
            plan.workloads,
            plan.route,
            observed,
            gateway_url="",
            rejected=in_force.rejected,
            now=now,
        )
        _, warnings = validate_deployment(view, known_servers=None)
        warnings = (*warnings, *left_out(view, self._installation), *in_force.warnings)
        live = self._caches.made_for(*key).values()
        status = told_by_gateway(status, in_force)
        status = on_kubernetes(status, view, live, services=plan.services, warnings=warnings, now=now)
        if plan.refusal:
            status = invalid_status(msgspec.structs.replace(view, status=status), plan.refusal, now)
        await self._write_status(plan.stored.raw, written(status))
        if (status.state, status.description) != (view.status.state, view.status.description):
            await self._events.record(plan.stored.raw, notice_of(status))

    async def _write_status(self, raw: JSON, status: JSON) -> None:
        if raw.get("status") == status:
            return
        self._caches.learn(await self._cluster.replace(raw | {"status": status}, status=True))
