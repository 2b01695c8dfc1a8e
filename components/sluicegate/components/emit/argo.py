"""A step as an Argo template, written with hera: the subcommand in our image, inputs by name, outputs by path."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hera.workflows import (
    Artifact,
    ConfigMapEnvFrom,
    Container,
    Env,
    Parameter,
    Resources,
    RetryStrategy,
    SecretEnvFrom,
)
from hera.workflows.models import ValueFrom

from sluicegate.components.emit.image import IMAGE
from sluicegate.components.emit.values import as_text
from sluicegate.components.step import Slot, Step

OUTPUTS = "/tmp/outputs"  # noqa: S108  # a path inside the step's own container
READ = "/tmp/artifacts"  # noqa: S108
# Argo makes the directory that artefacts are mounted into, and it is root's: what a step writes goes elsewhere.
WRITTEN = "/tmp/written"  # noqa: S108
_LEARNING = Resources(cpu_request="250m", memory_request="768Mi")
_LOOKING = Resources(cpu_request="50m", memory_request="128Mi")
_FRAMEWORKS = {"training", "serving"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pods:
    """What a cluster is told of the pods of steps; a plane tells its steps everything itself."""

    image: str = IMAGE
    environment: str = ""
    """A ConfigMap whose entries are variables of every step; it need not be there."""
    credentials: str = ""
    """A Secret, likewise."""
    variables: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 0
    """How often a step whose pod was lost (evicted, deleted, killed, its node gone) is begun again; one that failed is
    not."""

    @property
    def sources(self) -> list[Any]:
        """Where variables come from."""
        config = [ConfigMapEnvFrom(name=self.environment, optional=True)] if self.environment else []
        return config + ([SecretEnvFrom(name=self.credentials, optional=True)] if self.credentials else [])


OF_CALLER = "{{inputs.parameters.image}}"
"""An image that whoever calls a template may give."""
LOCAL = Pods(image="{{workflow.parameters.image}}")
IMAGE_PARAMETER = Parameter(name="image", value=IMAGE, description="Image of the steps; your own is made FROM ours.")


def template(step: Step[..., Any], pods: Pods = LOCAL) -> Container:
    """The container template of a step; names of parameters and artefacts are the step's own."""
    parameters = [slot for slot in step.inputs if slot.kind == "parameter"]
    read = [slot for slot in step.inputs if slot.kind == "input"]
    written = [slot for slot in step.inputs if slot.kind == "output"]
    return Container(
        name=step.name,
        image=pods.image,
        command=["sluicegate", "step", step.name],
        env_from=pods.sources or None,
        env=[Env(name=name, value=value) for name, value in pods.variables.items()] or None,
        resources=_resources(step) if pods.sources else None,
        retry_strategy=_again(pods.attempts) if pods.attempts else None,
        args=[word for slot in step.inputs for word in _words(slot)] + ["--outputs-dir", OUTPUTS],
        inputs=[
            *(_parameter(slot) for slot in parameters),
            *([Parameter(name="image", default=IMAGE)] if pods.image == OF_CALLER else []),
            *(_artefact(slot) for slot in read),
        ],
        outputs=[
            *(Parameter(name=name, value_from=ValueFrom(path=f"{OUTPUTS}/{name}")) for name in step.outputs),
            *(_artefact(slot) for slot in written),
        ],
    )


def _again(attempts: int) -> RetryStrategy:
    """Argo calls a lost pod Error or Failed, as it happens to see it first; what tells it apart is the exit code: none,
    or that of a signal. A step's own codes are answers.
    """
    lost = "asInt(lastRetry.exitCode) < 0 || asInt(lastRetry.exitCode) > 128"
    return RetryStrategy(limit=attempts, retry_policy="Always", expression=lost)


def _resources(step: Step[..., Any]) -> Resources:
    """A few libraries take half a gigabyte before they have read a row."""
    return _LEARNING if _FRAMEWORKS & set(step.extras) else _LOOKING


def _parameter(slot: Slot) -> Parameter:
    if slot.name == "run":
        # Tried again by Argo, or retried by a person, a step of this workflow joins what it began before.
        return Parameter(name=slot.name, default="{{workflow.uid}}", description=slot.description or None)
    if slot.required:
        return Parameter(name=slot.name, description=slot.description or None)
    # What may be left out is a structure; an empty one says the same.
    default = as_text({} if slot.default is None else slot.default)
    return Parameter(name=slot.name, default=default, description=slot.description or None)


def _artefact(slot: Slot) -> Artifact:
    return Artifact(name=slot.name, path=_path(slot))


def _path(slot: Slot) -> str:
    return f"{WRITTEN if slot.kind == 'output' else READ}/{slot.name}"


def _words(slot: Slot) -> list[str]:
    option = f"--{slot.name.replace('_', '-')}"
    if slot.kind == "parameter":
        return [f"{option}={{{{inputs.parameters.{slot.name}}}}}"]
    return [f"{option}={_path(slot)}"]
