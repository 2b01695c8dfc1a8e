"""What can go wrong between the operator and its cluster.

* OperatorError
  x ClusterError
    + NotFoundError        no such object, or the kind is not served here
    + ConflictError        somebody else wrote meanwhile, or the name is taken: read again, decide again
    + ExpiredError         the history asked for is no longer kept: list again, watch from there
    + RefusedError         the API server, a webhook or a quota says no, and why; the same again will not help
    + UnreachableError     nobody answered, or the server is in trouble; asking again may help
  x LeadershipLostError    another replica leads now; this one must not write any more
  x NotRenderableError     a predictor asks for something that this installation has no image for
  x SettingsRefusedError   a setting cannot be read: says which, what was found, what is expected
"""


class OperatorError(Exception):
    """Root of this room's errors."""


class ClusterError(OperatorError):
    """The API server did not do what was asked."""


class NotFoundError(ClusterError):
    """No such object or kind."""


class ConflictError(ClusterError):
    """Somebody else wrote meanwhile, or the name is taken."""


class ExpiredError(ClusterError):
    """The history from this version on is no longer kept."""


class RefusedError(ClusterError):
    """The API server says no. ``causes`` has its field paths with their messages."""

    def __init__(self, message: str, causes: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.causes = causes


class UnreachableError(ClusterError):
    """Nobody answered."""


class LeadershipLostError(OperatorError):
    """Another replica leads now."""


class NotRenderableError(OperatorError):
    """A predictor asks for something that this installation has no image for."""


class SettingsRefusedError(OperatorError):
    """A setting cannot be read."""
