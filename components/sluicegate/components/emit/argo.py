"""A step as an Argo template, written with hera: the subcommand in our image, inputs by name, outputs by path."""

from typing import Any

from hera.workflows import Artifact, ConfigMapEnvFrom, Container, Parameter
from hera.workflows.models import ValueFrom

from sluicegate.components.emit.image import IMAGE
from sluicegate.components.emit.values import as_text
from sluicegate.components.step import Slot, Step

OUTPUTS = "/tmp/outputs"  # noqa: S108  # a path inside the step's own container
ARTEFACTS = "/tmp/artifacts"  # noqa: S108


def template(step: Step[..., Any], *, image: str = IMAGE, environment: str = "") -> Container:
    """The container template of a step; names of parameters and artefacts are the step's own.

    ``environment``: a ConfigMap that tells steps where gateway, collector and registry are; a plane tells its steps
    itself.
    """
    parameters = [slot for slot in step.inputs if slot.kind == "parameter"]
    read = [slot for slot in step.inputs if slot.kind == "input"]
    written = [slot for slot in step.inputs if slot.kind == "output"]
    return Container(
        name=step.name,
        image=image,
        command=["sluicegate", "step", step.name],
        env_from=[ConfigMapEnvFrom(name=environment, optional=True)] if environment else None,
        args=[word for slot in step.inputs for word in _words(slot)] + ["--outputs-dir", OUTPUTS],
        inputs=[*(_parameter(slot) for slot in parameters), *(_artefact(slot) for slot in read)],
        outputs=[
            *(Parameter(name=name, value_from=ValueFrom(path=f"{OUTPUTS}/{name}")) for name in step.outputs),
            *(_artefact(slot) for slot in written),
        ],
    )


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
    return Artifact(name=slot.name, path=f"{ARTEFACTS}/{slot.name}")


def _words(slot: Slot) -> list[str]:
    option = f"--{slot.name.replace('_', '-')}"
    if slot.kind == "parameter":
        return [f"{option}={{{{inputs.parameters.{slot.name}}}}}"]
    return [f"{option}={ARTEFACTS}/{slot.name}"]
