"""Runs workflows of the corpus on a cluster's Argo controller, a few at once, and gives back their status."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.cluster.kubectl import Kubectl
from tests.corpus.files import Case
from tests.waiting import wait_until

JSON = dict[str, Any]
ENDED = {"Succeeded", "Failed", "Error"}
ACCOUNT = "corpus"


def prepare(kubectl: Kubectl) -> None:
    """Give the namespace what workflow pods need: an account, and the key of the artefact store."""
    kubectl("create", "serviceaccount", ACCOUNT)
    account = f"--serviceaccount={kubectl.namespace}:{ACCOUNT}"
    kubectl("create", "rolebinding", ACCOUNT, "--clusterrole=workflow-executor", account)
    secret = kubectl.within("default").json("get", "secret", "s3")
    kubectl("apply", "-f", "-", stdin={**secret, "metadata": {"name": "s3", "namespace": kubectl.namespace}})


@dataclass(slots=True)
class Controller:
    """``width`` workflows run at once; one that has not ended after ``patience`` seconds is given back as it is."""

    kubectl: Kubectl
    width: int = 6
    patience: float = 150.0

    def run(self, cases: list[Case]) -> Iterator[tuple[Case, JSON]]:
        """Each workflow with the object as it was at its end."""
        waiting, running = list(reversed(cases)), dict[str, tuple[Case, float]]()
        while waiting or running:
            while waiting and len(running) < self.width:
                case = waiting.pop()
                self._submit(case)
                running[case.name] = (case, time.monotonic() + self.patience)
            done = wait_until(lambda: self._done(running), self.patience + 60, "a workflow ends", every=0.5)
            for name, found in done.items():
                yield running.pop(name)[0], found
                # The list is read twice a second: it holds only what runs.
                self.kubectl("delete", "workflow", name, "--wait=false")

    def _done(self, running: dict[str, tuple[Case, float]]) -> dict[str, JSON]:
        """Workflows that have ended, and those that were waited for long enough."""
        found = {each["metadata"]["name"]: each for each in self.kubectl.json("get", "workflows")["items"]}
        now = time.monotonic()
        return {
            name: found[name]
            for name, (_, until) in running.items()
            if name in found and (_ended(found[name]) or now > until)
        }

    def _submit(self, case: Case) -> None:
        for document in case.beside:
            self.kubectl("apply", "-f", "-", stdin=document)
        workflow = json.loads(json.dumps(case.workflow))
        workflow["spec"]["serviceAccountName"] = ACCOUNT
        workflow["spec"]["podGC"] = {"strategy": "OnWorkflowCompletion", "deleteDelayDuration": "0s"}
        self.kubectl("create", "-f", "-", stdin=workflow)


def _ended(workflow: JSON) -> bool:
    return (workflow.get("status") or {}).get("phase") in ENDED
