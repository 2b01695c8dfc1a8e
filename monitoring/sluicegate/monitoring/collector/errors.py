"""Why the collector refuses.

* CollectorError
  x SettingsError     an option or environment variable is wrong
  x QuestionError     a query parameter is wrong, or asks for what is not kept
    + UnknownDeploymentError   nothing was ever seen of it
    + UnknownEvidenceError     nobody ever kept evidence of that rollout here
  x OverloadedError   more is waiting to be written than the collector will hold; send it again later
  x StorageError      the disk or the database refuses
"""


class CollectorError(Exception):
    """Root of this room's errors."""


class SettingsError(CollectorError):
    """An option or environment variable is wrong."""


class QuestionError(CollectorError):
    """A query parameter is wrong, or asks for what is not kept."""


class UnknownDeploymentError(QuestionError):
    """Nothing was ever seen of the deployment."""


class UnknownEvidenceError(QuestionError):
    """Nobody ever kept evidence of that rollout here."""


class OverloadedError(CollectorError):
    """More is waiting to be written than the collector will hold."""


class StorageError(CollectorError):
    """The disk or the database refuses."""
