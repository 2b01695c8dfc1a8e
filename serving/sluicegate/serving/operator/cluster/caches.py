"""All caches of an operator, and who is to be looked at when something in them changes."""

import asyncio
from collections.abc import Callable, Iterable

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import CLUSTER_RESOURCES, RESOURCES
from sluicegate.serving.operator.cluster.cache import OWNER_LABEL, Cache, Changed, Key, Owner, owner_of
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.sharing import is_of

ALWAYS = ("Deployment", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget")
"""Kinds made for a SeldonDeployment that every cluster serves."""
WHERE_SERVED = ("ScaledObject",)
"""Kinds that are watched where the cluster knows them; those of a gateway besides, where it is chosen."""


def target_of(rollout: JSON) -> Key:
    """The SeldonDeployment that a ModelRollout is about."""
    return (rollout["metadata"]["namespace"], str((rollout.get("spec") or {}).get("target", "")))


class Caches:
    """``changed`` gets the key of each SeldonDeployment for which something may be different.

    ``controller_id``: whose deployments are looked after. An operator of one namespace does not read its labels.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        namespace: str | None,
        kinds: Iterable[str],
        changed: Callable[[Key], None],
        controller_id: str = "",
    ) -> None:
        self._controller_id, self._tell = controller_id, changed

        def cache(kind: str, told: Changed, labels: str = "", owner: Owner | None = None) -> Cache:
            resource = RESOURCES.get(kind) or CLUSTER_RESOURCES[kind]
            where = namespace if resource.namespaced else None
            return Cache(cluster, resource, kind=kind, namespace=where, labels=labels, changed=told, owner=owner)

        self.deployments = cache("SeldonDeployment", self._itself)
        self.rollouts = cache("ModelRollout", self._about, owner=target_of)
        self.pods = cache("Pod", self._owned, OWNER_LABEL)
        self.made = {kind: cache(kind, self._owned, OWNER_LABEL) for kind in kinds}
        self.namespaces = None if namespace else cache("Namespace", self._around)

    def _owned(self, before: JSON | None, after: JSON | None) -> None:
        for obj in (before, after):
            if obj is not None and (key := owner_of(obj)):
                self._tell(key)

    def _itself(self, before: JSON | None, after: JSON | None) -> None:
        meta = (after or before or {})["metadata"]
        self._tell((meta["namespace"], meta["name"]))

    def _about(self, before: JSON | None, after: JSON | None) -> None:
        for obj in (before, after):
            if obj is not None:
                self._tell(target_of(obj))

    def _around(self, before: JSON | None, after: JSON | None) -> None:
        """A namespace that is marked otherwise than before may have changed hands, with all that is in it."""
        labels = [each["metadata"].get("labels") if each is not None else None for each in (before, after)]
        if labels[0] != labels[1]:
            name = (after or before or {})["metadata"]["name"]
            for obj in (*self.deployments.all(name), *self.rollouts.all(name)):
                self._tell(_deployment_of(obj))

    def made_for(self, namespace: str, name: str) -> dict[tuple[str, str], JSON]:
        """What was made for a SeldonDeployment, by kind and name."""
        found = ((kind, obj) for kind, cache in self.made.items() for obj in cache.of(namespace, name))
        return {(kind, obj["metadata"]["name"]): obj for kind, obj in found}

    def is_mine(self, namespace: str, name: str) -> bool:
        """Whether this operator looks after what there is under this key; anybody may forget what is not there."""
        stored = self.deployments.get(namespace, name)
        found = [stored] if stored is not None else self.rollouts.of(namespace, name)
        around = self.namespaces.get("", namespace) if self.namespaces is not None else None
        return all(is_of(self._controller_id, each, around) for each in found)

    def mine(self, cache: Cache) -> list[JSON]:
        """Deployments, or rollouts, that this operator looks after."""
        return [each for each in cache.all() if self.is_mine(*_deployment_of(each))]

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
        around = () if self.namespaces is None else (self.namespaces,)
        return (*around, self.deployments, self.rollouts, self.pods, *self.made.values())


def _deployment_of(obj: JSON) -> Key:
    return target_of(obj) if obj["kind"] == "ModelRollout" else (obj["metadata"]["namespace"], obj["metadata"]["name"])
