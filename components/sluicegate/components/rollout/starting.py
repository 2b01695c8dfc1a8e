"""Steps that start a rollout from a pipeline and await its end. The rollout itself is a workflow of its own.

What is to be rolled out is read from the registry: the model version's tags say where its bundle lies.
"""

import json
import secrets
from typing import Any, NamedTuple

from sluicegate.components.artefacts.registered import numbered
from sluicegate.components.rollout.errors import RolloutEndedError, RolloutError, RolloutRefusedError
from sluicegate.components.rollout.rollouts import Rollouts
from sluicegate.components.step import step
from sluicegate.serving.client.errors import ClientError
from sluicegate.serving.client.objects import Objects

TEMPLATE = "sluicegate-rollout"
"""Name of the WorkflowTemplate that carries out a rollout."""


class Started(NamedTuple):
    """Names of the rollout and of the workflow that carries it out (the same)."""

    rollout: str
    workflow: str


class Finished(NamedTuple):
    """How the rollout ended."""

    phase: str
    message: str


@step("start-rollout", effects=True, extras=("mlflow",))
def start_rollout(
    *, deployment: str, model: str, version: str, namespace: str = "default", plan: dict[str, Any] | None = None,
    expected_disagreement: float = -1.0, mirror: bool = True, concurrency: str = "refuse",
) -> Started:  # fmt: skip
    """Submit the workflow that rolls a registered version out to a deployment.

    A negative ``expected_disagreement`` means the one that the bundle records of its training.
    Raises RolloutError when the version has no bundle, RolloutRefusedError when the API does not take the workflow.
    """
    found = numbered(model, version)
    if found is None:
        raise RolloutError(f"model {model!r} has no version {version} in the registry")
    tags = found.tags
    if "sluicegate.bundle" not in tags:
        raise RolloutError(f"model {model!r} version {version} has no tag sluicegate.bundle: package it first")
    name = f"{deployment}-v{version}-{secrets.token_hex(3)}"
    parameters = {
        "rollout": name, "deployment": deployment, "namespace": namespace, "model": model, "version": version,
        "bundle_uri": tags["sluicegate.bundle"], "bundle_digest": tags.get("sluicegate.bundle-digest", ""),
        "plan": json.dumps(plan or {}), "mirror": str(mirror).lower(),
        "expected_disagreement": str(expected_disagreement), "concurrency": concurrency,
    }  # fmt: skip
    try:
        Objects().create(workflow(name, namespace, parameters))
    except ClientError as error:
        raise RolloutRefusedError(f"workflow {name!r}: {error}") from error
    return Started(name, name)


def workflow(name: str, namespace: str, parameters: dict[str, str]) -> dict[str, Any]:
    """The Argo Workflow that runs the rollout template with these parameters."""
    arguments = [{"name": key, "value": value} for key, value in parameters.items()]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"workflowTemplateRef": {"name": TEMPLATE}, "arguments": {"parameters": arguments}},
    }


@step("await-rollout", effects=True)
def await_rollout(*, rollout: str, namespace: str = "default", timeout: float = 3600.0) -> Finished:
    """Wait until a rollout is over.

    Raises RolloutEndedError when it was not promoted (with the reason), or when its workflow failed before it began;
    NotSoInTimeError after ``timeout`` seconds.
    """
    access = Rollouts(objects=Objects(), name=rollout, namespace=namespace)
    found = access.wait_over(timeout=timeout)
    status = found.status
    if status.phase != "Promoted":
        raise RolloutEndedError(f"rollout {rollout!r} is {status.phase} ({status.reason}): {status.message}")
    return Finished(status.phase, status.message)
