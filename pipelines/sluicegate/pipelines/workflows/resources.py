"""``resource`` templates: one action on an object of the Kubernetes API, then waiting for its conditions."""

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol

import yaml

from sluicegate.pipelines.workflows.conditions import matches
from sluicegate.pipelines.workflows.errors import ConditionError
from sluicegate.pipelines.workflows.leaves import LeafEnd, LeafRun
from sluicegate.pipelines.workflows.parts import Resource

JSON = dict[str, Any]


class ObjectActions(Protocol):
    """The actions of a resource template. Each returns the object; failures are exceptions with the server's words."""

    def act(self, action: str, manifest: JSON) -> JSON:
        """``get``, ``create``, ``apply``, ``patch`` or ``delete`` the object that the manifest names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """Runs resource templates against an API; conditions are looked at every ``interval`` seconds."""

    objects: ObjectActions
    interval: float = 0.5

    async def run(self, leaf: LeafRun) -> LeafEnd:
        """Act, then wait until a condition holds or the time-out is over."""
        resource = leaf.template.resource or Resource(action="get")
        try:
            async with asyncio.timeout(leaf.timeout):
                return await self._run(resource)
        except TimeoutError:
            return LeafEnd(phase="Failed", message=f"no condition held within {leaf.timeout:g} s")

    async def _run(self, resource: Resource) -> LeafEnd:
        try:
            manifest = yaml.safe_load(resource.manifest)
            found = await asyncio.to_thread(self.objects.act, resource.action, manifest)
            while (end := _verdict(resource, found)) is None:
                await asyncio.sleep(self.interval)
                found = await asyncio.to_thread(self.objects.act, "get", manifest)
        except ConditionError as error:
            return LeafEnd(phase="Error", message=str(error))
        except Exception as error:  # noqa: BLE001 - whatever the client raises is this node's failure, never the run's
            return LeafEnd(phase="Failed", message=f"{resource.action} of the resource failed: {error}")
        return end


def _verdict(resource: Resource, found: JSON) -> LeafEnd | None:
    if resource.failure_condition and matches(resource.failure_condition, found, every=False):
        return LeafEnd(phase="Failed", message=f"failure condition {resource.failure_condition!r} holds")
    if not resource.success_condition or matches(resource.success_condition, found, every=True):
        return LeafEnd(phase="Succeeded")
    return None
