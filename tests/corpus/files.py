"""The corpus: small Argo workflows, one feature each, and beside each what the real controller made of it.

A file holds one Workflow and the WorkflowTemplates and ConfigMaps that it needs; its first line says what it shows. The
recording has the same name and ends in ``.json``.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

JSON = dict[str, Any]
FOLDER = Path(__file__).parent / "argo"


@dataclass(frozen=True, slots=True)
class Case:
    """One workflow of the corpus."""

    path: Path

    @property
    def name(self) -> str:
        """The workflow's name, which is the file's."""
        return self.path.stem

    @property
    def shows(self) -> str:
        """What it shows: the comment in the first line."""
        return self.path.read_text().partition("\n")[0].removeprefix("#").strip()

    @property
    def documents(self) -> list[JSON]:
        """All objects of the file."""
        return list(yaml.safe_load_all(self.path.read_text()))

    @property
    def workflow(self) -> JSON:
        """The Workflow."""
        return next(each for each in self.documents if each["kind"] == "Workflow")

    @property
    def beside(self) -> list[JSON]:
        """What the Workflow needs: WorkflowTemplates and ConfigMaps."""
        return [each for each in self.documents if each["kind"] != "Workflow"]

    @property
    def recording_path(self) -> Path:
        """Where its recording lies."""
        return self.path.with_suffix(".json")

    @property
    def recording(self) -> JSON:
        """What the controller made of it."""
        return dict(json.loads(self.recording_path.read_text()))


def corpus() -> list[Case]:
    """All workflows, by name."""
    return [Case(path) for path in sorted(FOLDER.glob("*.yaml"))]
