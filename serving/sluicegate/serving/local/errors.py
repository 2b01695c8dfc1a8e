"""What can go wrong in the embedded plane.

* LocalError
  x StoreError
    + NotFoundError        no such object
    + AlreadyExistsError   the name is taken
    + ConflictError        the object changed since it was read: read it again, apply the change again
    + ExpiredError         the history asked for is no longer kept: list again, watch from there
    + StorageError         SQLite cannot write or read its file: disk full, not ours, from a newer release
  x SpecError              a process cannot be run as it is described
  x PortsExhaustedError    no port is left for a server
"""

from pathlib import Path


class LocalError(Exception):
    """Root of this room's errors."""


class StoreError(LocalError):
    """The store did not do what was asked; nothing was changed."""


class ObjectError(StoreError):
    """Something about one object."""

    def __init__(self, kind: str, namespace: str, name: str, message: str) -> None:
        self.kind, self.namespace, self.name = kind, namespace, name
        super().__init__(message)


class NotFoundError(ObjectError):
    """No such object."""

    def __init__(self, kind: str, namespace: str, name: str) -> None:
        super().__init__(kind, namespace, name, f"{kind} {name!r} not found in namespace {namespace!r}")


class AlreadyExistsError(ObjectError):
    """The name is taken."""

    def __init__(self, kind: str, namespace: str, name: str) -> None:
        super().__init__(kind, namespace, name, f"{kind} {name!r} already exists in namespace {namespace!r}")


class ConflictError(ObjectError):
    """The object is not what the writer thought: it changed, or it is another one of the same name."""

    def __init__(self, kind: str, namespace: str, name: str, because: str) -> None:
        super().__init__(
            kind, namespace, name, f"{kind} {name!r} in namespace {namespace!r}: {because}; read it again and retry"
        )


class ExpiredError(StoreError):
    """The history from this version on is no longer kept (or was never written here)."""

    def __init__(self, since: int, oldest: int, newest: int) -> None:
        self.since, self.oldest, self.newest = since, oldest, newest
        super().__init__(
            f"too old resource version: {since} (kept: {oldest} to {newest})"
            if since < oldest
            else f"resource version {since} was never given out here (newest: {newest}); list again"
        )


class StorageError(StoreError):
    """SQLite refused; the store still holds what was acknowledged before."""

    def __init__(self, path: Path, because: str, remedy: str) -> None:
        self.path = path
        super().__init__(f"{path}: {because}; {remedy}")


class SpecError(LocalError):
    """A process is described so that it cannot be run; the message says what is expected."""


class PortsExhaustedError(LocalError):
    """Every port of our range is in use."""
