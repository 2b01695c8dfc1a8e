"""The registry's follower, put together: two watches, and pass after pass of the reconciler that a plane has too.

Level-triggered: a pass reads all deployments and rollouts and writes to MLflow what differs, so this may be killed
anywhere, MLflow may be away for a day, and two of these at once do no harm. Traffic waits for none of it.
"""

import asyncio
import logging
import signal
from contextlib import suppress

from sluicegate.pipelines.follower.errors import SettingsRefusedError
from sluicegate.pipelines.follower.objects import Moment
from sluicegate.pipelines.follower.settings import Settings
from sluicegate.pipelines.triggers.errors import RegistryUnreachableError
from sluicegate.pipelines.triggers.registry import Registry, RegistryReconciler
from sluicegate.serving.api import model_rollout, seldon_deployment
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import RESOURCES
from sluicegate.serving.local.errors import StoreError
from sluicegate.serving.operator.cluster.access import Access, connect, from_kubeconfig, in_cluster
from sluicegate.serving.operator.cluster.cache import Cache
from sluicegate.serving.operator.cluster.client import Cluster

KINDS = (seldon_deployment.KIND, model_rollout.KIND)
LOOK_SECONDS = 1.0
"""Seconds between passes at the least: a rollout is written to every few seconds, and the registry need not keep up."""
LONGEST_PAUSE = 30.0
_LOG = logging.getLogger(__name__)


class Follower:
    """``run`` is its whole life."""

    def __init__(self, cluster: Cluster, registry: Registry, settings: Settings) -> None:
        self._cluster, self._settings = cluster, settings
        self._changed, self._said = asyncio.Event(), ""
        self._caches = {kind: self._cache(kind) for kind in KINDS}
        self._reconciler = RegistryReconciler(registry, starts=settings.challengers == "start")

    def _cache(self, kind: str) -> Cache:
        def changed(_before: JSON | None, _after: JSON | None) -> None:
            self._changed.set()

        namespace = self._settings.namespace or None
        return Cache(self._cluster, RESOURCES[kind], kind=kind, namespace=namespace, changed=changed)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for kind, cache in self._caches.items():
                group.create_task(cache.run(), name=f"watch {kind}")
            group.create_task(self._follow(), name="follow")

    async def _follow(self) -> None:
        # Before all lists are complete, what was not seen yet would count as gone.
        await asyncio.gather(*(cache.synced.wait() for cache in self._caches.values()))
        pause = LOOK_SECONDS
        while True:
            self._changed.clear()
            followed = await self._pass()
            pause = LOOK_SECONDS if followed else min(pause * 2, LONGEST_PAUSE)
            await asyncio.sleep(pause)
            if followed:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), self._settings.refresh - LOOK_SECONDS)

    async def _pass(self) -> bool:
        objects = {kind: cache.all() for kind, cache in self._caches.items()}
        moment = Moment(objects=objects, cluster=self._cluster, loop=asyncio.get_running_loop())
        try:
            waiting = await asyncio.to_thread(self._reconciler.reconcile, moment)
        except (RegistryUnreachableError, StoreError) as error:
            self._say(f"the registry does not follow: {error}", logging.WARNING)
            return False
        self._say("; ".join(["the registry is as it should be", *waiting]), logging.INFO)
        return True

    def _say(self, sentence: str, level: int) -> None:
        """Tell what is new; the same again is no news."""
        if sentence != self._said:
            _LOG.log(level, "%s", sentence)
        self._said = sentence


async def serve(settings: Settings, registry: Registry) -> None:
    """Find the cluster, and follow until SIGTERM or SIGINT. Raises SettingsRefusedError and the operator's errors."""
    cluster = Cluster(connect(_access(settings)))
    following = asyncio.create_task(Follower(cluster, registry, settings).run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, following.cancel)
    try:
        with suppress(asyncio.CancelledError):
            await following
    finally:
        await cluster.close()


def _access(settings: Settings) -> Access:
    access = in_cluster()
    if access is None and not settings.kubeconfig:
        raise SettingsRefusedError("no cluster: this is no pod with a service account, and KUBECONFIG is not set")
    return access or from_kubeconfig(settings.kubeconfig)
