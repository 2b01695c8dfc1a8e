"""The chart with pods: installed, changed and removed by Helm's own command, as the pages say; then nothing is left.

Once in a namespace of its own, for that namespace; and once for the whole cluster. There the definitions go as well, so
a cluster is left alone that serves deployments which are not the test's.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.cluster import image_rig, storages
from tests.cluster import operator_rig as rig
from tests.cluster.host_operator import need_kinds, set_apart
from tests.cluster.kubectl import Kubectl
from tests.cluster.page_rig import REGISTRY, Reader, blocks
from tests.cluster.remains import nothing_remains, remains
from tests.waiting import wait_until

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]
CHART = "manifests/helm/sluicegate"
INSTALL = next(block.strip() for block in blocks("Install") if block.startswith("helm install"))
PAGE = (rig.ROOT / "docs/reference/helm.md").read_text()
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ALONE, ALONE_NO_MORE = (block.strip() for block in BLOCKS if re.search(r"(--namespace|-n) models", block))
IMAGES = f"--set image.registry={image_rig.PREFIX} --set image.tag={image_rig.TAG}"
CHANGE = (
    "--reset-then-reuse-values --set gateway.replicas=3 --set settings.logLevel=DEBUG --set gateway.podLabels.tried=yes"
)
WAIT = "--wait --timeout 140s"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Model]:
    """A version of a model in S3."""
    storages.need(storages.S3)
    if shutil.which("helm") is None:
        pytest.skip("helm, the command, is not on PATH")
    yield rig.Model("1", tmp_path_factory.mktemp("bundles") / "1", "helm")
    storages.bucket().rm(f"{storages.BUCKET}/helm", recursive=True)


def served(kubectl: Kubectl, model: rig.Model, home: str) -> str:
    """Where it is asked for, once it is served."""
    kubectl("apply", "-f", "-", stdin=rig.secret())
    kubectl("apply", "-f", "-", stdin=rig.deployment(rig.NAME, model))
    wait_until(lambda: rig.served_by(kubectl) == 2, 120, "served by two")
    host = kubectl.within(home).json("get", "service", "sluicegate-gateway")["spec"]["clusterIP"]
    return f"http://{host}/seldon/{kubectl.namespace}/{rig.NAME}/api/v1.0/predictions"


def changed(reader: Reader, home: Kubectl, url: str) -> list[str]:
    """Requests that failed while the release was changed: all operators and all Envoys are replaced."""
    assert httpx.post(url, json=rig.ROW).status_code == 200
    with rig.Load(url) as load:
        reader.types(f"helm upgrade sluicegate sluicegate/{CHART} --namespace {home.namespace} {CHANGE} {WAIT}")
        wait_until(lambda: load.answers["200"] > 500, 60, "requests afterwards")
    assert len(home.json("get", "pods", "-l", "tried=yes")["items"]) == 3
    return load.failures


def test_a_release_for_its_own_namespace_is_changed_without_a_lost_request_and_leaves_nothing(
    kubectl: Kubectl, namespace: str, model: rig.Model, tmp_path: Path
) -> None:
    mine, reader = kubectl.within(namespace), Reader(tmp_path, kubectl)
    need_kinds(kubectl)
    set_apart(mine)
    before = {each for each in remains(kubectl) if namespace in each}
    command = re.sub(r"\bmodels\b", namespace, ALONE).replace(CHART, f"sluicegate/{CHART}")
    reader.types(f"{command} {IMAGES} {WAIT}")
    url = served(mine, model, namespace)

    assert changed(reader, mine, url) == []
    reader.types(re.sub(r"\bmodels\b", namespace, ALONE_NO_MORE))

    wait_until(lambda: {each for each in remains(kubectl) if namespace in each} <= before, 90, "nothing of it is left")


def test_a_release_for_the_cluster_is_changed_without_a_lost_request_and_leaves_nothing(
    kubectl: Kubectl, before: set[str], model: rig.Model, tmp_path: Path
) -> None:
    reader = Reader(tmp_path, kubectl)
    reader.types(f"{INSTALL.replace(REGISTRY, image_rig.PREFIX)} --set image.tag={image_rig.TAG} {WAIT}")
    url = served(kubectl, model, rig.HOME)
    assert remains(kubectl) - before

    assert changed(reader, kubectl.within(rig.HOME), url) == []
    reader.types(blocks("Remove")[0].splitlines()[0])
    reader.types(blocks("Remove")[1])

    kubectl("delete", "secret", "s3", "--ignore-not-found")
    nothing_remains(kubectl, before)
