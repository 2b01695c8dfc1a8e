"""All caches of an operator, and who is to be looked at when something in them changes."""

import asyncio
from collections.abc import Callable, Iterable

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import CLUSTER_RESOURCES, RESOURCES
from sluicegate.serving.operator.cluster.cache import OWNER_LABEL, Cache, Key, owner_of
from sluicegate.serving.operator.cluster.client import Cluster

ALWAYS = ("Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget")
"""Kinds made for a SeldonDeployment that every cluster serves."""
WHERE_SERVED = ("ScaledObject",)
"""Kinds that are watched where the cluster knows them; those of a gateway besides, where it is chosen."""


def target_of(rollout: JSON) -> Key:
    """The SeldonDeployment that a ModelRollout is about."""
    return (rollout["metadata"]["namespace"], str((rollout.get("spec") or {}).get("target", "")))


class Caches:
    """``changed`` gets the key of each SeldonDeployment for which something may be different."""

    def __init__(
        self, cluster: Cluster, *, namespace: str | None, kinds: Iterable[str], changed: Callable[[Key], None]
    ) -> None:
        def owned(before: JSON | None, after: JSON | None) -> None:
            for obj in (before, after):
                if obj is not None and (key := owner_of(obj)):
                    changed(key)

        def itself(before: JSON | None, after: JSON | None) -> None:
            meta = (after or before or {})["metadata"]
            changed((meta["namespace"], meta["name"]))

        def about(before: JSON | None, after: JSON | None) -> None:
            for obj in (before, after):
                if obj is not None:
                    changed(target_of(obj))

        def cache(kind: str, told: Callable[[JSON | None, JSON | None], None], labels: str = "") -> Cache:
            resource = RESOURCES.get(kind) or CLUSTER_RESOURCES[kind]
            owner = target_of if kind == "ModelRollout" else owner_of
            return Cache(cluster, resource, kind=kind, namespace=namespace, labels=labels, changed=told, owner=owner)

        self.deployments = cache("SeldonDeployment", itself)
        self.rollouts = cache("ModelRollout", about)
        self.pods = cache("Pod", owned, OWNER_LABEL)
        self.made = {kind: cache(kind, owned, OWNER_LABEL) for kind in kinds}

    def made_for(self, namespace: str, name: str) -> dict[tuple[str, str], JSON]:
        """What was made for a SeldonDeployment, by kind and name."""
        found = ((kind, obj) for kind, cache in self.made.items() for obj in cache.of(namespace, name))
        return {(kind, obj["metadata"]["name"]): obj for kind, obj in found}

    def learn(self, obj: JSON) -> None:
        """Take in what a write answered."""
        caches = {"SeldonDeployment": self.deployments, "ModelRollout": self.rollouts, **self.made}
        if (kind := str(obj.get("kind", ""))) in caches:
            caches[kind].learn(obj)

    async def complete(self) -> None:
        """Wait until the first list of every kind is in."""
        await asyncio.gather(*(cache.synced.wait() for cache in self._all()))

    @property
    def is_complete(self) -> bool:
        """Whether every kind's first list is in."""
        return all(cache.synced.is_set() for cache in self._all())

    @property
    def sizes(self) -> dict[str, int]:
        """How many objects of each kind there are."""
        return {cache.kind: len(cache) for cache in self._all()}

    async def run(self) -> None:
        """Watch everything until cancelled."""
        async with asyncio.TaskGroup() as group:
            for cache in self._all():
                group.create_task(cache.run(), name=f"watch {cache.kind}")

    def _all(self) -> tuple[Cache, ...]:
        return (self.deployments, self.rollouts, self.pods, *self.made.values())
