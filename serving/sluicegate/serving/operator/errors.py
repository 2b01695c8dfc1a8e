"""What can go wrong in the operator.

* OperatorError
  x NotRenderableError   a predictor asks for something that this installation has no image for
  x InstallationRefusedError   a setting of the operator cannot be read
"""


class OperatorError(Exception):
    """Root of this room's errors."""


class NotRenderableError(OperatorError):
    """A predictor cannot become Kubernetes objects; the sentence says which setting or field would help."""


class InstallationRefusedError(OperatorError):
    """A setting is not what it has to be."""
