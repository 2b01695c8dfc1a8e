"""Which API a command talks to."""

from pathlib import Path

from sluicegate.pipelines.cli.client import Api, api_of_kubeconfig, kubeconfig_path
from sluicegate.pipelines.cli.options import running_plane
from sluicegate.pipelines.plane.errors import NotRunningError


def api_of(home: Path) -> Api:
    """The plane's of ``home``, else that of ``KUBECONFIG``. Raises NotRunningError when there is neither."""
    try:
        _, plane = running_plane(home)
    except NotRunningError:
        path = kubeconfig_path()
        if path is None or not path.exists() or path.parent == home.expanduser().resolve():
            raise
        return api_of_kubeconfig(path)
    return Api(plane.ports.addresses()["api"])
