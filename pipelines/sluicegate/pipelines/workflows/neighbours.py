"""What lies beside a workflow: the WorkflowTemplates, ConfigMaps and Secrets that it refers to."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sluicegate.pipelines.workflows.errors import ManifestError
from sluicegate.pipelines.workflows.manifest import Manifest
from sluicegate.pipelines.workflows.reading import read

JSON = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Beside:
    """Objects by kind and name."""

    templates: dict[str, Manifest] = field(default_factory=dict)
    config_maps: dict[str, dict[str, str]] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    """Templates that this runner refuses, and why: said only to a workflow that refers to one."""

    @classmethod
    def of(cls, documents: Iterable[tuple[str, JSON]]) -> "Beside":
        """Take documents, each with where it comes from; a later one replaces an earlier one of its name.

        Raises ManifestError for an object of another kind.
        """
        found = cls()
        for source, document in documents:
            found._take(source, document)
        return found

    def _take(self, source: str, document: JSON) -> None:
        kind = document.get("kind")
        name = str((document.get("metadata") or {}).get("name", ""))
        if kind in {"WorkflowTemplate", "ClusterWorkflowTemplate"}:
            self._take_template(name, source, document)
        elif kind == "ConfigMap":
            self.config_maps[name] = {key: str(text) for key, text in (document.get("data") or {}).items()}
        elif kind == "Secret":
            self.secrets[name] = _secret(document, source)
        elif kind != "Workflow":
            raise ManifestError(f"{source}: found an object of kind {kind!r}; beside a workflow may lie {_KINDS}")

    def _take_template(self, name: str, source: str, document: JSON) -> None:
        self.refused.pop(name, None)
        self.templates.pop(name, None)
        try:
            self.templates[name] = read(document, source)
        except ManifestError as error:
            self.refused[name] = str(error)


_KINDS = "WorkflowTemplates, ClusterWorkflowTemplates, ConfigMaps and Secrets"


def _secret(document: JSON, source: str) -> dict[str, str]:
    try:
        coded = {key: base64.b64decode(text, validate=True) for key, text in (document.get("data") or {}).items()}
        texts = {key: text.decode() for key, text in coded.items()}
    except ValueError as error:
        raise ManifestError(f"{source}: data: expected base64 of UTF-8 text: {error}") from error
    return texts | {key: str(text) for key, text in (document.get("stringData") or {}).items()}
