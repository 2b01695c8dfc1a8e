"""From a path to what it names: the table of served kinds."""

from collections.abc import Iterable

from sluicegate.serving.local.api.errors import RequestError
from sluicegate.serving.local.api.requests import Target
from sluicegate.serving.local.kinds import Kind


class Targets:
    """All served kinds, found by the parts of a path."""

    def __init__(self, kinds: Iterable[Kind]) -> None:
        self.kinds = tuple(kinds)
        self._by_path = {(kind.group, version, kind.plural): kind for kind in self.kinds for version in kind.versions}

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Versions by group, preferred first; the core group is the empty one."""
        versions: dict[str, tuple[str, ...]] = {}
        for kind in self.kinds:
            known = versions.get(kind.group, ())
            versions[kind.group] = known + tuple(version for version in kind.versions if version not in known)
        return versions

    def of_version(self, group: str, version: str) -> tuple[Kind, ...]:
        """The kinds of one group and version."""
        return tuple(kind for kind in self.kinds if kind.group == group and version in kind.versions)

    def find(self, path: str) -> Target:
        """What ``/api/v1/…`` or ``/apis/<group>/<version>/…`` names. Raises RequestError when there is no such."""
        parts = path.strip("/").split("/")
        group, version, *rest = ["", *parts[1:], ""] if parts[0] == "api" else [*parts[1:], "", ""]
        rest = [part for index, part in enumerate(rest) if part or any(rest[index:])]
        namespace = None
        if len(rest) > 2 and rest[0] == "namespaces" and (group, version, rest[2]) in self._by_path:
            namespace, rest = rest[1], rest[2:]
        plural, name, subresource, *more = [*rest, "", "", ""][: max(3, len(rest))]
        kind = self._by_path.get((group, version, plural))
        if kind is None or more or (name and kind.namespaced and namespace is None):
            raise _no_such_path()
        if (namespace is not None and not kind.namespaced) or (subresource and subresource not in kind.subresources):
            raise _no_such_path()
        return Target(kind=kind, version=version, namespace=namespace, name=name, subresource=subresource)


def _no_such_path() -> RequestError:
    return RequestError("NotFound", "the server could not find the requested resource")
