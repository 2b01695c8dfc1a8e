"""A whole plane: up by one command, a model served through Envoy, killed in many ways, down without a trace."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import plain_http
from tests.embedded.plane_rig import ANY_PORTS, Plane, bundle, command, deployment, processes_of
from tests.waiting import wait_until

from sluicegate.pipelines.plane.home import Home
from sluicegate.serving.local.running import kill_all

pytestmark = pytest.mark.embedded


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    """Up with a trained model that is served."""
    home = tmp_path_factory.mktemp("plane").resolve()
    try:
        up = command(home, "up", *ANY_PORTS)
        assert up.returncode == 0, up.stderr
        made = Plane(home)
        made.kubectl("apply", "-f", "-", stdin=json.dumps(deployment(*bundle(home))))
        made.kubectl("wait", "sdep/flights", "--for=jsonpath={.status.state}=Available", "--timeout=60s")
        yield made
    finally:
        command(home, "down")
        kill_all(f"{home}|")


def test_a_trained_model_answers_through_envoy(plane: Plane) -> None:
    """The acceptance of the plane: applied with kubectl, Available, answered."""
    answer = plane.predict()

    assert answer.status_code == 200
    assert answer.json()["data"]["names"] == ["0", "1"]
    assert "Verified" in plane.run("describe", "sdep", "flights")
    assert json.loads(plane.run("predict", "flights", "-d", '{"a": 1, "b": 2}'))["data"] == answer.json()["data"]


def test_up_again_changes_nothing(plane: Plane) -> None:
    """Idempotent: the same pids."""
    before = plane.pids()

    plane.run("up")

    assert plane.pids() == before


def test_the_registry_follows(plane: Plane) -> None:
    """Alias champion of the version in service, as soon as the registry knows it."""
    registry = f"{plane.addresses['mlflow']}/api/2.0/mlflow"
    plain_http.post(f"{registry}/registered-models/create", json={"name": "late"}).raise_for_status()
    version = {"name": "late", "source": "s3://elsewhere/late/1"}
    plain_http.post(f"{registry}/model-versions/create", json=version).raise_for_status()

    def champion() -> str:
        query = {"name": "late", "alias": "champion"}
        answer = plain_http.get(f"{registry}/registered-models/alias", params=query)
        return str(answer.json()["model_version"]["version"]) if answer.is_success else ""

    assert wait_until(champion, 20.0, "champion") == "1"
    wait_until(lambda: plane.status()["registry"]["synced"], message="synced")


def test_a_killed_plane_finds_everything_again(plane: Plane) -> None:
    """Kill -9: the keeper starts it again, no child is restarted, no request is lost."""
    before = wait_until(plane.pids)
    old = int((plane.home / "plane.lock").read_text())
    os.kill(old, signal.SIGKILL)
    answers = [plane.predict().status_code for _ in range(20)]

    wait_until(lambda: plane.pids() == before, 20.0, "the same pids")

    assert int((plane.home / "plane.lock").read_text()) != old
    assert answers == [200] * 20
    assert plane.predict().status_code == 200


def test_a_killed_keeper_comes_back(plane: Plane) -> None:
    """The plane starts another one, which then brings the plane back."""
    home, before = Home(plane.home), wait_until(plane.pids)
    first = home.holder("keeper")
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: home.holder("keeper") not in {0, first}, 20.0, "another keeper")
    os.kill(home.holder("plane"), signal.SIGKILL)

    wait_until(lambda: plane.pids() == before, 20.0, "the same pids")


def test_killed_with_its_keeper_up_adopts(plane: Plane) -> None:
    """Both killed: ``up`` brings them back around the same children."""
    before = wait_until(plane.pids)
    for name in ("keeper", "plane"):
        os.kill(int((plane.home / f"{name}.lock").read_text()), signal.SIGKILL)
    assert plane.predict().status_code == 200

    plane.run("up")

    wait_until(lambda: plane.pids() == before, 20.0, "the same pids")


@pytest.mark.parametrize("name", ["default.flights", "collector", "envoy"])
def test_a_killed_child_comes_back(plane: Plane, name: str) -> None:
    """Kill -9: started again, counted, and served again."""
    full = next(known for known in wait_until(plane.pids) if known.startswith(name))
    before = plane.processes()[full]
    os.kill(before["pid"], signal.SIGKILL)

    wait_until(lambda: plane.processes()[full]["restarts"] == before["restarts"] + 1, message="restarted")
    wait_until(plane.pids, 20.0, "all ready")

    assert plane.processes()[full]["pid"] != before["pid"]
    wait_until(lambda: plane.predict().status_code == 200, 20.0, "served again")


def test_a_component_can_be_stopped_and_started(plane: Plane) -> None:
    """Held until started, over ``status``."""
    plane.run("stop", "collector")
    wait_until(lambda: plane.processes()["collector"]["state"] == "Held", message="held")
    assert "Held" in plane.run("status")

    plane.run("start", "collector")

    wait_until(lambda: plane.processes()["collector"]["state"] == "Ready", message="ready")


def test_a_workflow_whose_runner_dies_is_an_error(plane: Plane) -> None:
    """Its process is killed; nobody else writes its end, so the plane does."""
    sleeping = {"name": "main", "container": {"image": "none", "command": ["sleep", "60"]}}
    document = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "long"},
        "spec": {"entrypoint": "main", "templates": [sleeping]},
    }
    plane.kubectl("create", "-f", "-", stdin=json.dumps(document))
    name = "workflow.default.long"
    pid = wait_until(lambda: plane.processes().get(name, {}).get("pid"), message="runner started")
    os.kill(pid, signal.SIGKILL)

    plane.kubectl("wait", "wf/long", "--for=jsonpath={.status.phase}=Error", "--timeout=20s")

    assert "SIGKILL" in plane.kubectl("get", "wf", "long", "-o", "jsonpath={.status.message}")
    plane.kubectl("delete", "wf", "long")


def test_a_drift_alarm_starts_its_pipeline_once(plane: Plane) -> None:
    """The alarm comes twice, the pipeline (one that does not exist) runs once and its failure is told."""
    facts = {"deployment": "flights", "pipeline": "no.such.module:pipeline"}
    trigger = {"apiVersion": "v1", "kind": "ConfigMap", "data": facts}
    named = {"name": "retrain", "labels": {"sluicegate.dev/trigger": "drift"}}
    plane.kubectl("apply", "-f", "-", stdin=json.dumps(trigger | {"metadata": named}))
    data = {"namespace": "default", "deployment": "flights", "predictor": "v1", "features": {"a": 2.0}, "since": 1.0}
    event = {"specversion": "1.0", "id": "1", "source": "test", "type": "dev.sluicegate.drift.detected", "data": data}

    answers = [plain_http.post(f"{plane.addresses['api']}/sluicegate/v1/events", json=event).json() for _ in range(2)]

    assert [len(answer["launched"]) for answer in answers] == [1, 0]
    wait_until(lambda: "PipelineFailed" in plane.run("describe", "sdep", "flights"), 20.0, "its failure is told")


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    """Which port, which option; nothing is left."""
    home = tmp_path.resolve()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = command(home, "up", *ANY_PORTS, "--mlflow-port", str(port))

    assert done.returncode == 1
    assert f"port {port} (mlflow) is in use" in done.stderr.splitlines()[-1]
    assert processes_of(home) == []


def hear_ctrl_c() -> None:
    """As a program does that a person starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_during_up_leaves_nothing(tmp_path: Path) -> None:
    """However far it has come."""
    home = tmp_path.resolve()
    line = [sys.executable, "-m", "sluicegate.pipelines.cli", "up", "--home", str(home), *ANY_PORTS]
    # A shell starts what runs in its background deaf to Ctrl-C, these tests and their children too.
    up = subprocess.Popen(
        line,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509  this process starts no other from another thread
    )
    wait_until((home / "run" / "mlflow.json").exists, 30.0, "children started")

    up.send_signal(signal.SIGINT)

    assert up.wait(40) == 1
    assert processes_of(home) == []


def test_down_leaves_nothing_and_up_brings_all_back(plane: Plane) -> None:
    """Objects and ports outlive it."""
    addresses = plane.addresses

    plane.run("down")
    assert processes_of(plane.home) == []
    plane.run("up")

    assert plane.addresses == addresses
    plane.kubectl("wait", "sdep/flights", "--for=jsonpath={.status.state}=Available", "--timeout=60s")
    wait_until(lambda: plane.predict().status_code == 200, 20.0, "served")
