"""A cluster's objects as the reconciler reads them: one moment of two caches; a workflow is written through the API.

The reconciler blocks on MLflow and so runs on a thread; the caches live on the event loop. What it reads is therefore
taken before its pass, and the one write is handed to the loop.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.errors import AlreadyExistsError, StoreError
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.errors import ClusterError, ConflictError

_WRITE_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """``Objects`` of the reconciler, as they were when its pass began."""

    objects: Mapping[str, Sequence[JSON]]
    cluster: Cluster
    loop: asyncio.AbstractEventLoop

    def list(self, kind: str) -> list[JSON]:
        """All of a kind."""
        return list(self.objects.get(kind, ()))

    def create(self, obj: JSON) -> JSON:
        """A new object, from the reconciler's thread. Raises AlreadyExistsError and StoreError."""
        meta = obj["metadata"]
        waiting = asyncio.run_coroutine_threadsafe(self.cluster.create(obj), self.loop)
        try:
            return waiting.result(_WRITE_SECONDS)
        except ConflictError as error:
            raise AlreadyExistsError(str(obj["kind"]), meta["namespace"], meta["name"]) from error
        except (ClusterError, TimeoutError) as error:
            raise StoreError(str(error) or f"no answer within {_WRITE_SECONDS:g} s") from error
