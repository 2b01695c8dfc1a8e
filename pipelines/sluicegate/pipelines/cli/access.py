"""Which API a command talks to: the plane's of ``--home``, else the cluster's of ``KUBECONFIG``."""

import os
from pathlib import Path

from sluicegate.pipelines.cli.client import Api, RequestFailedError
from sluicegate.pipelines.cli.options import running_plane
from sluicegate.pipelines.plane.errors import NotRunningError
from sluicegate.pipelines.plane.home import PlaneFile
from sluicegate.serving.client.doors import PlainDoor, door
from sluicegate.serving.client.errors import ClientError


def api_of(home: Path) -> Api:
    """The plane's, else the cluster's. Raises NotRunningError when there is neither, RequestFailedError."""
    try:
        return api_of_plane(running_plane(home)[1])
    except NotRunningError:
        if not names_a_cluster(home):
            raise
    try:
        return Api(door())
    except ClientError as error:
        raise RequestFailedError(str(error)) from error


def api_of_plane(plane: PlaneFile) -> Api:
    """That of a plane on this machine."""
    return Api(PlainDoor(plane.ports.addresses()["api"]))


def names_a_cluster(home: Path) -> bool:
    """Whether ``KUBECONFIG`` names a file, and not that of a plane which is down."""
    named = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return bool(named) and Path(named).exists() and Path(named).resolve().parent != home.expanduser().resolve()
