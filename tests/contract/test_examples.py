"""The examples: each file is taken by the code, and the documentation shows what is in it."""

import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml
from tests.contract.test_docs import ROOT, blocks

from sluicegate.components.artefacts.code import importable
from sluicegate.pipelines.catalogue import find_pipeline
from sluicegate.serving.api.decoding import decode
from sluicegate.serving.api.plan_rules import plan_errors
from sluicegate.serving.api.rollout_plan import RolloutPlan
from sluicegate.serving.api.seldon_deployment import SeldonDeployment
from sluicegate.serving.api.validation import validate_deployment

OWN_MODEL = ROOT / "examples" / "your-own-model"
PYTHON_CLASS = ROOT / "examples" / "python-class"


@pytest.fixture
def tumours() -> Iterator[ModuleType]:
    """The loader's module, imported as the pipeline does it."""
    with importable(str(OWN_MODEL / "tumours.py")):
        yield importlib.import_module("tumours")


def test_the_loader_returns_what_the_versions_need(tumours: ModuleType) -> None:
    """Each version finds its features and its target in the rows that it asks for."""
    for name in ("first", "second", "third"):
        given = yaml.safe_load((OWN_MODEL / f"{name}.yaml").read_text())
        table = tumours.rows(**given.get("loader_parameters", {}))
        assert set(given["features"]) | {given["target"]} <= set(table.columns)
        assert len(table) == 569
        assert given.keys() <= find_pipeline("delivery").component_spec.inputs.keys()


def test_another_microscope_measures_larger(tumours: ModuleType) -> None:
    """What starts the retraining of the tutorial changes every measurement and no diagnosis."""
    table, larger = tumours.rows(), tumours.rows(scale=1.3)

    assert np.allclose(larger.mean_radius, 1.3 * table.mean_radius)
    assert (larger.benign == table.benign).all()


@pytest.mark.parametrize("name", ["plan", "back"])
def test_plans_are_plans(name: str) -> None:
    """Both plans are taken."""
    plan = decode(yaml.safe_load((OWN_MODEL / f"{name}.yaml").read_text()), RolloutPlan)

    assert list(plan_errors(plan, "plan")) == []


def test_the_trigger_names_inputs_of_retraining() -> None:
    """Its parameters are JSON, and the pipeline has them; its plan is one."""
    data = yaml.safe_load((OWN_MODEL / "on-drift.yaml").read_text())["data"]
    parameters = json.loads(data["parameters"])

    assert parameters.keys() <= find_pipeline(data["pipeline"]).component_spec.inputs.keys()
    assert list(plan_errors(decode(parameters["plan"], RolloutPlan), "plan")) == []


def test_the_python_class_answers() -> None:
    """It says high above its limit."""
    with importable(str(PYTHON_CLASS)):
        unit = importlib.import_module("thresholds").Threshold(limit=12.5)

    assert unit.predict(np.array([[13.1], [9.8]]), ["pressure"]).tolist() == [[0.0, 1.0], [1.0, 0.0]]


@pytest.mark.parametrize("name", ["deployment", "hidden"])
def test_deployments_are_deployments(name: str) -> None:
    """Both are taken by the API."""
    for found in yaml.safe_load_all((PYTHON_CLASS / f"{name}.yaml").read_text()):
        if found["kind"] == "SeldonDeployment":
            assert validate_deployment(decode(found, SeldonDeployment))[0] == ()


@pytest.mark.parametrize(
    ("page", "files"),
    [
        ("docs/tutorial-your-own-model.md", OWN_MODEL),
        ("docs/how-to/python-class.md", PYTHON_CLASS),
        ("docs/how-to/request-log.md", PYTHON_CLASS),
    ],
)
def test_what_the_page_shows_is_in_the_files(page: str, files: Path) -> None:
    """A block of YAML is the text of an example's file, its first comment left out."""
    texts = [path.read_text() for path in files.glob("*.yaml")]
    for block in blocks(ROOT / page, "yaml"):
        assert any(block.text in text for text in texts), block.text


def test_the_settings_for_kubeflow_are_those_of_the_page() -> None:
    shown = [yaml.safe_load(block.text) for block in blocks(ROOT / "docs" / "how-to" / "kubeflow.md", "yaml")]

    assert shown == [yaml.safe_load((ROOT / "examples" / "kfp-settings.yaml").read_text())]
