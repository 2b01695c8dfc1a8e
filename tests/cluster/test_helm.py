"""The chart with pods: installed, changed and removed by Helm's own command, as the pages say; then nothing is left.

The definitions go as well, so a cluster is left alone that serves deployments which are not the test's.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.cluster import image_rig, storages
from tests.cluster import operator_rig as rig
from tests.cluster.kubectl import Kubectl
from tests.cluster.page_rig import REGISTRY, Reader, blocks
from tests.cluster.remains import nothing_remains, remains
from tests.waiting import wait_until

pytestmark = [pytest.mark.full, pytest.mark.timeout(420)]
INSTALL = next(block.strip() for block in blocks("Install") if block.startswith("helm install"))
UPGRADE = (
    "helm upgrade sluicegate sluicegate/manifests/helm/sluicegate --namespace sluicegate --reset-then-reuse-values"
)


@pytest.fixture
def reader(kubectl: Kubectl, before: set[str], tmp_path: Path) -> Iterator[Reader]:
    """Somebody with Helm, who installed the chart as the page says, with the images that are tested."""
    storages.need(storages.S3)
    if shutil.which("helm") is None:
        pytest.skip("helm, the command, is not on PATH")
    reader = Reader(tmp_path, kubectl)
    reader.types(f"{INSTALL.replace(REGISTRY, image_rig.PREFIX)} --set image.tag={image_rig.TAG} --wait --timeout 110s")
    yield reader
    kubectl("delete", "secret", "s3", "--ignore-not-found")


@pytest.fixture
def url(reader: Reader, kubectl: Kubectl, tmp_path: Path) -> Iterator[str]:
    """Where a model is asked that is served."""
    model = rig.Model("1", tmp_path / "bundle", "helm")
    kubectl("apply", "-f", "-", stdin=rig.secret())
    kubectl("apply", "-f", "-", stdin=rig.deployment(rig.NAME, model))
    wait_until(lambda: rig.served_by(kubectl) == 2, 120, "served by two")
    host = kubectl.within(rig.HOME).json("get", "service", "sluicegate-gateway")["spec"]["clusterIP"]
    yield f"http://{host}/seldon/{kubectl.namespace}/{rig.NAME}/api/v1.0/predictions"
    storages.bucket().rm(f"{storages.BUCKET}/helm", recursive=True)


def test_a_release_serves_is_changed_without_a_lost_request_and_leaves_nothing(
    reader: Reader, kubectl: Kubectl, before: set[str], url: str
) -> None:
    """The change replaces all operators and all Envoys."""
    more = "--set gateway.replicas=3 --set settings.logLevel=DEBUG --set gateway.podLabels.tried=yes"
    assert httpx.post(url, json=rig.ROW).status_code == 200
    with rig.Load(url) as load:
        reader.types(f"{UPGRADE} {more} --wait --timeout 110s")
        wait_until(lambda: load.answers["200"] > 500, 60, "requests afterwards")
    gateways = kubectl.within(rig.HOME).json("get", "pods", "-l", "tried=yes")["items"]
    assert (load.failures, len(gateways)) == ([], 3)
    assert remains(kubectl) - before

    reader.types(blocks("Remove")[0].splitlines()[0])
    reader.types(blocks("Remove")[1])

    nothing_remains(kubectl, before)
