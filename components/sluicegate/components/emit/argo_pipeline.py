"""A KFP pipeline of our components as an Argo WorkflowTemplate: one declaration, so that the two cannot drift.

It reads what KFP's compiler makes of the pipeline: the same inputs become the workflow's parameters, each task a node
of a DAG with the step's own template, a pipeline within a pipeline a DAG of its own. Artefacts go through the artefact
repository that Argo is set up with.
"""

from collections.abc import Iterator
from typing import Any

from google.protobuf import json_format
from hera.workflows import DAG, Artifact, Container, Parameter, Task, WorkflowTemplate
from hera.workflows.models import DAGTask, ValueFrom

from sluicegate.components.emit.argo import IMAGE_PARAMETER, Pods, template
from sluicegate.components.emit.catalogue import find_step
from sluicegate.components.emit.values import as_text, whole
from sluicegate.components.errors import InputRefusedError
from sluicegate.components.step import Step

JSON = dict[str, Any]
_ROOT = "pipeline"
_RUN = {"{{$.pipeline_job_uuid}}": "{{workflow.uid}}", "{{$.pipeline_job_name}}": "{{workflow.name}}"}
_FOREIGN = ("triggerPolicy", "parameterIterator", "artifactIterator")


def argo_pipeline(pipeline: Any, *, name: str, pods: Pods, account: str) -> WorkflowTemplate:
    """``pipeline`` is a function under ``@dsl.pipeline``; ``account`` the ServiceAccount of the pods.

    Raises:
        InputRefusedError: it has a condition, a loop, or a component that is not one of ours.

    """
    document = json_format.MessageToDict(pipeline.pipeline_spec)
    parts: dict[str, DAG | Container] = {}
    _add(_ROOT, document["root"], document["components"], parts, pods)
    said = {slot.name: slot.description for step in _steps(document) for slot in step.inputs}
    inputs = document["root"]["inputDefinitions"]["parameters"]
    order = pipeline.component_spec.inputs or {}
    arguments = [Parameter(name=key, description=said.get(key), **_default("value", inputs[key])) for key in order]
    return WorkflowTemplate(
        name=name, entrypoint=_ROOT, arguments=[*arguments, IMAGE_PARAMETER], templates=list(parts.values()),
        service_account_name=account,
    )  # fmt: skip


def _steps(document: JSON) -> Iterator[Step[..., Any]]:
    for name in sorted(document["components"]):  # a map of protobuf has no order
        step = find_step(name.removeprefix("comp-"))
        if step is not None:
            yield step


def _default(field: str, definition: JSON) -> dict[str, Any]:
    """As text under that field's name; nothing for an input that must be given."""
    # KFP's document has every number as a float.
    return {field: as_text(whole(definition["defaultValue"]))} if definition.get("isOptional") else {}


def _add(name: str, component: JSON, components: JSON, parts: dict[str, DAG | Container], pods: Pods) -> None:
    """The template of a component and, before it, those that it calls."""
    tasks: list[Task | DAGTask] = [
        _task(key, task, components, parts, pods) for key, task in _in_order(component["dag"]["tasks"])
    ]
    inputs = [
        Parameter(name=key, **_default("default", definition))
        for key, definition in sorted(component.get("inputDefinitions", {}).get("parameters", {}).items())
    ]
    parts[name] = DAG(name=name, inputs=inputs, tasks=tasks, outputs=_outputs(component))


def _in_order(tasks: JSON) -> list[tuple[str, JSON]]:
    """Each task after those that it depends on: the document's own order is anybody's."""
    found: list[tuple[str, JSON]] = []
    waiting = dict(sorted(tasks.items()))
    while waiting:
        ready = [key for key, task in waiting.items() if not set(task.get("dependentTasks", [])) & set(waiting)]
        found += [(key, waiting.pop(key)) for key in ready]
    return found


def _task(key: str, task: JSON, components: JSON, parts: dict[str, DAG | Container], pods: Pods) -> Task:
    if any(word in task for word in _FOREIGN):
        raise InputRefusedError(f"task {key}: a condition or a loop cannot be written for Argo; expected plain tasks")
    component = task["componentRef"]["name"]
    name = component.removeprefix("comp-")
    step = find_step(name)
    if step is None and "dag" not in components[component]:
        raise InputRefusedError(f"task {key}: {name!r} is no step of ours; expected steps and pipelines of them")
    if name not in parts:
        if step is None:
            _add(name, components[component], components, parts, pods)
        else:
            parts[name] = template(step, pods)
    inputs = task.get("inputs", {})
    values, files = (sorted(inputs.get(kind, {}).items()) for kind in ("parameters", "artifacts"))
    return Task(
        name=key,
        template=name,
        arguments=[
            *(Parameter(name=each, value=_value(source)) for each, source in values),
            *(_artefact(each, source) for each, source in files),
        ],
        depends=" && ".join(sorted(task.get("dependentTasks", []))) or None,
    )


def _value(source: JSON) -> str:
    if "componentInputParameter" in source:
        return f"{{{{inputs.parameters.{source['componentInputParameter']}}}}}"
    if "taskOutputParameter" in source:
        found = source["taskOutputParameter"]
        return f"{{{{tasks.{found['producerTask']}.outputs.parameters.{found['outputParameterKey']}}}}}"
    constant = source["runtimeValue"]["constant"]
    if isinstance(constant, str) and constant.startswith("{{$."):
        if constant not in _RUN:
            raise InputRefusedError(f"{constant} is KFP's alone; for Argo there are {', '.join(_RUN)}")
        return _RUN[constant]
    return as_text(whole(constant))


def _artefact(name: str, source: JSON) -> Artifact:
    if "taskOutputArtifact" not in source:
        raise InputRefusedError(f"input {name}: a workflow takes no artefact from outside; expected one of a task")
    found = source["taskOutputArtifact"]
    return Artifact(
        name=name, from_=f"{{{{tasks.{found['producerTask']}.outputs.artifacts.{found['outputArtifactKey']}}}}}"
    )


def _outputs(component: JSON) -> list[Parameter]:
    given = sorted(component["dag"].get("outputs", {}).get("parameters", {}).items())
    return [Parameter(name=key, value_from=ValueFrom(parameter=_produced(found))) for key, found in given]


def _produced(found: JSON) -> str:
    source = found["valueFromParameter"]
    return f"{{{{tasks.{source['producerSubtask']}.outputs.parameters.{source['outputParameterKey']}}}}}"
