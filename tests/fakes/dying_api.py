"""An API that dies in the middle of a call, a few times, and then answers."""

from typing import Any

from sluicegate.serving.client.errors import ConflictError, NotFoundError, UnreachableError

JSON = dict[str, Any]


class DyingApi:
    """``silent``: how many calls get no answer; whether a creation among them was written is chosen."""

    def __init__(
        self, *, silent: int = 0, there: dict[str, JSON] | None = None, writes_before_it_dies: bool = False
    ) -> None:
        self.silent, self.there, self.writes_before_it_dies = silent, dict(there or {}), writes_before_it_dies

    def get(self, _kind: str, name: str, _namespace: str | None = None) -> JSON:
        """One object."""
        self._live()
        if name not in self.there:
            raise NotFoundError(name)
        return self.there[name]

    def create(self, document: JSON) -> JSON:
        """A new one."""
        name = document["metadata"]["name"]
        if self.silent and self.writes_before_it_dies:
            self.there[name] = document
        self._live()
        if name in self.there:
            raise ConflictError(name)
        self.there[name] = document
        return document

    def _live(self) -> None:
        if self.silent:
            self.silent -= 1
            raise UnreachableError("no answer")
