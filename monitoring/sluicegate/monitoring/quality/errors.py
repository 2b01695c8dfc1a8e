"""What can be wrong with a payload.

* QualityError
  x PayloadError   a payload holds no table that we know how to read
"""


class QualityError(Exception):
    """Root of this room's errors."""


class PayloadError(QualityError):
    """A payload holds no table that we know how to read."""
