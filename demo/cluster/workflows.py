"""Workflows that Argo's controller runs: submitted, watched, and killed as a cluster can kill them."""

import json
import time
from dataclasses import dataclass

from demo.cluster.kubectl import Kubectl
from demo.ground import JSON, ClaimFailedError

_LONGEST = 600.0


def workflow(template: str, name: str, namespace: str, parameters: dict[str, str]) -> JSON:
    """The Workflow that ``argo submit --from workflowtemplate/TEMPLATE`` makes."""
    given = [{"name": key, "value": value} for key, value in parameters.items()]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"workflowTemplateRef": {"name": template}, "arguments": {"parameters": given}},
    }


@dataclass(frozen=True, slots=True)
class ClusterWorkflow:
    """One of them."""

    kubectl: Kubectl
    name: str

    def kill(self) -> None:
        """Take it and its pods away at once: no exit handler runs."""
        self.kubectl("delete", "workflow", self.name, "--wait=false")
        selector = f"workflows.argoproj.io/workflow={self.name}"
        self.kubectl("delete", "pods", "-l", selector, "--force", "--grace-period=0", "--wait=false")

    def wait(self) -> int:
        """Until it is over; 0 when it succeeded. Raises ClaimFailedError when that takes too long."""
        end = time.monotonic() + _LONGEST
        while (phase := self._status().get("phase", "")) not in {"Succeeded", "Failed", "Error"}:
            if time.monotonic() > end:
                raise ClaimFailedError(f"workflow {self.name} is {phase or 'not begun'} after {_LONGEST:.0f} s")
            time.sleep(0.5)
        return int(phase != "Succeeded")

    def end(self) -> None:
        """In order, if it still runs: its exit handler puts traffic back."""
        found = self.kubectl.run("get", "workflow", self.name, "-o", "json")
        if found.returncode == 0 and (json.loads(found.stdout).get("status") or {}).get("phase") == "Running":
            self.kubectl("patch", "workflow", self.name, "--type=merge", "-p", '{"spec":{"shutdown":"Stop"}}')

    def message(self) -> str:
        """What its nodes that failed said."""
        nodes = self._status().get("nodes", {}).values()
        said = [f"{each['displayName']}: {each.get('message', '')}" for each in nodes if each.get("phase") == "Failed"]
        return "; ".join(said) or str(self._status().get("message", "no message"))

    def _status(self) -> JSON:
        return dict(self.kubectl.json("get", "workflow", self.name).get("status") or {})
