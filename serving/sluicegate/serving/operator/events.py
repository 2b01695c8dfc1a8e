"""Notices as Kubernetes Events, so that ``kubectl describe`` shows what was decided and why.

What was told of an object last is not told again: a look is made for every change.
"""

import itertools
import logging
from collections.abc import Callable

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.operator.cluster.client import Cluster
from sluicegate.serving.operator.errors import ClusterError
from sluicegate.serving.reconcile.notices import Notice, event_of

COMPONENT = "sluicegate-operator"
_REMEMBERED = 10_000
_LOG = logging.getLogger(__name__)


class EventRecorder:
    """Writes one Event for each notice. News that cannot be written is no reason to stop."""

    def __init__(self, cluster: Cluster, *, now: Callable[[], float]) -> None:
        self._cluster, self._now = cluster, now
        self._last: dict[str, Notice] = {}
        self._serial = itertools.count()

    async def record(self, subject: JSON, notice: Notice) -> None:
        """Tell ``notice`` of the stored object ``subject``."""
        uid = str(subject["metadata"].get("uid", ""))
        if self._last.get(uid) == notice:
            return
        if len(self._last) >= _REMEMBERED:
            self._last.clear()
        self._last[uid] = notice
        try:
            await self._cluster.create(event_of(subject, notice, self._now(), COMPONENT, next(self._serial)))
        except ClusterError as error:
            _LOG.info("event not written: %s", error)
