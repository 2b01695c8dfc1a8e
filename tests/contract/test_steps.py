"""Every step of the catalogue: documented, typed, light to import, and with all its faces."""

import subprocess
import sys
from typing import Any

import pytest
from click.testing import CliRunner
from kfp import compiler

from sluicegate.components.emit import __main__ as emit
from sluicegate.components.emit import kfp_components
from sluicegate.components.emit.argo import template
from sluicegate.components.emit.catalogue import every_step
from sluicegate.components.emit.effects import Effect
from sluicegate.components.emit.kfp import function_name
from sluicegate.components.emit.subcommand import subcommand
from sluicegate.components.step import Step

AnyStep = Step[..., Any]
STEPS = every_step()
CATALOGUE = every_step.__module__
each = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
HEAVY = ("kfp", "hera", "mlflow", "sklearn", "pandas", "scipy", "joblib", "kubernetes", "pyarrow")


def test_names_are_unique() -> None:
    """A name is a command, a template and a component."""
    assert len({step.name for step in STEPS}) == len(STEPS)


@each
def test_it_is_documented_and_typed(step: AnyStep) -> None:
    """One sentence first; every input of a type that all engines know."""
    assert step.summary.endswith((".", ":"))
    assert {slot.type for slot in step.inputs if slot.kind == "parameter"} <= {str, int, float, bool, dict, list}
    assert set(step.outputs.values()) <= {str, int, float, bool}


@each
def test_its_subcommand_has_help(step: AnyStep) -> None:
    """Every input is an option."""
    shown = CliRunner().invoke(subcommand(step), ["--help"], terminal_width=200)

    assert shown.exit_code == 0
    assert all(f"--{slot.name.replace('_', '-')}" in shown.output for slot in step.inputs)


@each
def test_it_renders_to_argo(step: AnyStep) -> None:
    """The subcommand in a container: each input by name, each output by path."""
    rendered = template(step)._build_template().model_dump(by_alias=True, exclude_none=True)

    assert rendered["container"]["command"] == ["sluicegate", "step", step.name]
    words = rendered["container"]["args"]
    assert all(any(word.startswith(f"--{s.name.replace('_', '-')}=") for word in words) for s in step.inputs)
    parameters = {p["name"]: p for p in rendered.get("outputs", {}).get("parameters", [])}
    assert {name: found["valueFrom"]["path"] for name, found in parameters.items()} == {
        name: f"/tmp/outputs/{name}" for name in step.outputs
    }


@each
def test_it_compiles_to_kfp(step: AnyStep, tmp_path: Any) -> None:
    """With the same inputs and outputs; one with effects is an Effect, whose tasks are never cached."""
    found = getattr(kfp_components, function_name(step))
    component = found.component if isinstance(found, Effect) else found

    compiler.Compiler().compile(component, str(tmp_path / "component.yaml"))

    assert isinstance(found, Effect) == step.effects
    inputs, outputs = component.component_spec.inputs or {}, component.component_spec.outputs or {}
    assert set(inputs) == {slot.name for slot in step.inputs if slot.kind != "output"}
    assert set(outputs) == {*step.outputs, *(slot.name for slot in step.inputs if slot.kind == "output")}


def test_the_kfp_faces_are_those_of_the_steps() -> None:
    """The generated file is what would be generated now."""
    assert emit.main(["--check"]) == 0


def test_the_catalogue_is_light_to_import() -> None:
    """``sluicegate step --list`` loads every step, and no framework."""
    code = (
        f"import sys, {CATALOGUE} as catalogue\ncatalogue.every_step()\nprint([m for m in {HEAVY} if m in sys.modules])"
    )

    outcome = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert outcome.stdout.strip() == "[]"
