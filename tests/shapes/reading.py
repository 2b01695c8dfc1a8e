"""Small objects, one for each shape that Seldon Core 1.17.1 took; read by tests without and with a cluster."""

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent
ACCEPTED = sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != "refused")


def shapes(name: str) -> list[dict[str, Any]]:
    """Every object of a file."""
    return list(yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text()))
