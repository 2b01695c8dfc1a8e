"""The real kubectl and the official client work against the API, under a real HTTP server."""

import json
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from kubernetes import client as kubernetes_client
from kubernetes import config, watch
from tests import plain_http
from tests.waiting import free_port, wait_until

from sluicegate.serving.client.errors import (
    ConflictError,
    DeadlineError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)
from sluicegate.serving.client.objects import Objects

pytestmark = pytest.mark.embedded

SERVER = """
import sys
import uvicorn
from starlette.applications import Starlette
from sluicegate.serving.local.api.app import create_api
from sluicegate.serving.local.store import Store
from tests.fakes.api import all_kinds

routes = create_api(Store(sys.argv[1]), all_kinds())
uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
"""
KUBECTL = Path(sysconfig.get_path("scripts")) / "kubectl"
SDEP = ("machinelearning.seldon.io", "v1", "default", "seldondeployments")


def deployment(name: str, **spec: Any) -> dict[str, Any]:
    predictor = {"name": "v1", "traffic": 100, "graph": {"name": "m", "implementation": "SKLEARN_SERVER"}}
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"predictors": [predictor], **spec},
    }


class Plane:
    """A running API and a kubectl that knows it."""

    def __init__(self, home: Path) -> None:
        self.home, port = home, free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.kubeconfig = home / "kubeconfig"
        self.kubeconfig.write_text(json.dumps(_kubeconfig(self.url)))
        command = [sys.executable, "-c", SERVER, str(home / "state.sqlite"), str(port)]
        self.process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
        wait_until(self._answers, 20, "the API answers")

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the API has died"
        try:
            return plain_http.get(f"{self.url}/version").is_success
        except httpx.TransportError:
            return False

    def command(self, *words: str) -> list[str]:
        """A kubectl command line."""
        return [str(KUBECTL), f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.home}/cache", *words]

    def kubectl(self, *words: str, given: object = None, code: int = 0) -> str:
        """What kubectl says, on both channels; it must end with ``code``."""
        text = None if given is None else json.dumps(given)
        done = subprocess.run(self.command(*words), input=text, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr


def _kubeconfig(url: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "plane", "cluster": {"server": url}}],
        "users": [{"name": "plane", "user": {}}],
        "contexts": [{"name": "plane", "context": {"cluster": "plane", "user": "plane"}}],
        "current-context": "plane",
    }


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    running = Plane(tmp_path_factory.mktemp("plane"))
    yield running
    running.process.kill()
    running.process.wait()


@pytest.fixture(scope="module")
def custom(plane: Plane) -> kubernetes_client.CustomObjectsApi:
    return kubernetes_client.CustomObjectsApi(config.new_client_from_config(str(plane.kubeconfig)))


def test_kubectl_applies_twice(plane: Plane) -> None:
    """Created, then unchanged, then configured, with kubectl's own strict validation."""
    apply = ("apply", "-f", "-")

    assert "created" in plane.kubectl(*apply, given=deployment("applied"))
    assert "unchanged" in plane.kubectl(*apply, given=deployment("applied"))
    assert "configured" in plane.kubectl(*apply, given=deployment("applied", replicas=2))
    diff = plane.kubectl("diff", "-f", "-", given=deployment("applied", replicas=3), code=1)
    assert "+  replicas: 3" in diff
    assert 'unknown field "spec.replica"' in plane.kubectl(*apply, given=deployment("wrong", replica=2), code=1)


