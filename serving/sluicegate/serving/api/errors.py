"""What can be wrong with an object.

* ApiError
  x InvalidObjectError   the object breaks rules; carries every FieldError found
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FieldError:
    """One broken rule: where (``spec.predictors[0].traffic``), what was found, what is expected."""

    path: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.path}: {self.detail}"

    @property
    def detail(self) -> str:
        """What was found and what is expected, without the place."""
        found = f"found {self.found}; " if self.found else ""
        return f"{found}expected {self.expected}"


class ApiError(Exception):
    """Root of this room's errors."""


class InvalidObjectError(ApiError):
    """The object breaks one or more rules."""

    def __init__(self, kind: str, name: str, errors: tuple[FieldError, ...]) -> None:
        self.kind, self.name, self.errors = kind, name, errors
        super().__init__(f"{kind} {name!r} is invalid: " + "; ".join(map(str, errors)))
