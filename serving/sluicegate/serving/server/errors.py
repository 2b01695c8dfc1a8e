"""What can go wrong in the server itself, and the one table from causes to HTTP statuses.

* ServerError
  x SettingsRefusedError   the server does not start with these settings
  x NotReadyError          still loading, or draining
  x OverloadedError        the queue is full
  x TimedOutError          no answer within the limit
  x NoSuchModelError       a model or a version that is not served here
  x UnloadRefusedError     what is served stays until the server ends
"""

from dataclasses import dataclass
from math import ceil

from sluicegate.serving.graph.errors import BadRouteError, LateError, RemoteAnswerError, UnreachableError
from sluicegate.serving.protocol.errors import BadAnswerError, BadPayloadError, NotCarriedError
from sluicegate.serving.runtime.errors import BadReportError, ModelFailedError, RequestRejectedError

_LONGEST_RETRY = 60


class ServerError(Exception):
    """Root of this room's errors."""


class SettingsRefusedError(ServerError):
    """The server does not start; the message names the setting, what was found, what is expected."""


class NotReadyError(ServerError):
    """The server cannot answer yet, or no more."""


class OverloadedError(ServerError):
    """More wait than the queue holds; in ``retry_seconds`` those that wait should be through."""

    def __init__(self, message: str, retry_seconds: float = 1.0) -> None:
        super().__init__(message)
        self.retry_seconds = max(1, min(_LONGEST_RETRY, ceil(retry_seconds)))


class TimedOutError(ServerError):
    """The model did not answer in time."""


class NoSuchModelError(ServerError):
    """The client names a model, or a version of it, that is not served here."""


class UnloadRefusedError(ServerError):
    """A client wants to take away what others are served."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a failure is answered."""

    status: int
    reason: str


INTERNAL = Verdict(500, "MICROSERVICE_INTERNAL_ERROR")
STATUSES: dict[type[Exception], Verdict] = {
    BadPayloadError: Verdict(400, "MICROSERVICE_BAD_DATA"),
    BadAnswerError: INTERNAL,
    NotCarriedError: Verdict(406, "NOT_CARRIED"),
    BadRouteError: INTERNAL,
    ModelFailedError: INTERNAL,
    # As Seldon's executor tells both.
    RemoteAnswerError: INTERNAL,
    UnreachableError: INTERNAL,
    NoSuchModelError: Verdict(404, "NO_SUCH_MODEL"),
    UnloadRefusedError: Verdict(409, "NOT_UNLOADED"),
    NotReadyError: Verdict(503, "NOT_READY"),
    OverloadedError: Verdict(429, "OVERLOADED"),
    TimedOutError: Verdict(504, "TIMED_OUT"),
    LateError: Verdict(504, "TIMED_OUT"),
}


def retry_header(error: BaseException) -> bytes:
    """The header line that says when to come again, of an answer to what came too much."""
    return b"retry-after: %d\r\n" % error.retry_seconds if isinstance(error, OverloadedError) else b""


def verdict_of(error: BaseException) -> Verdict:
    """Status and reason of a failure; what nobody foresaw is 500."""
    if isinstance(error, RequestRejectedError):
        return Verdict(error.status_code, error.reason)
    if isinstance(error, BadReportError):
        return Verdict(500, error.reason)
    for kind in type(error).__mro__:
        if kind in STATUSES:
            return STATUSES[kind]
    return INTERNAL
