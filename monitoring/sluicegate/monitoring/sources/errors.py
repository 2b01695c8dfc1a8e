"""Why a figure could not be had. Never mistaken for "nothing happened": no source returns zeros instead.

* SourceError
  x UnreachableError   nobody answered; try again, or start what should answer
  x RefusedError       the question is wrong: unknown deployment, bad parameter
  x MalformedError     something answered, but not what we ask for
"""


class SourceError(Exception):
    """Root of this room's errors."""


class UnreachableError(SourceError):
    """Nobody answered in time."""


class RefusedError(SourceError):
    """The source understood and says that the question is wrong."""


class MalformedError(SourceError):
    """The answer is not of the form that was asked for."""
