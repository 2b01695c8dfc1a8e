"""The detector of a profile that a server announced: the drift room's."""

import logging

from sluicegate.monitoring.collector.drift_watch import DriftDetector
from sluicegate.monitoring.drift.detector import Detector
from sluicegate.monitoring.drift.errors import DriftError
from sluicegate.monitoring.drift.profile import decode

LOG = logging.getLogger(__name__)


def make_detector(profile: bytes) -> DriftDetector | None:
    """A detector for the profile (JSON); None, and a line in the log, when it cannot be read."""
    try:
        return Detector(decode(profile))
    except DriftError as error:
        LOG.warning("a model's drift is not watched: %s", error)
        return None
