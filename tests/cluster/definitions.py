"""Our custom resource definitions on the cluster: every module needs them, and some remove them."""

from pathlib import Path

from tests.cluster.kubectl import Kubectl
from tests.waiting import wait_until

CRDS = Path(__file__).parents[2] / "manifests" / "install" / "crds"
NAMES = ("seldondeployments.machinelearning.seldon.io", "modelrollouts.sluicegate.dev")


def define(kubectl: Kubectl) -> None:
    """Put them there by a client-side apply, and wait until the kinds are served."""
    kubectl("apply", "--server-side=false", "-f", str(CRDS))
    # kubectl's own wait fails on a definition so new that it has no conditions yet.
    established = ("wait", "--for=condition=Established", "--timeout=5s", *(f"crd/{name}" for name in NAMES))
    wait_until(lambda: kubectl.run(*established).returncode == 0, 30, "the definitions are established")
    wait_until(lambda: kubectl.run("get", "sdep,mro").returncode == 0, 20, "the kinds are served")
