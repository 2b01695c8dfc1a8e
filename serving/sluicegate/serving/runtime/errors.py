"""What can go wrong in a model, and who is to blame; the server's table knows the HTTP statuses.

* ModelError
  x ModelFailedError       the model raised: its own fault
  x RequestRejectedError   the model's author rejects this request, with a status and a reason of his choice
  x AnsweredError          the model's author answers this failure himself, in words of his own
  x BadReportError         metrics() or tags() returned something that is neither
"""


class ModelError(Exception):
    """Root of this room's errors."""


class ModelFailedError(ModelError):
    """The model raised; the message names the unit and the cause."""

    def __init__(self, unit: str, cause: BaseException) -> None:
        self.unit = unit
        text = str(cause).strip()
        super().__init__(f"unit {unit!r} raised {type(cause).__name__}" + (f": {text[:2000]}" if text else ""))


class RequestRejectedError(ModelError):
    """A Python class may raise this: the caller's fault, answered with ``status`` (4xx or 5xx) and ``reason``.

    Exceptions of another library with ``status_code`` and ``reason`` (Seldon's own) are understood as this one.
    """

    def __init__(self, message: str, status_code: int = 400, reason: str = "MICROSERVICE_BAD_DATA") -> None:
        self.status_code, self.reason = status_code, reason
        super().__init__(message)


class BadReportError(ModelError):
    """``metrics()`` or ``tags()`` of a Python class returned something else; ``reason`` is Seldon's word for it."""

    def __init__(self, message: str, reason: str) -> None:
        self.reason = reason
        super().__init__(message)


class AnsweredError(ModelError):
    """A failure whose whole answer the author of the class wrote: it goes to the client as it is."""

    def __init__(self, status: int, body: bytes, content_type: bytes) -> None:
        self.status, self.body, self.content_type = status, body, content_type
        super().__init__(body.decode(errors="replace")[:2000])
