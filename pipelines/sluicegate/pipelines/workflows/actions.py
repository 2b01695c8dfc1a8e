"""The actions of a resource template on a Kubernetes API, through the product's client."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sluicegate.serving.client.errors import ConflictError, NotFoundError
from sluicegate.serving.client.objects import Objects

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ApiActions:
    """``ObjectActions`` on the API of KUBECONFIG. ``apply`` creates the object, or merges into the one there."""

    reach: Callable[[], Objects]
    """Opens the API, when a workflow first needs it."""
    namespace: str = "default"

    def act(self, action: str, manifest: JSON) -> JSON:
        """Do the action; raises ClientError with the server's words."""
        kind, metadata = str(manifest["kind"]), manifest["metadata"]
        name, namespace = str(metadata["name"]), str(metadata.get("namespace", self.namespace))
        document = {**manifest, "metadata": {"namespace": namespace, **metadata}}
        if action == "create":
            return self.reach().create(document)
        if action == "patch" or (action == "apply" and self._exists(kind, name, namespace)):
            return self.reach().patch(kind, name, document, namespace)
        if action == "apply":
            return self._created_or_patched(kind, name, document, namespace)
        found = self.reach().get(kind, name, namespace)
        if action == "delete":
            self.reach().delete(kind, name, namespace)
        return found

    def _exists(self, kind: str, name: str, namespace: str) -> bool:
        try:
            self.reach().get(kind, name, namespace)
        except NotFoundError:
            return False
        return True

    def _created_or_patched(self, kind: str, name: str, document: JSON, namespace: str) -> JSON:
        """Create; when somebody else just did, merge into theirs."""
        try:
            return self.reach().create(document)
        except ConflictError:
            return self.reach().patch(kind, name, document, namespace)
