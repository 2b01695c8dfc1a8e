"""An earlier commit's installation becomes the present one while somebody asks without a pause: nothing is lost.

First everything but the pods of models: these stay the very same. Then what is made of a deployment changes as well,
and its pods are replaced, one after another.
"""

import json
from collections.abc import Iterator

import httpx
import pytest
from tests.cluster import earlier, storages
from tests.cluster import operator_rig as rig
from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

pytestmark = [pytest.mark.full, pytest.mark.timeout(420)]
NAMES = ("flights", "hotels")
MORE = json.dumps({"requests": {"cpu": "60m", "memory": "200Mi"}})


@pytest.fixture(scope="module")
def serving(kubectl: Kubectl, namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """The earlier installation, which serves two deployments; kubectl in their namespace."""
    storages.need(storages.S3)
    folder = tmp_path_factory.mktemp("earlier")
    objects = rig.installation(kubectl, manifests=earlier.manifests(folder), tag=earlier.TAG)
    rig.install(kubectl, objects)
    model, mine = rig.Model("1", folder / "bundle", namespace), kubectl.within(namespace)
    mine("apply", "-f", "-", stdin=rig.secret())
    for name in NAMES:
        mine("apply", "-f", "-", stdin=rig.deployment(name, model, replicas=2 if name == NAMES[0] else 1))
    wait_until(lambda: states(mine) == ["Available"] * len(NAMES), 150, "all is served")
    yield mine
    mine("delete", "sdep", "--all", "--cascade=foreground", "--timeout=100s")
    rig.uninstall(kubectl, objects)
    storages.bucket().rm(f"{storages.BUCKET}/{namespace}", recursive=True)


def states(kubectl: Kubectl) -> list[str]:
    """Of every deployment in the namespace."""
    return [each.get("status", {}).get("state", "") for each in kubectl.json("get", "sdep")["items"]]


def pods(kubectl: Kubectl) -> set[tuple[str, int]]:
    """Which there are, and how often their containers began anew."""
    found = kubectl.json("get", "pods")["items"]
    return {(each["metadata"]["uid"], each["status"]["containerStatuses"][0]["restartCount"]) for each in found}


def url(kubectl: Kubectl, name: str) -> str:
    """Where predictions are asked for, through the gateway."""
    host = kubectl.within(rig.HOME).json("get", "service", "sluicegate-gateway")["spec"]["clusterIP"]
    return f"http://{host}/seldon/{kubectl.namespace}/{name}/api/v1.0/predictions"


def upgrade(kubectl: Kubectl, **told: str) -> list[rig.Load]:
    """Apply the present manifests, told so, while both deployments are asked; what came of it."""
    with rig.Load(url(kubectl, NAMES[0]), 2) as first, rig.Load(url(kubectl, NAMES[1]), 1) as second:
        home = rig.install(kubectl, rig.installation(kubectl, **told))
        image = home.json("get", "deployment", "sluicegate-operator")["spec"]["template"]["spec"]["containers"][0]
        wait_until(lambda: leader_runs(home, image["image"]), 60, "a present operator leads")
        kubectl("rollout", "status", "deployment", "--timeout=100s")
        wait_until(lambda: all(each.answers["200"] > 100 for each in (first, second)), 60, "requests afterwards")
    return [first, second]


def leader_runs(home: Kubectl, image: str) -> bool:
    """Whether the leader is a pod of this image."""
    holder = home.json("get", "lease", "sluicegate-operator")["spec"]["holderIdentity"]
    found = home.run("get", "pod", holder, "-o", "jsonpath={.spec.containers[0].image}")
    return found.stdout == image


def test_an_upgrade_loses_no_request_and_replaces_no_model(serving: Kubectl) -> None:
    before = pods(serving)

    first, second = upgrade(serving, SLUICEGATE_IMAGE_VERSION=earlier.TAG)

    assert (first.failures, second.failures) == ([], [])
    assert pods(serving) == before
    assert states(serving) == ["Available"] * len(NAMES)


def test_an_upgrade_that_changes_what_models_run_in_loses_no_request(serving: Kubectl) -> None:
    """Even for the one of a single pod: its successor answers first."""
    before = {uid for uid, _ in pods(serving)}

    first, second = upgrade(serving, SLUICEGATE_SERVER_RESOURCES=MORE)

    assert (first.failures, second.failures) == ([], [])
    wait_until(lambda: not before & {uid for uid, _ in pods(serving)}, 60, "every pod is a new one")
    assert httpx.post(url(serving, NAMES[1]), json=rig.ROW).status_code == 200
