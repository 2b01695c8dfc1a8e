"""What has to be there before a plane starts: programs, libraries, space, ports. Each refusal is one sentence."""

import importlib.util
import shutil
from collections.abc import Collection
from dataclasses import asdict

from sluicegate.pipelines.plane.errors import HomeError, MissingPartError, PortError
from sluicegate.pipelines.plane.home import Home, Ports
from sluicegate.serving.gateway.binary import find_envoy
from sluicegate.serving.gateway.errors import GatewayMissingError
from sluicegate.serving.local.ports_allocation import is_free

NEEDED_BYTES = 200 << 20
LIBRARIES = {
    "starlette": "plane",
    "uvicorn": "plane",
    "jsonpatch": "plane",
    "mlflow": "mlflow",
    "sklearn": "serving",
    "prometheus_client": "monitoring",
    "scipy": "monitoring",
}
"""Libraries that the plane's processes load, and the extra that brings each."""


def check_installed() -> None:
    """Raises MissingPartError, naming the extra."""
    for library, extra in LIBRARIES.items():
        if importlib.util.find_spec(library) is None:
            raise MissingPartError(f"{library} is not installed; run: pip install 'sluicegate[{extra}]'")
    try:
        find_envoy()
    except GatewayMissingError as error:
        raise MissingPartError(str(error)) from error


def check_space(home: Home) -> None:
    """Raises HomeError when the disk is as good as full."""
    free = shutil.disk_usage(home.path).free
    if free < NEEDED_BYTES:
        raise HomeError(
            f"{home.path}: {free >> 20} MiB are free on that disk, {NEEDED_BYTES >> 20} MiB are needed; "
            "free some space, or choose another --home"
        )


def check_ports(ports: Ports, ours: Collection[int]) -> None:
    """Raises PortError when somebody else listens on one of them. ``ours``: ports of our own running processes."""
    for name, port in asdict(ports).items():
        if port not in ours and not is_free(port):
            option = "--" + name.replace("_", "-") + "-port"
            raise PortError(f"port {port} ({name}) is in use; end what listens there, or choose another with {option}")
