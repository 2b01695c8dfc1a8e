"""A graph on a real cluster: in the engine's process, or led through several containers, whatever the units speak."""

from collections.abc import Iterator

import httpx
import pytest
from tests.cluster import operator_rig as rig
from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

ENGINE = "seldon-container-engine"
pytestmark = pytest.mark.timeout(300)


def graph(name: str, models: dict[str, rig.Model], transport: str) -> rig.JSON:
    """The mean of two versions, fused or each in a container of its own."""
    made = rig.deployment(name, models["1"], replicas=1)
    predictor = made["spec"]["predictors"][0]
    first = predictor["graph"]
    predictor["graph"] = {
        "name": "mean",
        "implementation": "AVERAGE_COMBINER",
        "children": [{**first, "name": "one"}, {**first, "name": "two", "modelUri": models["2"].uri}],
    }
    if transport != "fused":
        made["spec"] |= {"transport": transport, "annotations": {"sluicegate.dev/fuse": "false"}}
    return made


@pytest.fixture(scope="module", params=["fused", "rest", pytest.param("grpc", marks=pytest.mark.full)])
def ensemble(request: pytest.FixtureRequest, serving: Kubectl, models: dict[str, rig.Model]) -> Iterator[str]:
    """Its name, once it says that it is served."""
    name = f"mean-{request.param}"
    serving("apply", "-f", "-", stdin=graph(name, models, request.param))
    wait_until(lambda: rig.status(serving, name).get("state") == "Available", 120, f"{name} is served")
    yield name
    serving("delete", "sdep", name, "--timeout=60s")


def test_what_its_units_say_is_combined(ensemble: str, url: str, serving: Kubectl) -> None:
    answers = [httpx.post(url.replace(rig.NAME, name), json=rig.ROW, timeout=10) for name in (rig.NAME, ensemble)]

    alone, both = (answer.raise_for_status().json() for answer in answers)
    assert both["data"]["names"] == ["on-time", "late"]
    # The two versions are alike, but not the same.
    assert both["data"]["ndarray"][0] == pytest.approx(alone["data"]["ndarray"][0], abs=0.05)
    assert both["data"]["ndarray"] != alone["data"]["ndarray"]
    assert set(both["meta"]["requestPath"]) == {"mean", "one", "two"}


def test_a_unit_that_is_killed_is_started_and_asked_again(ensemble: str, url: str, serving: Kubectl) -> None:
    """Until then requests are refused by name, and the engine is not ready. Fused there is the engine alone."""
    [pod] = [name for name in rig.names(serving, "pods") if name.startswith(ensemble)]
    boxes = [each["name"] for each in serving.json("get", "pod", pod)["spec"]["containers"]]
    assert boxes == [ENGINE] if ensemble == "mean-fused" else set(boxes) == {ENGINE, "one", "two"}
    box = ENGINE if ensemble == "mean-fused" else "two"

    serving("exec", pod, "-c", box, "--", "python", "-c", "import os; os.kill(1, 15)")

    wait_until(lambda: _restarts(serving, pod, box) > 0, 60, "the container was started again")
    address = url.replace(rig.NAME, ensemble)
    wait_until(lambda: httpx.post(address, json=rig.ROW, timeout=10).status_code == 200, 90, "it answers again")
    assert rig.names(serving, "pods").count(pod) == 1


def _restarts(serving: Kubectl, pod: str, box: str) -> int:
    found = serving.json("get", "pod", pod)["status"].get("containerStatuses", [])
    return sum(each["restartCount"] for each in found if each["name"] == box)
