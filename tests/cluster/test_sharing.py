"""Two operators on one cluster: each looks after what its id marks, and after nothing of the other's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.host_operator import HostOperator, need_kinds
from tests.cluster.kubectl import Kubectl
from tests.cluster.test_idle import PREDICTORS, states
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(180)
MARK = "seldon.io/controller-id"


@pytest.fixture
def two(kubectl: Kubectl, namespace: str, tmp_path: Path) -> Iterator[dict[str, HostOperator]]:
    """Operators ``one`` and ``two`` of this test, which look at all namespaces from the same home."""
    need_kinds(kubectl)
    ids = {each: f"{namespace}-{each}" for each in ("one", "two")}
    made = {
        each: HostOperator(namespace, tmp_path / each, watch="", SLUICEGATE_CONTROLLER_ID=ids[each]) for each in ids
    }
    with made["one"], made["two"]:
        yield made


def apply(kubectl: Kubectl, name: str, mark: str = "") -> None:
    """A deployment that asks for no pods."""
    labels = {"labels": {MARK: mark}} if mark else {}
    deployment = {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": name, **labels},
        "spec": {"predictors": [PREDICTORS["resting"]]},
    }
    kubectl("apply", "-f", "-", stdin=deployment)


def seen(operator: HostOperator) -> int:
    """How often it wrote the status of a deployment."""
    return operator.writes()["update", "seldondeployments.machinelearning.seldon.io/status", 200]


def test_each_looks_after_its_own(two: dict[str, HostOperator], kubectl: Kubectl, namespace: str) -> None:
    """By the object's mark, else by its namespace's; what nobody's id marks is left to the operator without one."""
    mine = kubectl.within(namespace)
    apply(mine, "of-one", f"{namespace}-one")
    apply(mine, "of-nobody")
    wait_until(lambda: states(mine)["of-one"] == "Creating", 30, "the first is looked after")
    assert (seen(two["one"]) > 0, seen(two["two"]), states(mine)["of-nobody"]) == (True, 0, "")

    kubectl("label", "namespace", namespace, f"{MARK}={namespace}-two")
    wait_until(lambda: states(mine)["of-nobody"] == "Creating", 30, "the namespace's operator takes it")

    assert seen(two["two"]) > 0
    assert all(key[2] != 409 for each in two.values() for key in each.requests())


def test_each_has_a_lease_of_its_own(two: dict[str, HostOperator], kubectl: Kubectl, namespace: str) -> None:
    leases = {each["metadata"]["name"] for each in kubectl.within(namespace).json("get", "leases")["items"]}

    assert leases == {f"sluicegate-operator-{namespace}-{each}" for each in ("one", "two")}


def test_one_that_is_marked_anew_changes_hands(two: dict[str, HostOperator], kubectl: Kubectl, namespace: str) -> None:
    """Its objects stay as they are: the next operator finds them."""
    mine = kubectl.within(namespace)
    apply(mine, "wanders", f"{namespace}-one")
    wait_until(lambda: states(mine)["wanders"] == "Creating", 30, "the first is looked after")
    uid = mine.json("get", "deployment", "wanders-main-0-model")["metadata"]["uid"]

    mine("label", "sdep", "wanders", "--overwrite", f"{MARK}={namespace}-two")
    mine("delete", "service", "wanders-main")

    wait_until(lambda: mine.run("get", "service", "wanders-main").returncode == 0, 30, "the second makes it again")
    assert mine.json("get", "deployment", "wanders-main-0-model")["metadata"]["uid"] == uid
    assert any(key[0] == "patch" for key in two["two"].writes())
