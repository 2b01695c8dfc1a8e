"""A workflow runs on one machine as Argo's documentation says it runs on a cluster."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from tests.fakes.object_actions import FakeObjectActions
from tests.waiting import wait_until

from sluicegate.pipelines.workflows import tether
from sluicegate.pipelines.workflows.errors import ManifestError
from sluicegate.pipelines.workflows.library import build
from sluicegate.pipelines.workflows.linting import lint
from sluicegate.pipelines.workflows.neighbours import Beside
from sluicegate.pipelines.workflows.reading import read
from sluicegate.pipelines.workflows.running import Run, execute, until_stopped

HERE = Path(__file__).parent
NEEDS_P = {"parameters": [{"name": "p"}]}
OUT_OF_NOWHERE = {"parameters": [{"name": "x", "valueFrom": {"parameter": "{{steps.a.outputs.result}}"}}]}
PATHLESS = {"artifacts": [{"name": "a", "path": "relative"}]}


def workflow(*templates: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A workflow of these templates; the first is its entrypoint."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "try"},
        "spec": {"entrypoint": templates[0]["name"], "templates": list(templates), **spec},
    }


def shell(name: str, source: str, **fields: Any) -> dict[str, Any]:
    """A container template that runs a line of shell."""
    return {"name": name, "container": {"command": ["sh", "-c", source]}, **fields}


def mounting(volume: str) -> dict[str, Any]:
    """A container template that mounts a volume."""
    mounts = [{"name": volume, "mountPath": "/scratch"}]
    return {"name": "main", "container": {"command": ["true"], "volumeMounts": mounts}}


def steps(name: str, *groups: list[dict[str, Any]]) -> dict[str, Any]:
    """A steps template."""
    return {"name": name, "steps": list(groups)}


def prepared(
    document: dict[str, Any], directory: Path, beside: list[dict[str, Any]] | None = None, **given: str
) -> Run:
    """A run of a document, ready to execute."""
    around = Beside.of(("a test", template) for template in beside or [])
    return Run(
        name="try", library=build(read(document), around, given), directory=directory,
        objects=FakeObjectActions(), environment={},
    )  # fmt: skip


def nodes_of(status: dict[str, Any]) -> dict[str, str]:
    """Phase by display name."""
    return {node["displayName"]: node["phase"] for node in status["nodes"].values()}


def test_everything_that_is_supported_runs(tmp_path: Path) -> None:
    """Recursion, dag, depends, retries, artifacts, outputs by path and by parameter, when, exit handler."""
    document = yaml.safe_load((HERE / "everything.yaml").read_text())

    phase, message, status = asyncio.run(execute(prepared(document, tmp_path)))

    assert (phase, message) == ("Succeeded", "")
    assert nodes_of(status) | {"ok": "Succeeded", "nok": "Skipped", "bad": "Failed", "c": "Succeeded"} == nodes_of(
        status
    )
    results = {node["displayName"]: node["outputs"].get("result") for node in status["nodes"].values()}
    assert results["try.onExit"] == "bye Succeeded"
    assert results["ok"] == 'yes it\'s "q"'
    assert (
        sum(node["templateName"] == "count" and node["phase"] == "Succeeded" for node in status["nodes"].values()) == 3
    )


def test_a_failed_step_ends_its_template_and_the_exit_handler_hears_of_it(tmp_path: Path) -> None:
    document = workflow(
        steps("main", [{"name": "bad", "template": "bad"}], [{"name": "never", "template": "good"}]),
        shell("bad", "echo no luck >&2; exit 4"),
        shell("good", "true"),
        shell("bye", "echo {{workflow.status}}"),
        onExit="bye",
    )

    phase, message, status = asyncio.run(execute(prepared(document, tmp_path)))

    assert phase == "Failed"
    assert "main: Error (exit code 4): no luck" in message
    assert "never" not in nodes_of(status)
    assert [n["outputs"]["result"] for n in status["nodes"].values() if n["templateName"] == "bye"] == ["Failed"]


def test_a_template_of_another_workflow_template_resolves_its_own_names(tmp_path: Path) -> None:
    shared = workflow(steps("outer", [{"name": "in", "template": "inner"}]), shell("inner", "echo shared"))
    shared |= {"kind": "WorkflowTemplate", "metadata": {"name": "shared"}}
    call = {"name": "use", "templateRef": {"name": "shared", "template": "outer"}}
    document = workflow(steps("main", [call]), shell("inner", "echo own; exit 1"))

    phase, _, status = asyncio.run(execute(prepared(document, tmp_path, [shared])))

    assert phase == "Succeeded"
    assert [n["outputs"]["result"] for n in status["nodes"].values() if n["displayName"] == "in"] == ["shared"]


def test_a_timeout_fails_the_node_and_ends_its_processes(tmp_path: Path) -> None:
    document = workflow(shell("main", f"echo $$$$ > {tmp_path}/pid; sleep 60", timeout="2s"))

    phase, message, _ = asyncio.run(execute(prepared(document, tmp_path / "run")))

    assert phase == "Failed"
    assert "longer than the specified deadline" in message
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_a_retry_succeeds_at_the_second_attempt(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    document = workflow(shell("main", f"test -e {flag} || {{ touch {flag}; exit 1; }}", retryStrategy={"limit": 2}))

    phase, _, _ = asyncio.run(execute(prepared(document, tmp_path / "run")))

    assert phase == "Succeeded"


def test_a_missing_output_is_an_error(tmp_path: Path) -> None:
    outputs = {"parameters": [{"name": "x", "valueFrom": {"path": "/tmp/outputs/x"}}]}
    document = workflow(shell("main", "true", outputs=outputs))

    phase, message, _ = asyncio.run(execute(prepared(document, tmp_path)))

    assert phase == "Error"
    assert "open /tmp/outputs/x: no such file" in message


def test_a_resource_waits_for_its_condition_and_failure_comes_first(tmp_path: Path) -> None:
    manifest = "{kind: ConfigMap, metadata: {name: a}, status: {phase: Bad}}"
    resource = {
        "action": "create",
        "manifest": manifest,
        "successCondition": "status.phase",
        "failureCondition": "status.phase == Bad",
    }
    document = workflow({"name": "main", "resource": resource})

    phase, message, _ = asyncio.run(execute(prepared(document, tmp_path)))

    assert phase == "Failed"
    assert "status.phase == Bad" in message


def test_stopping_a_run_ends_its_processes_and_runs_the_exit_handler(tmp_path: Path) -> None:
    document = workflow(
        shell("main", f"echo $$$$ > {tmp_path}/pid; sleep 60"), shell("bye", f"touch {tmp_path}/bye"), onExit="bye"
    )

    async def stopped() -> str:
        stop = asyncio.Event()
        running = asyncio.create_task(until_stopped(prepared(document, tmp_path / "run"), stop))
        while not (tmp_path / "pid").exists():
            await asyncio.sleep(0.02)
        stop.set()
        return (await running)[0]

    assert asyncio.run(asyncio.wait_for(stopped(), 20)) == "Failed"
    assert (tmp_path / "bye").exists()
    wait_until(lambda: not psutil.pid_exists(int((tmp_path / "pid").read_text())))


def test_a_suspended_node_goes_on_when_resumed(tmp_path: Path) -> None:
    document = workflow({"name": "main", "suspend": {}})
    resume = tmp_path / "nodes" / "try" / "resume"

    async def resumed() -> str:
        running = asyncio.create_task(execute(prepared(document, tmp_path)))
        while not resume.parent.exists():
            await asyncio.sleep(0.02)
        resume.touch()
        return (await running)[0]

    assert asyncio.run(asyncio.wait_for(resumed(), 10)) == "Succeeded"


def test_kill_9_of_the_runner_takes_its_commands_with_it(tmp_path: Path) -> None:
    """Else an analysis whose workflow is dead would go on renewing the lease."""
    runner = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-S', {tether.__file__!r}, 'sh', '-c', 'echo $$ > {tmp_path}/pid; sleep 60'"
        "], stdin=subprocess.PIPE)\ntime.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", runner])
    try:
        wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip())
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()

    wait_until(lambda: not psutil.pid_exists(int((tmp_path / "pid").read_text())))


def test_a_refused_template_beside_stops_only_who_refers_to_it(tmp_path: Path) -> None:
    other = workflow({"name": "call", "http": {"url": "x"}}) | {
        "kind": "WorkflowTemplate", "metadata": {"name": "other"},
    }  # fmt: skip
    call = {"name": "use", "templateRef": {"name": "other", "template": "call"}}

    assert asyncio.run(execute(prepared(workflow(shell("main", "true")), tmp_path, [other])))[0] == "Succeeded"

    with pytest.raises(ManifestError, match="use a container that runs curl"):
        lint(prepared(workflow(steps("main", [call])), tmp_path, [other]).library)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"paralelism": 3}, "unknown field `paralelism`", id="unknown spec field"),
        pytest.param({"entrypoint": "nowhere"}, "no template 'nowhere'", id="missing entrypoint"),
        pytest.param({"onExit": "nowhere"}, "no template 'nowhere'", id="missing exit handler"),
        pytest.param({"arguments": {"parameters": [{"name": "n"}]}}, "give one with -p n=VALUE", id="no value"),
        pytest.param({"templates": [{"name": "main"}]}, "found none; expected exactly one", id="empty template"),
        pytest.param({"templates": [shell("main", "x"), shell("main", "x")]}, "two templates", id="twice"),
        pytest.param({"templates": [shell("main", "{{inputs.parameters.x}}")]}, "unknown reference", id="reference"),
        pytest.param({"templates": [shell("main", "{{=1+}}")]}, "unexpected .its end", id="expression that ends early"),
        pytest.param({"templates": [shell("main", "{{=nope(1)}}")]}, "no function nope", id="unknown function"),
        pytest.param({"templates": [shell("main", "{{=sprig.now()}}")]}, "no function sprig.now", id="sprig function"),
        pytest.param({"templates": [shell("main", "{{=inputs.x + 1}}")]}, "unknown name inputs.x", id="unknown name"),
        pytest.param({"templates": [{"name": "main", "container": {}}]}, "expected a command", id="command"),
        pytest.param({"templates": [shell("main", "x", outputs=OUT_OF_NOWHERE)]}, "valueFrom.path", id="output"),
        pytest.param({"templates": [shell("main", "x", inputs=PATHLESS)]}, "begins with /", id="artifact's path"),
        pytest.param({"templates": [mounting("scratch")]}, "no volume 'scratch'", id="volume"),
        pytest.param({"templateDefaults": {"container": {"image": "x"}}}, "templateDefaults.container", id="defaults"),
        pytest.param(
            {"templates": [steps("main", [{"name": "a", "template": "main", "arguments": NEEDS_P}])]},
            "argument 'p': expected a value",
            id="no value given",
        ),
        pytest.param(
            {"templates": [steps("main", [{"name": "a", "template": "main", "withItems": [1], "withParam": "[1]"}])]},
            "only one of withItems, withParam",
            id="two loops",
        ),
        pytest.param(
            {"templates": [steps("main", [{"name": "a", "template": "b"}]), shell("b", "x", inputs=NEEDS_P)]},
            "needs input 'p'",
            id="missing argument",
        ),
    ],
)  # fmt: skip
def test_what_cannot_run_is_refused_before_anything_runs(change: dict[str, Any], message: str) -> None:
    document = workflow(shell("main", "true"))
    document["spec"] |= change

    with pytest.raises(ManifestError, match=message):
        lint(build(read(document), Beside(), {}))
