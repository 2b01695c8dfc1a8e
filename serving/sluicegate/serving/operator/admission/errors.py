"""What can go wrong at the webhook itself; what is wrong with a reviewed object is no error here but an answer.

* AdmissionError
  x BrokenReviewError       the body is no AdmissionReview of a kind that this path reviews
  x UnreachableError        the API server did not answer what was asked of it
  x ConflictError           another replica wrote first
  x UnusableFilesError      the certificate's files are missing or broken
"""


class AdmissionError(Exception):
    """Root of this room's errors."""


class BrokenReviewError(AdmissionError):
    """The body is no AdmissionReview of a kind that this path reviews."""


class UnreachableError(AdmissionError):
    """The API server did not answer what was asked of it."""


class ConflictError(AdmissionError):
    """Another replica wrote first: read again."""


class UnusableFilesError(AdmissionError):
    """The certificate's files are missing or broken."""