def test_kubectl_shows(plane: Plane) -> None:
    """Tables, YAML, JSON, descriptions, explanations, lists of kinds."""
    plane.kubectl("create", "-f", "-", given=deployment("shown"))
    status = {"status": {"state": "Available", "traffic": {"v1": 95, "v2": 5}, "address": {"url": "http://there"}}}
    plane.kubectl("patch", "sdep", "shown", "--subresource=status", "--type=merge", "-p", json.dumps(status))

    assert "v1=95 v2=5" in plane.kubectl("get", "sdep,mro")
    assert "http://there" in plane.kubectl("get", "sdep", "shown", "-o", "wide")
    assert "state: Available" in plane.kubectl("get", "sdep", "shown", "-o", "yaml")
    assert json.loads(plane.kubectl("get", "sdep", "shown", "-o", "json"))["status"] == status["status"]
    assert "Events:" in plane.kubectl("describe", "sdep", "shown")
    assert "share of the traffic" in plane.kubectl("explain", "sdep.spec")
    assert "modelrollouts" in plane.kubectl("api-resources")


def test_kubectl_changes(plane: Plane) -> None:
    """Merge and JSON patch, label, replace; a strategic patch is refused as real servers do."""
    plane.kubectl("create", "-f", "-", given=deployment("changed"))
    operations = '[{"op":"replace","path":"/spec/replicas","value":3}]'

    plane.kubectl("patch", "sdep", "changed", "--type=merge", "-p", '{"spec":{"replicas":2}}')
    plane.kubectl("patch", "sdep", "changed", "--type=json", "-p", operations)
    plane.kubectl("label", "sdep", "changed", "stage=live")
    read = json.loads(plane.kubectl("get", "sdep", "changed", "-o", "json"))
    assert (read["spec"]["replicas"], read["metadata"]["labels"]["stage"]) == (3, "live")

    plane.kubectl("replace", "-f", "-", given=read | {"spec": deployment("x", replicas=4)["spec"]})
    assert plane.kubectl("get", "sdep", "changed", "-o", "jsonpath={.spec.replicas}") == "4"
    assert "Conflict" in plane.kubectl("replace", "-f", "-", given=read, code=1)
    assert "not supported" in plane.kubectl("patch", "sdep", "changed", "-p", "{}", code=1)


def test_kubectl_waits_and_watches(plane: Plane, custom: kubernetes_client.CustomObjectsApi) -> None:
    """``wait --for=jsonpath`` ends when the status says so, and ``get -w`` shows it."""
    plane.kubectl("create", "-f", "-", given=deployment("awaited"))
    waiting = plane.command("wait", "--for=jsonpath={.status.state}=Available", "sdep/awaited", "--timeout=20s")
    watching = plane.command("get", "sdep", "awaited", "-w")
    with (
        subprocess.Popen(waiting, stdout=subprocess.PIPE, text=True) as waiter,
        subprocess.Popen(watching, stdout=subprocess.PIPE, text=True) as watcher,
    ):
        assert watcher.stdout is not None
        first = [watcher.stdout.readline() for _ in range(2)]
        custom.patch_namespaced_custom_object_status(*SDEP, "awaited", {"status": {"state": "Available"}})
        then = watcher.stdout.readline()
        said, _ = waiter.communicate(timeout=20)
        watcher.kill()

    assert [line.split()[0] for line in first] == ["NAME", "awaited"]
    assert then.split()[:2] == ["awaited", "Available"]
    assert (waiter.returncode, "condition met" in said) == (0, True)


