"""What can go wrong when we ask somebody else.

* ClientError
  x NotFoundError       no such object, kind or deployment
  x ConflictError       somebody else wrote meanwhile, or the name is taken: read again, decide again
  x RefusedError        the server says no, and why; asking again will not help
  x UnreachableError    nobody answered: says where we asked and what to check; asking again may help
  x DeadlineError       it did not come to be in time; carries what was seen last
  x BatchRefusedError   a file that cannot be read, asked or written as wanted; says which, where, and what to do
  x MissingExtraError   an optional library is not installed; names the extra
"""


class ClientError(Exception):
    """Root of this room's errors."""


class NotFoundError(ClientError):
    """No such object."""


class ConflictError(ClientError):
    """Somebody else wrote meanwhile, or the name is taken."""


class RefusedError(ClientError):
    """The server says no."""


class UnreachableError(ClientError):
    """Nobody answered."""


class DeadlineError(ClientError):
    """It did not come to be in time."""


class BatchRefusedError(ClientError):
    """A batch cannot be run so."""


class MissingExtraError(ClientError):
    """An optional library is not installed."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"{library} is not installed; it comes with an extra: pip install 'sluicegate[{extra}]'")
