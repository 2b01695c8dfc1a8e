"""An operator that runs on this machine for one namespace of the cluster, without webhook and gateway."""

import os
import subprocess
import sys
from pathlib import Path

from tests.cluster import image_rig
from tests.cluster.kubectl import Kubectl
from tests.waiting import free_port

SETTINGS = {"SLUICEGATE_IMAGE_REGISTRY": image_rig.PREFIX, "SLUICEGATE_IMAGE_VERSION": image_rig.TAG}


class OperatorProcess:
    """It runs while the block does."""

    def __init__(self, kubectl: Kubectl, log: Path) -> None:
        self._namespace, self._log = kubectl.namespace, log

    def __enter__(self) -> "OperatorProcess":
        told = {
            "SLUICEGATE_WATCH_NAMESPACE": self._namespace,
            "POD_NAMESPACE": self._namespace,
            "SLUICEGATE_WEBHOOK_PORT": "0",
            "SLUICEGATE_HTTP_PORT": str(free_port()),
            "SLUICEGATE_XDS_PORT": str(free_port()),
        }
        command = [sys.executable, "-m", "sluicegate.serving.operator"]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(command, env=os.environ | SETTINGS | told, stderr=log)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    @property
    def said(self) -> str:
        """Its log."""
        return self._log.read_text()
