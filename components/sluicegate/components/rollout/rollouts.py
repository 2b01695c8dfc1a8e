"""The ModelRollout as a workflow sees it: read it, write what is wanted, wait until it is so.

Every write carries the epoch and a new renewal, so that each of them renews the lease too, and the API can refuse those
of a workflow whose time is over. Used by all steps of this room; ``Objects`` is the only way to the API.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from sluicegate.components.rollout.errors import NotSoInTimeError, RolloutEndedError, RolloutRefusedError
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.metadata import PAUSED_ANNOTATION
from sluicegate.serving.api.model_rollout import TERMINAL_PHASES, ModelRollout
from sluicegate.serving.client.errors import ClientError, ConflictError, NotFoundError, RefusedError
from sluicegate.serving.client.objects import Objects
from sluicegate.serving.client.patience import patiently

KIND = "ModelRollout"
_GOING_BACK = TERMINAL_PHASES | {"Aborting"}
_INTERVAL_SECONDS = 0.1
HANDOVER_SECONDS = 30.0
"""Lease that a step leaves behind: the next one's process (on a cluster: its pod) has to start meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollouts:
    """One rollout, read and written through the API."""

    objects: Objects
    name: str
    namespace: str

    def find(self) -> ModelRollout | None:
        """The rollout, or None when there is none of this name. An API that does not answer is asked again."""
        return patiently(self._find_now, seconds=HANDOVER_SECONDS)

    def read(self) -> ModelRollout:
        """The rollout; raises RolloutEndedError when somebody deleted it. An API that does not answer is asked again.

        It is for the first words of a step; who looks again anyway asks ``read_now``.
        """
        return patiently(self.read_now, seconds=HANDOVER_SECONDS)

    def read_now(self) -> ModelRollout:
        """As ``read``, and raises UnreachableError at once."""
        found = self._find_now()
        if found is None:
            raise RolloutEndedError(f"rollout {self.name!r} in namespace {self.namespace!r} does not exist any more")
        return found

    def _find_now(self) -> ModelRollout | None:
        try:
            return decode(self.objects.get(KIND, self.name, namespace=self.namespace), ModelRollout)
        except NotFoundError:
            return None

    def desire(self, epoch: str, **changes: Any) -> ModelRollout:
        """Write fields of ``spec.desired`` (camelCase names); raises RolloutRefusedError with the API's reason.

        An API that does not answer is asked again while the lease that the last step left may still last.
        """
        try:
            return patiently(lambda: self._write(epoch, changes), seconds=HANDOVER_SECONDS, also=(ConflictError,))
        except RefusedError as error:
            raise RolloutRefusedError(f"rollout {self.name!r}: {error}") from error

    def pause(self, because: str) -> None:
        """Hold the rollout where it is, until a person says otherwise; ``because`` is for that person."""
        patch = {"metadata": {"annotations": {PAUSED_ANNOTATION: because}}, "spec": {"paused": True}}
        patiently(lambda: self.objects.patch(KIND, self.name, patch, namespace=self.namespace))

    def _write(self, epoch: str, changes: dict[str, Any]) -> ModelRollout:
        renewal = self.read_now().spec.desired.renewal + 1
        patch = {"spec": {"desired": {**changes, "epoch": epoch, "renewal": renewal}}}
        return decode(self.objects.patch(KIND, self.name, patch, namespace=self.namespace), ModelRollout)

    def wait(
        self, condition: Callable[[ModelRollout], bool], *, timeout: float, what: str, until_over: bool = False
    ) -> ModelRollout:
        """Poll until ``condition`` holds.

        Raises RolloutEndedError when the rollout goes back meanwhile (unless ``until_over``: that is what we wait for),
        NotSoInTimeError after ``timeout`` seconds. An API that does not answer is asked again until then: a control
        plane may be restarted at any moment.
        """
        end = time.monotonic() + timeout
        last = "the API did not answer"
        while time.monotonic() < end:
            try:
                found = self.read_now()
            except RolloutEndedError:
                raise
            except ClientError as error:
                last = str(error)
            else:
                if condition(found):
                    return found
                if found.status.phase in _GOING_BACK and not until_over:
                    ended(found)
                last = f"it is {found.status.phase}, traffic {found.status.traffic}: {found.status.message}"
            time.sleep(_INTERVAL_SECONDS)
        raise NotSoInTimeError(f"rollout {self.name!r}: not {what} within {timeout:g} s; {last}")

    def wait_over(self, *, timeout: float) -> ModelRollout:
        """Wait until the rollout is over; raises RolloutEndedError when its workflow ended before it began."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            try:
                found = self._find_now()
                if found is not None and found.status.phase in TERMINAL_PHASES:
                    return found
                if found is None and (failure := self._workflow_failure()):
                    raise RolloutEndedError(f"rollout {self.name!r} was never begun: {failure}")
            except ClientError:
                pass  # a control plane may be restarted at any moment; the deadline bounds this
            time.sleep(0.5)
        raise NotSoInTimeError(f"rollout {self.name!r}: not over within {timeout:g} s")

    def _workflow_failure(self) -> str:
        status = self.objects.get("Workflow", self.name, namespace=self.namespace).get("status", {})
        return str(status.get("message", "it failed")) if status.get("phase") in {"Failed", "Error"} else ""


def ended(rollout: ModelRollout) -> NoReturn:
    """Raise RolloutEndedError with the rollout's own reason."""
    status = rollout.status
    raise RolloutEndedError(f"rollout {rollout.metadata.name!r} is {status.phase} ({status.reason}): {status.message}")
