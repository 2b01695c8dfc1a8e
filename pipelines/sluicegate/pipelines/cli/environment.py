"""What steps find in their environment: the plane of ``--home``, where the caller says nothing else."""

import os
from pathlib import Path

from sluicegate.components.emit.running import THREADS
from sluicegate.pipelines.plane.environment import plane_environment
from sluicegate.pipelines.plane.home import Home

DEFAULT_HOME = Path(".sluicegate")


def provide(home: Path) -> None:
    """Complete this process's environment, which its children inherit."""
    found = Home(home)
    plane = found.read()
    told = plane_environment(found, plane.ports) if plane is not None else {}
    for variable, value in {**told, **dict.fromkeys(THREADS, "1")}.items():
        os.environ.setdefault(variable, value)
    # The option is stronger than what was inherited. In a pod there is neither plane nor option, and so no home: what
    # outlives the pod, evidence above all, must not be written to its disk.
    if plane is not None or home != DEFAULT_HOME:
        os.environ["SLUICEGATE_HOME"] = str(found.path)
