"""A cluster on paper around a real operator's controller: the same world as the embedded plane's, for its tests."""

import asyncio
from typing import Any

from tests.fakes.cluster import FakeCluster, PaperPods
from tests.fakes.store import Killed
from tests.fakes.world import NAME, World

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.cluster.cache import Cache
from sluicegate.serving.operator.cluster.caches import ALWAYS, Caches
from sluicegate.serving.operator.cluster.queue import WorkQueue
from sluicegate.serving.operator.controller import Controller
from sluicegate.serving.operator.errors import ClusterError
from sluicegate.serving.operator.events import EventRecorder
from sluicegate.serving.operator.gateways.bundled import BundledEnvoy
from sluicegate.serving.operator.ports import Gateway
from sluicegate.serving.operator.settings import read_installation

KEY = ("default", NAME)


class OperatorWorld(World):
    """Everything around an operator that may be killed, and whose caches may lag behind.

    ``blind``: caches are not told of changes until this is false again.
    """

    kinds: tuple[str, ...] = ALWAYS
    installation = read_installation({})

    def __init__(self) -> None:
        self.blind = False
        super().__init__()
        self.servers: Any = PaperPods(self.store)

    def restart(self) -> None:
        """Another replica leads now, with complete caches."""
        self.gateway.forget()
        self.controller = self._controller()

    def look(self) -> None:
        """One look at the deployment; what fails comes again at the next."""
        self._tell()
        try:
            asyncio.run(self.controller.reconcile(KEY))
        except ClusterError:
            pass
        except Killed:
            self.restart()
        self.ask_gateway()

    def ask_gateway(self) -> None:
        """The operator looks at what its gateway acknowledged."""
        self.bundled.look()

    def _controller(self) -> Any:
        cluster: Any = FakeCluster(self.store)
        queue = WorkQueue()
        self._caches = Caches(cluster, namespace=None, kinds=self.kinds, changed=lambda _key: None)
        self._tell(force=True)
        return Controller(
            cluster=cluster,
            caches=self._caches,
            gateway=self._stood_behind(cluster),
            queue=queue,
            events=EventRecorder(cluster, now=self.clock.now),
            clock=self.clock,
            installation=self.installation,
        )

    def _stood_behind(self, cluster: Any) -> Gateway:  # noqa: ARG002  others are told by objects
        door: Any = self.gateway
        self.bundled = BundledEnvoy(door, expected=[KEY], changed=lambda _key: None)
        return self.bundled

    def _tell(self, *, force: bool = False) -> None:
        if self.blind and not force:
            return
        caches = (self._caches.deployments, self._caches.rollouts, self._caches.pods, *self._caches.made.values())
        for cache in caches:
            _bring_after(cache, self.store.list(cache.kind))


def _bring_after(cache: Cache, stored: list[JSON]) -> None:
    """What the stream would have told by now."""
    names = {(each["metadata"]["namespace"], each["metadata"]["name"]) for each in stored}
    for obj in cache.all():
        if (obj["metadata"]["namespace"], obj["metadata"]["name"]) not in names:
            cache.take("DELETED", obj)
    for obj in stored:
        cache.take("MODIFIED", obj)
