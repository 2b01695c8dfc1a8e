"""A request to the API server in the words of its access control: verb, resource, subresource. Pure.

The client sends nothing that is no such request, so what an operator used can be counted and held beside its rights.
"""

from dataclasses import dataclass
from typing import Literal

from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.resources import Resource, resource_of

Verb = Literal["get", "list", "watch", "create", "update", "patch", "delete", "discover"]
_METHODS: dict[Verb, str] = {"create": "POST", "update": "PUT", "patch": "PATCH", "delete": "DELETE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """``namespace`` None means all; ``name`` is empty where many are meant, or a new one."""

    verb: Verb
    resource: Resource
    namespace: str | None = None
    name: str = ""
    subresource: str = ""
    dry_run: bool = False

    @property
    def method(self) -> str:
        """Of HTTP."""
        return _METHODS.get(self.verb, "GET")

    @property
    def path(self) -> str:
        """Below the API server."""
        if self.verb == "discover":
            return self.resource.path(None).rpartition("/")[0]
        found = self.resource.path(self.namespace, self.name)
        return f"{found}/{self.subresource}" if self.subresource else found

    @property
    def kind(self) -> str:
        """The resource as ``kubectl`` names it: ``seldondeployments.machinelearning.seldon.io/status``."""
        group = f".{self.resource.group}" if self.resource.group else ""
        return f"{self.resource.plural}{group}" + (f"/{self.subresource}" if self.subresource else "")


def about(verb: Verb, obj: JSON, *, subresource: str = "", dry_run: bool = False) -> Request:
    """A request about one object."""
    meta = obj["metadata"]
    return Request(
        verb=verb,
        resource=resource_of(obj),
        namespace=meta.get("namespace"),
        name="" if verb == "create" else meta["name"],
        subresource=subresource,
        dry_run=dry_run,
    )
