"""The webhook's ports by the operator's own client."""

import asyncio
from collections.abc import Sequence

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import CLUSTER_RESOURCES, RESOURCES
from sluicegate.serving.operator.admission.ports import Proof
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.errors import ConflictError, NotFoundError, RefusedError


class ClusterSecrets:
    """Secrets of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def get(self, namespace: str, name: str) -> JSON | None:
        """As it is now."""
        try:
            return await self._cluster.get(RESOURCES["Secret"], namespace, name)
        except NotFoundError:
            return None

    async def create(self, secret: JSON) -> None:
        """Store a new one."""
        await self._cluster.create(secret)

    async def replace(self, secret: JSON) -> None:
        """Store it if nobody else did."""
        try:
            await self._cluster.replace(secret)
        except NotFoundError as error:
            raise ConflictError(str(error)) from error


class ClusterWebhookConfigurations:
    """ValidatingWebhookConfigurations of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def get(self, name: str) -> JSON | None:
        """As it is now."""
        try:
            return await self._cluster.get(CLUSTER_RESOURCES["ValidatingWebhookConfiguration"], "", name)
        except NotFoundError:
            return None

    async def replace(self, configuration: JSON) -> None:
        """Store it if nobody else did."""
        await self._cluster.replace(configuration)


class ClusterDryRun:
    """Server-side apply as the controller does it, for trial, of all objects at once."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def apply(self, objects: Sequence[JSON]) -> Sequence[Proof]:
        """One proof for each; raises what is no refusal."""
        return await asyncio.gather(*(self._proof(each) for each in objects))

    async def _proof(self, obj: JSON) -> Proof:
        try:
            await self._cluster.apply(obj, dry_run=True)
        except RefusedError as error:
            return Proof(object=obj, refusal=error)
        return Proof(object=obj)
