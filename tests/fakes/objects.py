"""The API's objects in a dictionary, for steps that get, create and patch."""

from collections.abc import Callable
from typing import Any

from sluicegate.serving.client.errors import ConflictError, NotFoundError, UnreachableError

JSON = dict[str, Any]


class FakeObjects:
    """``Shelf`` of the rollout's steps. ``loses_answers``: creates, and then the line breaks."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], JSON] = {}
        self.loses_answers = False
        self.reads = 0
        self.patches: list[JSON] = []
        self.meanwhile: Callable[[JSON, int], object] = lambda _object, _reads: None
        """What others do to an object before its n-th read."""

    def get(self, kind: str, name: str, namespace: str | None = None) -> JSON:
        """One object."""
        key = (kind, namespace or "default", name)
        if key not in self.kept:
            raise NotFoundError(f"{kind} {namespace}/{name}")
        self.reads += 1
        self.meanwhile(self.kept[key], self.reads)
        return dict(self.kept[key])

    def patch(self, kind: str, name: str, patch: JSON, namespace: str | None = None) -> JSON:
        """Merged into the object, and remembered."""
        self.patches.append(patch)
        key = (kind, namespace or "default", name)
        self.kept[key] = merged(self.kept[key], patch)
        return dict(self.kept[key])

    def create(self, obj: JSON) -> JSON:
        """A new object."""
        metadata = obj["metadata"]
        key = (obj["kind"], metadata["namespace"], metadata["name"])
        if key in self.kept:
            raise ConflictError(metadata["name"])
        self.kept[key] = obj
        if self.loses_answers:
            raise UnreachableError("the line broke")
        return obj


def merged(old: JSON, patch: JSON) -> JSON:
    """A merge patch applied (without removals, which nobody here writes)."""
    return old | {
        key: merged(old.get(key, {}), value) if isinstance(value, dict) else value for key, value in patch.items()
    }
