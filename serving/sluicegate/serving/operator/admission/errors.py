"""What can go wrong at the webhook itself; what is wrong with a reviewed object is no error here but an answer.

* OperatorError
  x BrokenReviewError       the body is no AdmissionReview of a kind that this path reviews
  x UnusableFilesError      the certificate's files are missing or broken
"""

from sluicegate.serving.operator.errors import OperatorError


class BrokenReviewError(OperatorError):
    """The body is no AdmissionReview of a kind that this path reviews."""


class UnusableFilesError(OperatorError):
    """The certificate's files are missing or broken."""
