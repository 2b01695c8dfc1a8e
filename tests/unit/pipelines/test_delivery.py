"""Pipelines as they are compiled, and what is read out of a local run's output."""

import io
import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from sluicegate.pipelines.catalogue import PIPELINES, NoSuchPipelineError, compiled, find_pipeline
from sluicegate.pipelines.cli.pipeline import pipeline
from sluicegate.pipelines.local_runs import Event, Transcript

EFFECTS = {"publish", "release"}
MANIFESTS = Path(__file__).parents[3] / "manifests" / "kfp"


@pytest.mark.parametrize("name", PIPELINES)
def test_the_compiled_pipeline_is_checked_in(name: str) -> None:
    """What a cluster gets is what runs here."""
    assert (MANIFESTS / f"{name}.yaml").read_text() == compiled(find_pipeline(name))


def test_tasks_with_effects_are_never_cached() -> None:
    """A skipped deployment would look like a done one."""
    tasks = yaml.safe_load(compiled(find_pipeline("delivery")))["root"]["dag"]["tasks"]

    cached = {name for name, task in tasks.items() if task["cachingOptions"].get("enableCache")}
    assert cached == {"prepare-data", "train"}
    assert set(tasks) > EFFECTS


def test_no_task_hangs_on_a_condition() -> None:
    """A condition that fails to evaluate counts as false; a gate raises instead."""
    assert "triggerPolicy" not in compiled(find_pipeline("delivery"))


def test_a_name_that_is_no_pipeline_is_refused() -> None:
    """With what there is instead."""
    with pytest.raises(NoSuchPipelineError, match="delivery, retraining"):
        find_pipeline("deliver")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param([], "delivery needs model, estimator", id="missing"),
        pytest.param(["-p", "modle=x"], "has no input modle", id="unknown"),
        pytest.param(["-p", "model"], "expected NAME=VALUE", id="malformed"),
        pytest.param(["-p", "replicas=two"], "two", id="wrong-type"),
        pytest.param(["-p", "plan={"], "expected JSON", id="no-json"),
    ],
)
def test_wrong_parameters_are_named_before_anything_runs(tmp_path: Path, options: list[str], words: str) -> None:
    """Exit code 2, as click's own errors."""
    found = CliRunner().invoke(pipeline, ["run", "delivery", "--home", str(tmp_path), *options])

    assert found.exit_code == 2
    assert words in " ".join(found.output.split())


def test_a_file_with_a_wrong_type_is_refused(tmp_path: Path) -> None:
    """Field, found, expected."""
    (tmp_path / "p.json").write_text(
        json.dumps({"model": "m", "estimator": "a:b", "features": "delay", "target": "late"})
    )

    found = CliRunner().invoke(pipeline, ["run", "delivery", "--parameters", str(tmp_path / "p.json")])

    assert "features: found 'delay' (str); expected List" in " ".join(found.output.split())


def test_a_transcript_tells_only_what_a_person_wants() -> None:
    """Tasks, what steps say, and the last error; in pieces of any size."""
    printed = (
        "10:00:00.1 - INFO - Executing task \x1b[96m'train'\x1b[0m\n"
        '    [KFP Executor 2026-01-01 INFO]: Got executor_input:\n    {\n        "inputs": {}\n    }\n'
        "    train: rows=3\n"
        "    Traceback (most recent call last):\n"
        "    sluicegate.components.errors.GateNotPassedError: roc_auc: found 0.5; required at least 0.8\n"
        "10:00:01.1 - ERROR - Task \x1b[96m'train'\x1b[0m finished with status \x1b[91mFAILURE\x1b[0m\n"
        "    rows: 3\n"
    )
    events: list[Event] = []
    transcript = Transcript(io.StringIO(), events.append)

    for start in range(0, len(printed), 7):
        transcript.write(printed[start : start + 7])

    assert [(event.kind, event.task) for event in events] == [
        ("started", "train"),
        ("said", "train"),
        ("failed", "train"),
    ]
    assert transcript.error == "GateNotPassedError: roc_auc: found 0.5; required at least 0.8"
