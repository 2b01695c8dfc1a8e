"""A store in memory, and a death that can strike before any write."""

from itertools import count

import msgspec

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.local.errors import AlreadyExistsError, ConflictError, NotFoundError


class Killed(BaseException):
    """The process that was about to write is gone."""


class Death:
    """Strikes at the n-th act from now; shared by all rims of one process."""

    def __init__(self) -> None:
        self.in_acts: int | None = None

    def act(self) -> None:
        """Something is about to be done to the world."""
        if self.in_acts is None:
            return
        self.in_acts -= 1
        if self.in_acts < 0:
            self.in_acts = None
            raise Killed


class FakeStore:
    """Implements ``local.ports.ObjectStore`` with the rules that the controller relies on."""

    def __init__(self, death: Death | None = None) -> None:
        self.objects: dict[tuple[str, str, str], JSON] = {}
        self.death = death or Death()
        self._version = 0
        self._uids = count(1)
        self.writes = 0
        self.full = False

    def list(self, kind: str, namespace: str | None = None) -> list[JSON]:
        """Objects of a kind."""
        found = (obj for key, obj in sorted(self.objects.items()) if key[0] == kind and namespace in (None, key[1]))
        return [_copied(obj) for obj in found]

    def get(self, kind: str, name: str, namespace: str = "default") -> JSON:
        """One object."""
        return _copied(self.objects[kind, namespace, name])

    def create(self, obj: JSON) -> JSON:
        """Store a new object."""
        key = _key(obj)
        if key in self.objects:
            raise AlreadyExistsError(*key)
        born = {"uid": f"uid-{next(self._uids)}", "generation": 1, "namespace": key[1]}
        # Times must differ so that order is known; the real clock has whole seconds.
        born["creationTimestamp"] = f"2026-01-01T00:{self._version // 60 % 60:02}:{self._version % 60:02}Z"
        return self._put(key, {**obj, "metadata": {**born, **obj["metadata"]}})

    def replace(self, obj: JSON) -> JSON:
        """Store all of it."""
        old = self._current(obj)
        grown = int(old["metadata"]["generation"]) + (old.get("spec") != obj.get("spec"))
        # As the real ones do: who it is is nobody's to write.
        kept = {name: old["metadata"][name] for name in ("uid", "creationTimestamp") if name in old["metadata"]}
        return self._put(_key(obj), {**obj, "metadata": {**obj["metadata"], **kept, "generation": grown}})

    def replace_status(self, obj: JSON) -> JSON:
        """Store its status."""
        return self._put(_key(obj), {**self._current(obj), "status": obj["status"]})

    def delete(self, kind: str, name: str, namespace: str = "default") -> None:
        """Forget it."""
        self._version += 1
        del self.objects[kind, namespace, name]

    def version(self) -> int:
        """Grows with each write."""
        return self._version

    def _current(self, obj: JSON) -> JSON:
        key = _key(obj)
        if key not in self.objects:
            raise NotFoundError(*key)
        old = self.objects[key]
        if obj["metadata"].get("resourceVersion") not in (None, old["metadata"]["resourceVersion"]):
            raise ConflictError(*key, "it changed")
        return old

    def _put(self, key: tuple[str, str, str], obj: JSON) -> JSON:
        self.death.act()
        if self.full:
            raise ConflictError(*key, "the disk is full")
        self._version += 1
        self.writes += key[0] != "Event"
        stored = _copied({**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self._version)}})
        self.objects[key] = stored
        return _copied(stored)


def _copied(obj: JSON) -> JSON:
    """As the real ones hand objects out: from their text, which also takes a quarter of ``deepcopy``'s time."""
    copied: JSON = msgspec.json.decode(msgspec.json.encode(obj))
    return copied


def _key(obj: JSON) -> tuple[str, str, str]:
    return (str(obj["kind"]), str(obj["metadata"].get("namespace", "default")), str(obj["metadata"]["name"]))
