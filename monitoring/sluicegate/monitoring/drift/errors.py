"""What can be wrong with a reference profile.

DriftError
└── ProfileError    rows from which no profile can be made, or a document that is none
"""


class DriftError(Exception):
    """Anything that drift detection refuses."""


class ProfileError(DriftError):
    """Says which column or block is wrong, and what is needed."""
