"""The page's section on removal, played as it is written: afterwards nothing of ours is on the cluster.

These tests remove every SeldonDeployment of the cluster, and the definitions. They leave a cluster alone that serves
any which they did not make.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster import operator_rig as rig
from tests.cluster import storages
from tests.cluster.kubectl import Kubectl
from tests.cluster.page_rig import Reader, blocks
from tests.cluster.remains import nothing_remains, remains
from tests.waiting import wait_until

pytestmark = [pytest.mark.full, pytest.mark.timeout(420)]
NAME = "flights"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[rig.Model]:
    """A version of a model in S3."""
    storages.need(storages.S3)
    yield rig.Model("1", tmp_path_factory.mktemp("bundles") / "1", "removal")
    storages.bucket().rm(f"{storages.BUCKET}/removal", recursive=True)


@pytest.fixture
def reader(before: set[str], kubectl: Kubectl, model: rig.Model, tmp_path: Path) -> Iterator[Reader]:
    """Somebody who installed it as the page says, and serves a model in the namespace ``default``."""
    reader = Reader(tmp_path, kubectl)
    reader.types(blocks("Install")[1])
    for name in ("operator", "collector", "gateway"):
        reader.types(f"kubectl -n {rig.HOME} rollout status deployment/sluicegate-{name} --timeout=110s")
    reader.types(blocks("Let a new version in")[0].splitlines()[0])
    kubectl("apply", "-f", "-", stdin=rig.secret())
    kubectl("apply", "-f", "-", stdin=rig.deployment(NAME, model))
    wait_until(lambda: "Available" in reader.types(f"kubectl get sdep {NAME}"), 120, "served")
    yield reader
    kubectl("delete", "secret", "s3", "--ignore-not-found")


def test_it_is_removed_as_the_page_says(reader: Reader, kubectl: Kubectl, before: set[str]) -> None:
    assert remains(kubectl) - before

    reader.types(blocks("Remove")[0])

    nothing_remains(kubectl, before)


def test_an_operator_that_is_gone_first_does_not_hold_it_up(reader: Reader, kubectl: Kubectl, before: set[str]) -> None:
    """Its webhook is asked about by a configuration that says Fail, and nobody answers."""
    reader.types(f"kubectl delete namespace {rig.HOME}")
    refused = kubectl.run("label", "sdep", NAME, "team=a")

    reader.types(blocks("Remove")[0].replace("kubectl delete -k .", "kubectl delete -k . --ignore-not-found"))

    assert refused.returncode == 0, "what changes no spec is not asked about"
    nothing_remains(kubectl, before)
