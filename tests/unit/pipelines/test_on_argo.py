"""Pipelines as Argo's WorkflowTemplates: the same inputs, tasks and wiring as KFP's."""

import json
from typing import Any

import pytest
import yaml
from kfp import dsl

from sluicegate.components.emit.argo import LOCAL, Pods
from sluicegate.components.emit.argo_pipeline import argo_pipeline
from sluicegate.components.emit.image import IMAGE
from sluicegate.components.emit.kfp_components import prepare_data, train, validate_data
from sluicegate.components.errors import InputRefusedError
from sluicegate.pipelines.catalogue import PIPELINES, compiled, find_pipeline
from sluicegate.pipelines.on_argo import workflow_templates
from sluicegate.pipelines.shipped import workflow_templates as shipped
from sluicegate.pipelines.workflows.library import build
from sluicegate.pipelines.workflows.linting import lint
from sluicegate.pipelines.workflows.neighbours import Beside
from sluicegate.pipelines.workflows.reading import read

JSON = dict[str, Any]
each = pytest.mark.parametrize("name", PIPELINES)


def spec(name: str) -> JSON:
    """Of a template for clusters."""
    return dict(yaml.safe_load(workflow_templates()[f"sluicegate-{name}"].to_yaml())["spec"])


def template(found: JSON, name: str) -> JSON:
    """One of its templates."""
    return next(one for one in found["templates"] if one["name"] == name)


@each
def test_a_workflow_takes_what_the_pipeline_takes_with_the_same_defaults(name: str) -> None:
    """And the image; what must be given to one must be given to the other."""
    inputs = find_pipeline(name).component_spec.inputs
    parameters = {one["name"]: one.get("value") for one in spec(name)["arguments"]["parameters"]}

    assert list(parameters) == [*inputs, "image"]
    assert parameters.pop("image") == IMAGE
    for key, text in parameters.items():
        kind, default = inputs[key].type, inputs[key].default
        assert text is None if not inputs[key].optional else default == (text if kind == "String" else json.loads(text))


def test_a_rollout_that_is_not_told_what_to_let_in_is_refused() -> None:
    """What has no default has no value either."""
    parameters = spec("rollout")["arguments"]["parameters"]

    assert [one["name"] for one in parameters if "value" not in one] == [
        "rollout", "deployment", "model", "version", "bundle_uri", "bundle_digest",
    ]  # fmt: skip


@each
def test_tasks_wait_for_the_same_tasks(name: str) -> None:
    tasks = yaml.safe_load(compiled(find_pipeline(name)))["root"]["dag"]["tasks"]

    found = template(spec(name), "pipeline")["dag"]["tasks"]

    assert {one["name"]: set(filter(None, one.get("depends", "").split(" && "))) for one in found} == {
        key: set(task.get("dependentTasks", [])) for key, task in tasks.items()
    }


def test_a_delivery_tells_its_story_in_order() -> None:
    found = template(spec("delivery"), "pipeline")["dag"]["tasks"]

    assert [one["name"] for one in found] == ["prepare-data", "train", "qualify", "publish", "release"]
    assert next(p for p in found[4]["arguments"]["parameters"] if p["name"] == "run")["value"] == "{{workflow.uid}}"


@each
def test_every_pod_gets_image_places_credentials_and_resources(name: str) -> None:
    """The rollout that release starts is told the same image, and which attempt it is of its own."""
    pods = [one for one in spec(name)["templates"] if "container" in one]

    for pod in pods:
        container = pod["container"]
        assert container["image"] == "{{workflow.parameters.image}}"
        assert container["env"] == [
            {"name": "SLUICEGATE_ATTEMPT", "value": "{{retries}}"},
            {"name": "SLUICEGATE_STEPS_IMAGE", "value": "{{workflow.parameters.image}}"},
        ]
        assert container["envFrom"] == [
            {"configMapRef": {"name": "sluicegate-environment", "optional": True}},
            {"secretRef": {"name": "sluicegate-credentials", "optional": True}},
        ]
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}


def test_whoever_calls_a_single_step_may_give_its_image() -> None:
    """A workflow of people's own has no parameter of ours."""
    for step in spec("steps")["templates"]:
        assert step["container"]["image"] == "{{inputs.parameters.image}}"
        assert {"name": "image", "default": IMAGE} in step["inputs"]["parameters"]


def test_what_a_pod_writes_is_not_where_argo_mounts_what_it_reads() -> None:
    """That directory is root's."""
    for pod in (one for one in spec("delivery")["templates"] if "container" in one):
        artefacts = {side: pod.get(side, {}).get("artifacts", []) for side in ("inputs", "outputs")}
        read, written = ({one["path"].rpartition("/")[0] for one in artefacts[side]} for side in artefacts)
        assert not read & written


@pytest.mark.parametrize("template", ["rollout", *PIPELINES])
def test_the_local_runner_takes_it(template: str) -> None:
    """On one machine nothing is told of pods."""
    document = shipped()["sluicegate-rollout.yaml"]
    if template != "rollout":
        made = argo_pipeline(find_pipeline(template), name=template, pods=LOCAL, account="any")
        document = yaml.safe_load(made.to_yaml())
    missing = {p["name"]: "x" for p in document["spec"]["arguments"]["parameters"] if "value" not in p}

    lint(build(read(document | {"kind": "Workflow"}), Beside(), missing))


@dsl.pipeline(name="conditional")
def conditional(rows: int, dataset: dsl.Input[dsl.Dataset]) -> None:
    """With a condition."""
    with dsl.If(rows > 1):
        validate_data(dataset=dataset)


@dsl.component(base_image="python:3.11")
def theirs() -> str:
    """No step of ours."""
    return ""


@dsl.pipeline(name="foreign")
def foreign() -> None:
    """With it."""
    theirs()


@dsl.pipeline(name="scheduled")
def scheduled() -> None:
    """With a name that only KFP has."""
    prepare_data(source=dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER)


@dsl.pipeline(name="outside")
def outside(dataset: dsl.Input[dsl.Dataset]) -> None:
    """With an artefact that is given to it."""
    validate_data(dataset=dataset)


@dsl.pipeline(name="constants")
def constants(estimator: str) -> None:
    """With what is said in it."""
    data = prepare_data(source="a.csv", rows_at_least=2, required=["a"])
    train(training_data=data.outputs["training_data"], features=["a"], target="b", estimator=estimator)


def test_whole_numbers_stay_whole() -> None:
    """KFP's document has every number as a float."""
    found = yaml.safe_load(argo_pipeline(constants, name="x", pods=Pods(), account="any").to_yaml())["spec"]

    given = {p["name"]: p["value"] for p in template(found, "pipeline")["dag"]["tasks"][0]["arguments"]["parameters"]}
    assert given == {"source": "a.csv", "rows_at_least": "2", "required": '["a"]'}


@pytest.mark.parametrize(
    ("pipeline", "words"),
    [
        pytest.param(conditional, "a condition or a loop", id="condition"),
        pytest.param(foreign, "'theirs' is no step of ours", id="component"),
        pytest.param(scheduled, "is KFP's alone", id="placeholder"),
        pytest.param(outside, "takes no artefact from outside", id="artefact"),
    ],
)
def test_what_cannot_be_written_for_argo_is_refused(pipeline: Any, words: str) -> None:
    with pytest.raises(InputRefusedError, match=words):
        argo_pipeline(pipeline, name="x", pods=Pods(), account="any")
