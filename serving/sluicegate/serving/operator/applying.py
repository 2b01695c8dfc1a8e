"""Brings Kubernetes objects after their manifests, one by one; what one of them meets does not stop the others.

An object that somebody else controls is not touched; one that Seldon Core's operator made is taken over from it first,
so that fields which only it wanted go; a Service that cannot become what it should is made anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import resource_of
from sluicegate.serving.operator.cluster.caches import Caches
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.errors import ClusterError, RefusedError
from sluicegate.serving.operator.objects.comparison import is_others, must_be_replaced
from sluicegate.serving.operator.objects.manifest import APPLIED_ANNOTATION, ObjectKey, key_of
from sluicegate.serving.operator.objects.takeover import takeover_patch
from sluicegate.serving.operator.observing import key_of_deployment, key_of_object, unmade
from sluicegate.serving.reconcile.workloads import Replica


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What kept a manifest from being so."""

    manifest: JSON
    error: ClusterError

    @property
    def server(self) -> Replica:
        """A server that should be and is not, with the reason in its words: so it stands in the status."""
        kind, name = key_of(self.manifest)
        key = key_of_deployment(self.manifest) if kind == "Deployment" else key_of_object(self.manifest)
        return unmade(key, f"{kind} {name!r} is refused: {self.error}")


class Applier:
    """``apply`` is the whole of it."""

    def __init__(self, cluster: Cluster, caches: Caches) -> None:
        self._cluster, self._caches = cluster, caches

    async def apply(self, missing: Iterable[JSON], live: Mapping[ObjectKey, JSON], owner: JSON) -> tuple[Trouble, ...]:
        """Make each manifest so. ``live`` are the objects there are, ``owner`` the SeldonDeployment's metadata."""
        troubles = []
        for manifest in missing:
            try:
                await self._one(manifest, live.get(key_of(manifest)), owner)
            except ClusterError as error:
                troubles.append(Trouble(manifest=manifest, error=error))
        return tuple(troubles)

    async def _one(self, manifest: JSON, live: JSON | None, owner: JSON) -> None:
        if live is not None and is_others(live, owner):
            raise RefusedError("another controller owns the object of this name; rename it, or the deployment")
        if live is not None and must_be_replaced(manifest, live):
            await self._cluster.delete(live)
        elif live is not None and APPLIED_ANNOTATION not in (live["metadata"].get("annotations") or {}):
            await self._take_over(live)
        self._caches.learn(await self._cluster.apply(manifest))

    async def _take_over(self, live: JSON) -> None:
        meta = live["metadata"]
        fresh = await self._cluster.get(resource_of(live), meta["namespace"], meta["name"])
        patch = takeover_patch(fresh)
        if patch:
            await self._cluster.patch_json(live, patch)
