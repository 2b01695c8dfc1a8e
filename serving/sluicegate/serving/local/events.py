"""Notices as Kubernetes Events, so that ``kubectl describe`` shows what was decided and why."""

import itertools
import logging

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.errors import StoreError
from sluicegate.serving.local.ports import Clock, ObjectStore
from sluicegate.serving.reconcile.notices import Notice, event_of

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
            self._store.create(event_of(subject, notice, self._clock.now(), COMPONENT, next(self._serial)))
        except StoreError as error:
            _LOG.info("event not stored: %s", error)
