"""What a compiled pipeline's pods are given, read back as KFP's own loader reads it."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from kfp import components

from sluicegate.pipelines.catalogue import PIPELINES, compiled, find_pipeline
from sluicegate.pipelines.cli.pipeline import pipeline

EXAMPLE = Path(__file__).parents[3] / "examples" / "kfp-settings.yaml"
TASKS = {"prepare-data", "train", "qualify", "publish", "release"}


def compile_it(name: str, *options: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Container of each task, and what kfp-kubernetes adds to its pod."""
    done = CliRunner().invoke(pipeline, ["compile", name, *options])
    assert done.exit_code == 0, done.output
    loaded = components.load_component_from_text(done.output)
    containers = {
        key: dict(found["container"]) for key, found in loaded.pipeline_spec.deployment_spec["executors"].items()
    }
    platforms = loaded.platform_spec.platforms
    pods = dict(platforms["kubernetes"].deployment_spec.executors) if "kubernetes" in platforms else {}
    return containers, pods


@pytest.mark.parametrize("name", PIPELINES)
def test_every_task_gets_what_all_get_also_within_another_pipeline(name: str) -> None:
    containers, pods = compile_it(name, "--settings", str(EXAMPLE))

    assert set(containers) == set(pods) >= {f"exec-{task}" for task in TASKS}
    for key, container in containers.items():
        assert {one["name"]: one["value"] for one in container["env"]} == {
            "SLUICEGATE_BUNDLES": "s3://sluicegate/bundles"
        }
        assert container["resources"]["resourceMemoryRequest"] == ("4Gi" if key == "exec-train" else "768Mi")
    for pod in pods.values():
        assert [one["secretName"] for one in pod["imagePullSecret"]] == ["registry"]
        assert [one["envVar"] for one in pod["secretAsEnv"][0]["keyToEnv"]] == [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
        ]


def test_a_task_gets_its_own_beside_and_over_that() -> None:
    containers, pods = compile_it("delivery", "--settings", str(EXAMPLE))

    assert containers["exec-train"]["resources"]["resourceCpuLimit"] == "4"
    assert [key for key, pod in pods.items() if "nodeSelector" in pod] == ["exec-train"]
    assert dict(pods["exec-train"]["tolerations"][0]) == {
        "key": "dedicated", "operator": "Equal", "value": "training", "effect": "NoSchedule",
    }  # fmt: skip


def test_an_image_is_every_tasks() -> None:
    containers, _ = compile_it("delivery", "--image", "registry.example.com/ours:1")

    assert {one["image"] for one in containers.values()} == {"registry.example.com/ours:1"}


@pytest.mark.parametrize("name", PIPELINES)
def test_settings_change_nothing_but_the_pods(name: str) -> None:
    done = CliRunner().invoke(pipeline, ["compile", name, "--settings", str(EXAMPLE)])
    plain, told = yaml.safe_load(compiled(find_pipeline(name))), next(yaml.safe_load_all(done.output))

    assert {key: told[key] for key in ("root", "components")} == {key: plain[key] for key in ("root", "components")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("all: {memory: 1Gi}", "unknown field `memory`", id="field"),
        pytest.param("tasks: {trian: {}}", "delivery has no trian; it has prepare-data", id="task"),
        pytest.param("all: {requests: {cpu: many}}", "task prepare-data", id="amount"),
        pytest.param("tasks: [", "while parsing", id="yaml"),
    ],
)
def test_wrong_settings_are_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text(text)

    done = CliRunner().invoke(pipeline, ["compile", "delivery", "--settings", str(tmp_path / "settings.yaml")])

    assert done.exit_code == 1
    assert words in done.output
