"""What can be wrong with what travels; causes only, the server's table knows the HTTP statuses.

* ProtocolError
  x BadPayloadError       the request breaks the format; carries field, found, expected
  x BadAnswerError        what the model answered cannot be sent
    - NotCarriedError     it could be by another protocol
"""


class ProtocolError(Exception):
    """Root of this room's errors."""


class BadPayloadError(ProtocolError):
    """The request's body breaks the format: ``field`` (a path), what was ``found``, what is ``expected``."""

    def __init__(self, field: str, found: str, expected: str) -> None:
        self.field, self.found, self.expected = field, found, expected
        super().__init__(f"{field}: found {found}; expected {expected}")


class BadAnswerError(ProtocolError):
    """The model answered something that the format cannot carry."""


class NotCarriedError(BadAnswerError):
    """The model's answer is good, but the protocol that the client chose has no form for it."""


def shown(value: object, limit: int = 60) -> str:
    """A value as an error message shows it: JSON's names for types, long text cut."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value) if not isinstance(value, str) else f'"{value[: limit + 1]}"'
    return text if len(text) <= limit else text[:limit] + "…"
