"""Brings a first release into being through the API, and waits until the gateway sends it requests."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sluicegate.components.deployment.manifest import Release, deployment_of, served_digests
from sluicegate.components.errors import NotTheSameError, ServiceUnreachableError
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.metadata import JSON
from sluicegate.serving.api.seldon_deployment import KIND, SeldonDeployment
from sluicegate.serving.client.errors import ConflictError, NotFoundError

_INTERVAL_SECONDS = 0.2


class Deployments(Protocol):
    """What this room needs of the API."""

    def get(self, kind: str, name: str, *, namespace: str = ...) -> JSON:
        """One object."""

    def create(self, body: JSON) -> JSON:
        """A new object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Releases:
    """First releases through an API. ``clock`` is monotonic seconds."""

    objects: Deployments
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], Any] = time.sleep

    def ensure(self, release: Release) -> bool:
        """Create the deployment unless it serves this very bundle already. Returns whether it was created.

        Raises:
            NotTheSameError: it exists and serves something else.

        """
        found = self.find(release.deployment, release.namespace)
        if found is None:
            try:
                self.objects.create(deployment_of(release))
            except ConflictError:
                found = self.find(release.deployment, release.namespace)
            else:
                return True
        served = served_digests(found or {})
        if served != [release.bundle.digest]:
            raise NotTheSameError(
                f"deployment {release.deployment!r} in {release.namespace!r} serves {', '.join(served) or 'nothing'}, "
                f"not {release.bundle.digest}; use a rollout to replace what serves"
            )
        return False

    def find(self, name: str, namespace: str) -> JSON | None:
        """The deployment, or None."""
        try:
            return self.objects.get(KIND, name, namespace=namespace)
        except NotFoundError:
            return None

    def wait_available(self, name: str, namespace: str, *, timeout: float) -> SeldonDeployment:
        """Wait until it is served as it stands.

        Raises:
            ServiceUnreachableError: it failed, or is not available in time; says how it stands.

        """
        end = self.clock() + timeout
        while True:
            found = decode(self.find(name, namespace) or {}, SeldonDeployment)
            status = found.status
            if status.state == "Available" and status.observed_generation >= found.metadata.generation:
                return found
            if status.state == "Failed" or self.clock() >= end:
                raise ServiceUnreachableError(
                    f"deployment {name!r} is {status.state} after {timeout:g} s at most: "
                    f"{status.description or 'no description'}"
                )
            self.pause(_INTERVAL_SECONDS)
