"""The API's objects in a dictionary, for steps that get and create."""

from typing import Any

from sluicegate.serving.client.errors import ConflictError, NotFoundError, UnreachableError


class FakeObjects:
    """``Shelf`` of the rollout's steps. ``loses_answers``: creates, and then the line breaks."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.loses_answers = False

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
        """One object."""
        key = (kind, namespace or "default", name)
        if key not in self.kept:
            raise NotFoundError(f"{kind} {namespace}/{name}")
        return dict(self.kept[key])

    def create(self, obj: dict[str, Any]) -> dict[str, Any]:
        """A new object."""
        metadata = obj["metadata"]
        key = (obj["kind"], metadata["namespace"], metadata["name"])
        if key in self.kept:
            raise ConflictError(metadata["name"])
        self.kept[key] = obj
        if self.loses_answers:
            raise UnreachableError("the line broke")
        return obj
