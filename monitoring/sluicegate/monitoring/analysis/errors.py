"""What can be wrong with a record of a rollout.

AnalysisError
└── EvidenceError    a document is not the evidence that it claims to be
"""


class AnalysisError(Exception):
    """Anything that the analysis refuses."""


class EvidenceError(AnalysisError):
    """The evidence cannot be read, or its digest is not the one that was recorded."""
