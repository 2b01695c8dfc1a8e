"""Steps that start a rollout from a pipeline and await its end. The rollout itself is a workflow of its own.

What is to be rolled out is read from the registry: the model version's tags say where its bundle lies. A step may be
killed and tried again at any moment, so the rollout's name follows from the caller's ``run``: another attempt of the
same run finds the rollout that the first one began, under way or ended, and another run begins its own. When a person
retries a run whose rollout failed, that is meant as another try, and begins the next one.
"""

import hashlib
import json
import os
import secrets
from itertools import count, takewhile
from typing import Annotated, Any, NamedTuple, Protocol

from sluicegate.components.artefacts.registered import numbered
from sluicegate.components.rollout.errors import RolloutEndedError, RolloutError, RolloutRefusedError
from sluicegate.components.rollout.rollouts import KIND, Rollouts
from sluicegate.components.step import step
from sluicegate.serving.api.model_rollout import TERMINAL_PHASES
from sluicegate.serving.client.errors import ClientError, ConflictError, NotFoundError
from sluicegate.serving.client.objects import Objects
from sluicegate.serving.client.patience import created, patiently

TEMPLATE = "sluicegate-rollout"
"""Name of the WorkflowTemplate that carries out a rollout."""
IMAGE, IMAGE_PARAMETER = "SLUICEGATE_STEPS_IMAGE", "image"
"""The variable that says which image the rollout's steps run in, and the template's parameter for it."""
ATTEMPT = "SLUICEGATE_ATTEMPT"
"""The variable that counts attempts where something tries lost pods again: at the first, 0, a person wants it."""


class Shelf(Protocol):
    """What is asked of the API here."""

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
        """One object; NotFoundError when it is not there."""

    def create(self, obj: dict[str, Any]) -> dict[str, Any]:
        """A new object; ConflictError when the name is taken."""


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
    retry_refused: Annotated[bool, "Whether a bundle that was sent back because of harm may try again."] = False,
    run: Annotated[str, "Id of the caller's run: starting again under the same id joins the same rollout."] = "",
) -> Started:  # fmt: skip
    """Submit the workflow that rolls a registered version out to a deployment, once per run.

    Retried by a person, a run whose rollout was not promoted begins another one.
    A negative ``expected_disagreement`` means the one that the bundle records of its training.
    Raises RolloutError when the version has no bundle, RolloutRefusedError when the API does not take the workflow, or
    when this run began another rollout of the version before.
    """
    found = numbered(model, version)
    if found is None:
        raise RolloutError(f"model {model!r} has no version {version} in the registry")
    tags = found.tags
    if "sluicegate.bundle" not in tags:
        raise RolloutError(f"model {model!r} version {version} has no tag sluicegate.bundle: package it first")
    digest = tags.get("sluicegate.bundle-digest", "")
    objects = Objects()
    name = patiently(
        lambda: turn_of(
            objects, namespace, again=os.environ.get(ATTEMPT) == "0",
            deployment=deployment, version=version, digest=digest, run=run,
        )
    )  # fmt: skip
    parameters = {
        "rollout": name, "deployment": deployment, "namespace": namespace, "model": model, "version": version,
        "bundle_uri": tags["sluicegate.bundle"], "bundle_digest": digest,
        "plan": json.dumps(plan or {}), "mirror": str(mirror).lower(),
        "expected_disagreement": str(expected_disagreement), "concurrency": concurrency,
        "retry_refused": str(retry_refused).lower(),
    }  # fmt: skip
    image = os.environ.get(IMAGE, "")
    submit(objects, workflow(name, namespace, parameters | ({IMAGE_PARAMETER: image} if image else {})))
    return Started(name, name)


def rollout_name(*, deployment: str, version: str, digest: str, run: str, turn: int = 1) -> str:
    """The same for the same bundle, ``run`` and turn; without a run, one that nobody had before."""
    key = json.dumps([deployment, version, digest, run, *([turn] if turn > 1 else [])]).encode()
    return f"{deployment}-v{version}-" + (hashlib.sha256(key).hexdigest()[:8] if run else secrets.token_hex(3))


def turn_of(objects: Shelf, namespace: str, *, again: bool, **key: str) -> str:
    """Name of the rollout that is this run's now: the last one that it began, or its first.

    ``again``: the next one, where the last one ended without being promoted. ``key`` is what ``rollout_name`` takes.
    """
    names = (rollout_name(**key, turn=turn) for turn in count(1))
    begun = list(takewhile(lambda name: bool(key["run"]) and has_begun(objects, name, namespace), names))
    if begun and not (again and has_failed(objects, begun[-1], namespace)):
        return begun[-1]
    return rollout_name(**key, turn=len(begun) + 1)


def has_failed(objects: Shelf, name: str, namespace: str) -> bool:
    """Whether the rollout of this name is over and was not promoted, or its workflow failed before there was one."""
    rollout = _find(objects, KIND, name, namespace)
    if rollout is not None:
        return (rollout.get("status") or {}).get("phase") in TERMINAL_PHASES - {"Promoted"}
    status = (_find(objects, "Workflow", name, namespace) or {}).get("status") or {}
    return status.get("phase") in {"Failed", "Error"}


def has_begun(objects: Shelf, name: str, namespace: str) -> bool:
    """Whether there is a rollout of this name, or a workflow that will make it."""
    return any(_find(objects, kind, name, namespace) is not None for kind in ("Workflow", KIND))


def submit(objects: Shelf, wanted: dict[str, Any]) -> None:
    """Create the rollout's workflow, or join the rollout that it began before.

    A rollout outlives its workflow, which a cluster may tidy away: then it is not begun again.
    Raises RolloutRefusedError when the API refuses, or when what there is under this name has other parameters.
    """
    name, namespace = wanted["metadata"]["name"], wanted["metadata"]["namespace"]
    try:
        if not has_begun(objects, name, namespace):
            try:
                created(objects, wanted)
            except ConflictError:
                pass  # another attempt of this run was faster
            else:
                return
        found = _find(objects, "Workflow", name, namespace)
    except ClientError as error:
        raise RolloutRefusedError(f"workflow {name!r}: {error}") from error
    if found is not None and (differing := _differing(found, wanted)):
        raise RolloutRefusedError(
            f"this run began rollout {name!r} before, with another {', '.join(differing)}; "
            "give the same again to join it, or another `run` to begin a new one"
        )


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


def _find(objects: Shelf, kind: str, name: str, namespace: str) -> dict[str, Any] | None:
    try:
        return objects.get(kind, name, namespace)
    except NotFoundError:
        return None


def _differing(found: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Names of parameters that are not the same."""
    old, new = (
        {each["name"]: each.get("value") for each in one["spec"].get("arguments", {}).get("parameters", [])}
        for one in (found, wanted)
    )
    # Another image carries the same rollout out.
    return sorted(key for key in (old.keys() | new.keys()) - {IMAGE_PARAMETER} if old.get(key) != new.get(key))
