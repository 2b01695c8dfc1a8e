"""Notices as Kubernetes Events, so that ``kubectl describe`` shows what was decided and why."""

import itertools
import logging

from sluicegate.serving.api.conditions import timestamp
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.errors import StoreError
from sluicegate.serving.local.ports import Clock, ObjectStore
from sluicegate.serving.reconcile.notices import Notice

COMPONENT = "sluicegate-controller"
_LOG = logging.getLogger(__name__)


class EventRecorder:
    """Stores one Event for each notice. News that cannot be stored is no reason to stop."""

    def __init__(self, store: ObjectStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._serial = itertools.count()

    def record(self, subject: JSON, notice: Notice) -> None:
        """Tell ``notice`` of the stored object ``subject``."""
        try:
            self._store.create(event_of(subject, notice, self._clock.now(), next(self._serial)))
        except StoreError as error:
            _LOG.info("event not stored: %s", error)


def event_of(subject: JSON, notice: Notice, now: float, serial: int) -> JSON:
    """The Event. ``now`` is in seconds since 1970; ``serial`` keeps names of one moment apart."""
    about = subject["metadata"]
    namespace = about.get("namespace") or "default"
    at = timestamp(now)
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{about['name']}.{int(now * 1e6):x}{serial:x}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": subject["apiVersion"],
            "kind": subject["kind"],
            "namespace": namespace,
            "name": about["name"],
            "uid": about.get("uid", ""),
        },
        "reason": notice.reason,
        "message": notice.message,
        "type": notice.type,
        "source": {"component": COMPONENT},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }
