"""The exception by which a class refuses a request with a status of its choice; there is no Flask here."""

from typing import Any


class SeldonMicroserviceException(Exception):  # noqa: N818  (Seldon's name)
    """Answered with ``status_code`` and ``reason``; ``message`` is what the client reads."""

    status_code = 400

    def __init__(
        self,
        message: str,
        status_code: int | None = None,
        payload: dict[str, Any] | None = None,
        reason: str = "MICROSERVICE_BAD_DATA",
    ) -> None:
        super().__init__(message)
        self.message, self.payload, self.reason = message, payload, reason
        if status_code is not None:
            self.status_code = status_code

    def to_dict(self) -> dict[str, Any]:
        """The body that Seldon's wrapper answers."""
        return {"status": {"status": 1, "info": self.message, "code": -1, "reason": self.reason}}
