"""The built images in a real cluster: fetched, proven, ready, answering, refusing in words, drained without a loss.

They must be where the node pulls from: `make images IMAGES="server-sklearn storage-initializer" REGISTRY=… PUSH=1`.
"""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cluster import image_rig, storages
from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

ROW = {"data": {"names": ["a", "b", "c", "d"], "ndarray": [[0.5, -1, 2, 0]]}}
OPEN_INFERENCE = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP64", "data": [0.5, -1, 2, 0]}]}
PULL_FAILURES = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName"}


@pytest.fixture(scope="module")
def restricted(kubectl: Kubectl) -> Iterator[Kubectl]:
    """A namespace that admits only what Pod Security's level `restricted` does."""
    storages.need(storages.S3)
    name = f"test-images-{uuid.uuid4().hex[:6]}"
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    yield kubectl.within(name)
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle on this machine."""
    return image_rig.bundle_of(tmp_path_factory.mktemp("bundles") / "1")


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    """A prefix in the bucket."""
    prefix = f"test-images-{uuid.uuid4().hex[:8]}"
    yield prefix
    storages.bucket().rm(f"{storages.BUCKET}/{prefix}", recursive=True)


@pytest.fixture(scope="module")
def address(restricted: Kubectl, bundle: Path, place: str) -> str:
    """Two ready replicas behind a Service; where it is."""
    restricted("apply", "-f", "-", stdin=image_rig.deployment("flights", storages.upload(bundle, f"{place}/good"), 2))
    restricted("apply", "-f", "-", stdin=image_rig.service("flights"))
    wait_until(lambda: pulled(restricted) and ready_replicas(restricted) == 2, 120, "two replicas are ready")
    found = f"http://{restricted.json('get', 'service', 'flights')['spec']['clusterIP']}:9000"
    # Ready pods are behind their Service a moment later: nodes bring their tables after it once a second.
    wait_until(lambda: answers(found), 30, "the Service leads to them")
    return found


def answers(address: str) -> bool:
    """Whether somebody takes connections there."""
    try:
        return httpx.get(f"{address}/ready", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def statuses(pod: Any) -> list[Any]:
    """Of all its containers."""
    status = pod["status"]
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def pulled(kubectl: Kubectl) -> bool:
    """Always true; it fails when an image cannot be pulled, which no waiting mends."""
    for pod in kubectl.json("get", "pods")["items"]:
        for each in statuses(pod):
            waiting = each["state"].get("waiting", {})
            assert waiting.get("reason") not in PULL_FAILURES, f"push the images first: {waiting}"
    return True


def ready_replicas(kubectl: Kubectl) -> int:
    """Of the Deployment."""
    return int(kubectl.json("get", "deployment", "flights")["status"].get("readyReplicas", 0))


def ended(kubectl: Kubectl, name: str, container: str) -> Callable[[], Any]:
    """How a container of a pod ended, when it has."""

    def look() -> Any:
        found = [each for each in statuses(kubectl.json("get", "pod", name)) if each["name"] == container]
        return pulled(kubectl) and found and found[0]["state"].get("terminated")

    return look


def test_it_answers_in_seldons_protocol(address: str) -> None:
    answer = httpx.post(f"{address}/api/v1.0/predictions", json=ROW).json()

    assert answer["data"]["names"] == ["on-time", "late"]
    assert sum(answer["data"]["ndarray"][0]) == pytest.approx(1.0)


def test_it_answers_in_open_inference(address: str) -> None:
    answer = httpx.post(f"{address}/v2/models/flights/infer", json=OPEN_INFERENCE).json()

    assert answer["outputs"][0]["shape"] == [1, 2]


def test_the_bundle_was_proven(address: str) -> None:
    assert httpx.get(f"{address}/ready").json()["verified"] is True


def test_its_lines_are_json(address: str, restricted: Kubectl) -> None:
    lines = restricted("logs", "deployment/flights", "-c", "model").splitlines()

    assert [json.loads(line)["message"] for line in lines] == ["listening", "ready"]


def test_nothing_but_its_volumes_can_be_written(address: str, restricted: Kubectl) -> None:
    script = "import os; print(os.getuid(), [p for p in ('/', '/opt', '/opt/code', '/tmp') if os.access(p, os.W_OK)])"

    said = restricted("exec", "deployment/flights", "-c", "model", "--", "python", "-c", script)

    assert said.strip() == "8888 ['/tmp']"


def test_a_restart_under_load_loses_no_request(address: str, restricted: Kubectl) -> None:
    """Each request is a connection of its own, as the Service chooses a pod for each connection."""
    failures, answered, done = list[str](), list[int](), threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:
                answer = httpx.post(f"{address}/api/v1.0/predictions", json=ROW, timeout=10)
                answered.append(answer.status_code)
            except httpx.HTTPError as error:
                failures.append(repr(error))

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    before = pods(restricted)
    restricted("rollout", "restart", "deployment/flights")
    wait_until(lambda: not pods(restricted) & before, 110, "all pods are new ones")
    done.set()
    for thread in asking:
        thread.join()

    assert failures == []
    assert set(answered) == {200}


def pods(kubectl: Kubectl) -> set[str]:
    """Names of the Deployment's pods."""
    return {each["metadata"]["name"] for each in kubectl.json("get", "pods", "-l", "app=flights")["items"]}


def test_a_tampered_bundle_is_refused_in_the_pods_status(restricted: Kubectl, bundle: Path, place: str) -> None:
    storages.upload(bundle, f"{place}/tampered")
    model = f"{storages.BUCKET}/{place}/tampered/model.joblib"
    storages.bucket().pipe_file(model, (bundle / "model.joblib").read_bytes() + b" ")
    spec = image_rig.pod_spec(f"s3://{storages.BUCKET}/{place}/tampered")

    restricted("apply", "-f", "-", stdin=image_rig.pod("tampered", spec))

    end = wait_until(ended(restricted, "tampered", "model"), 90)
    assert end["exitCode"] == 78
    assert end["message"].splitlines()[-1].startswith("refused: model.joblib: found sha256:")


def test_a_model_that_is_not_there_is_said_in_the_pods_status(restricted: Kubectl, place: str) -> None:
    spec = image_rig.pod_spec(f"s3://{storages.BUCKET}/{place}/missing")

    restricted("apply", "-f", "-", stdin=image_rig.pod("missing", spec))

    end = wait_until(ended(restricted, "missing", "fetch"), 90)
    assert "nothing there; check bucket and path" in end["message"]
