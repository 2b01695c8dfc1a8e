"""What the API answers when it does not do what was asked.

* LocalError
  x RequestError   carries the ``Status`` object of the answer
"""

from collections.abc import Iterable

from sluicegate.serving.api.errors import FieldError
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.refusals import invalid_status
from sluicegate.serving.local.errors import (
    AlreadyExistsError,
    ConflictError,
    ExpiredError,
    LocalError,
    NotFoundError,
    StoreError,
)
from sluicegate.serving.local.kinds import Kind

_CODES = {
    "BadRequest": 400,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "NotAcceptable": 406,
    "AlreadyExists": 409,
    "Conflict": 409,
    "Expired": 410,
    "RequestEntityTooLarge": 413,
    "UnsupportedMediaType": 415,
    "Invalid": 422,
    "InternalError": 500,
    "InsufficientStorage": 507,
}


class RequestError(LocalError):
    """The request is refused; ``reason`` is Kubernetes' word for why, which decides the status code."""

    def __init__(self, reason: str, message: str, details: JSON | None = None) -> None:
        self.reason, self.details, self.code = reason, details, _CODES[reason]
        super().__init__(message)

    def status(self) -> JSON:
        """The answer's ``Status`` object."""
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": str(self)}
        details = {"details": self.details} if self.details else {}
        return status | {"reason": self.reason} | details | {"code": self.code}


def details_of(kind: Kind, name: str | None, **more: object) -> JSON:
    """Which object a Status is about."""
    named = {"name": name} if name else {}
    return named | {"group": kind.group, "kind": kind.plural} | more


def bad_request(message: str) -> RequestError:
    """The request makes no sense."""
    return RequestError("BadRequest", message)


def not_found(kind: Kind, name: str) -> RequestError:
    """No such object."""
    return RequestError("NotFound", f'{kind.resource} "{name}" not found', details_of(kind, name))


def invalid(kind: Kind, name: str, errors: Iterable[FieldError]) -> RequestError:
    """The object breaks rules: every one is a cause with its field."""
    status = invalid_status(kind.group, kind.kind, name, errors)
    return RequestError("Invalid", status["message"], status["details"])


def translated(error: StoreError, kind: Kind) -> RequestError:
    """The store's refusal in Kubernetes' words."""
    if isinstance(error, NotFoundError):
        return not_found(kind, error.name)
    if isinstance(error, AlreadyExistsError):
        words = f'{kind.resource} "{error.name}" already exists'
        return RequestError("AlreadyExists", words, details_of(kind, error.name))
    if isinstance(error, ConflictError):
        words = f'Operation cannot be fulfilled on {kind.resource} "{error.name}": the object has been modified'
        return RequestError(
            "Conflict",
            f"{words}; please apply your changes to the latest version and try again ({error})",
            details_of(kind, error.name),
        )
    if isinstance(error, ExpiredError):
        return RequestError("Expired", str(error))
    return RequestError("InsufficientStorage", str(error))
