"""Files that travel in the wheel: the compiled WorkflowTemplates, for the plane and for ``submit``."""

from importlib.resources import files
from typing import Any

import yaml

_FOLDER = files("sluicegate.pipelines") / "templates"


def workflow_templates() -> dict[str, dict[str, Any]]:
    """The shipped WorkflowTemplates by file name, as plain objects."""
    found = sorted(_FOLDER.iterdir(), key=lambda entry: entry.name)
    return {entry.name: dict(yaml.safe_load(entry.read_text())) for entry in found if entry.name.endswith(".yaml")}
