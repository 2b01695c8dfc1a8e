"""A model registry in memory, that can be down."""

from sluicegate.pipelines.triggers.errors import RegistryUnreachableError
from sluicegate.pipelines.triggers.registry_decisions import Tags


class FakeRegistry:
    """``Registry``: models with aliases, versions with tags; ``down`` refuses every call."""

    def __init__(self, versions: dict[tuple[str, str], dict[str, str]]) -> None:
        self.versions = versions
        self.pointed: dict[str, dict[str, str]] = {model: {} for model, _ in versions}
        self.down = False
        self.writes = 0

    def aliases(self) -> dict[str, dict[str, str]]:
        """A copy of them."""
        self._check()
        return {model: dict(aliases) for model, aliases in self.pointed.items()}

    def tags(self, model: str, version: str) -> dict[str, str] | None:
        """A copy of them."""
        self._check()
        found = self.versions.get((model, version))
        return None if found is None else dict(found)

    def set_alias(self, model: str, alias: str, version: str) -> None:
        """Point it."""
        self._check()
        self.writes += 1
        self.pointed[model][alias] = version

    def write_tags(self, model: str, version: str, tags: Tags) -> None:
        """Write or take away."""
        self._check()
        self.writes += 1
        for name, value in tags.items():
            if value is None:
                self.versions[model, version].pop(name, None)
            else:
                self.versions[model, version][name] = value

    def _check(self) -> None:
        if self.down:
            raise RegistryUnreachableError("MLflow at nowhere does not answer")
