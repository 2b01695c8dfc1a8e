"""Objects in memory, for resource templates."""

from typing import Any

JSON = dict[str, Any]


class FakeObjectActions:
    """Keeps what is created; ``get`` answers with it."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], JSON] = {}

    def act(self, action: str, manifest: JSON) -> JSON:
        """Do the action; a missing object is a LookupError."""
        key = (manifest["kind"], manifest["metadata"]["name"])
        if action in {"create", "apply"}:
            self.objects[key] = manifest
        if action == "patch":
            self.objects[key] = {**self.objects[key], **manifest}
        if key not in self.objects:
            raise LookupError(f"no {key[0]} {key[1]!r}")
        return self.objects.pop(key) if action == "delete" else self.objects[key]