def test_kubectl_handles_core_kinds(plane: Plane) -> None:
    """Secrets and the like, which kubectl sends as protobuf, patches strategically and reads as JSON."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "applied"}, "stringData": {"user": "me"}}

    plane.kubectl("create", "namespace", "team")
    plane.kubectl("create", "secret", "generic", "keys", "--from-literal=user=me", "-n", "team")
    plane.kubectl("apply", "-f", "-", given=secret)
    plane.kubectl("apply", "-f", "-", given=secret | {"stringData": {"user": "you"}})

    assert plane.kubectl("get", "secret", "keys", "-n", "team", "-o", "jsonpath={.data.user}") == "bWU="
    assert plane.kubectl("get", "secret", "applied", "-o", "jsonpath={.data.user}") == "eW91"
    plane.kubectl("delete", "namespace", "team")
    assert "No resources found" in plane.kubectl("get", "secrets", "-n", "team")


def test_kubectl_deletes(plane: Plane) -> None:
    """By name, and once more with its own words for nothing there."""
    plane.kubectl("create", "-f", "-", given=deployment("deleted"))

    assert "deleted" in plane.kubectl("delete", "sdep", "deleted")
    assert '"deleted" not found' in plane.kubectl("delete", "sdep", "deleted", code=1)


def test_the_official_client_works_unchanged(plane: Plane, custom: kubernetes_client.CustomObjectsApi) -> None:
    """Create, watch, patch, replace, delete; typed core objects too."""
    created = custom.create_namespaced_custom_object(*SDEP, deployment("official"))
    since = created["metadata"]["resourceVersion"]

    custom.patch_namespaced_custom_object(*SDEP, "official", {"spec": {"replicas": 2}})
    custom.patch_namespaced_custom_object_status(*SDEP, "official", {"status": {"state": "Failed"}})
    custom.delete_namespaced_custom_object(*SDEP, "official")
    events = watch.Watch().stream(
        custom.list_namespaced_custom_object, *SDEP, resource_version=since, timeout_seconds=1
    )

    assert [event["type"] for event in events] == ["MODIFIED", "MODIFIED", "DELETED"]
    core = kubernetes_client.CoreV1Api(custom.api_client)
    body = kubernetes_client.V1ConfigMap(metadata=kubernetes_client.V1ObjectMeta(name="a"), data={"b": "c"})
    assert core.create_namespaced_config_map("default", body).data == {"b": "c"}
    assert core.patch_namespaced_config_map("a", "default", {"data": {"d": "e"}}).data == {"b": "c", "d": "e"}
    with pytest.raises(kubernetes_client.ApiException) as raised:
        custom.get_namespaced_custom_object(*SDEP, "official")
    assert raised.value.status == 404


@pytest.fixture(params=["plain", "official"])
def objects(plane: Plane, tmp_path: Path, request: pytest.FixtureRequest) -> Objects:
    """Our own client, through either door: a token in the kubeconfig is what the plain one does not know."""
    document = _kubeconfig(plane.url)
    document["users"][0]["user"] = {} if request.param == "plain" else {"token": "any"}
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(document))
    return Objects(kubeconfig=path)


def test_our_own_client_reads_writes_and_waits(objects: Objects) -> None:
    """JSON in, JSON out; each refusal is an error that says who is to act."""
    created = objects.create(deployment("ours"))
    objects.patch("SeldonDeployment", "ours", {"spec": {"replicas": 2}})
    report = {"status": {"state": "Available"}}
    timer = threading.Timer(0.3, objects.patch, ("SeldonDeployment", "ours", report), {"status": True})
    timer.start()

    seen = objects.wait("SeldonDeployment", "ours", lambda obj: obj.get("status") == report["status"], deadline=10)

    timer.join()
    assert seen["spec"]["replicas"] == 2
    assert [obj["metadata"]["name"] for obj in objects.list("SeldonDeployment", labels="app=ours")] == ["ours"]
    with pytest.raises(ConflictError, match="409"):
        objects.replace(created)
    with pytest.raises(ConflictError, match="already exists"):
        objects.create(deployment("ours"))
    with pytest.raises(RefusedError, match=r"spec\.replicas.*expected"):
        objects.patch("SeldonDeployment", "ours", {"spec": {"replicas": "two"}})
    with pytest.raises(DeadlineError, match=r"not away .*Available"):
        objects.wait("SeldonDeployment", "ours", lambda _obj: False, deadline=0.3, message="away")
    objects.delete("SeldonDeployment", "ours")
    with pytest.raises(NotFoundError):
        objects.get("SeldonDeployment", "ours")


def test_nobody_there_is_said_so(tmp_path: Path) -> None:
    """An API that does not answer: where we asked, and what to check."""
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(_kubeconfig(f"http://127.0.0.1:{free_port()}")))

    with pytest.raises(UnreachableError, match="is the plane up"):
        Objects(kubeconfig=path).get("Secret", "a")
