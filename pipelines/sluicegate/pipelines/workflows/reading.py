"""Reads a manifest: a document in, a value out, or the reasons why not."""

import re
from typing import Any

import msgspec

from sluicegate.pipelines.workflows.errors import ManifestError
from sluicegate.pipelines.workflows.manifest import TEMPLATE_KINDS, Manifest, Template
from sluicegate.pipelines.workflows.refusals import refused

_KINDS = {"Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate"}
_UNKNOWN = re.compile(r"unknown field `(?P<field>[^`]+)`(?: - at `\$(?P<path>[^`]*)`)?")


def read(document: Any, source: str = "manifest") -> Manifest:
    """Read one YAML document.

    Raises ManifestError that names every field which this runner refuses, or the first that it does not know.
    """
    if not isinstance(document, dict) or document.get("kind") not in _KINDS:
        found = document.get("kind") if isinstance(document, dict) else type(document).__name__
        raise ManifestError(f"{source}: expected an object of kind Workflow or WorkflowTemplate, found {found!r}")
    if document.get("apiVersion") != "argoproj.io/v1alpha1":
        raise ManifestError(
            f"{source}: apiVersion: found {document.get('apiVersion')!r}; expected 'argoproj.io/v1alpha1'"
        )
    reasons = [f"{source}: {found}" for found in refused(document.get("spec") or {})]
    if reasons:
        raise ManifestError("\n".join(reasons))
    try:
        manifest = msgspec.convert(_without_nothing(document), Manifest)
    except msgspec.ValidationError as error:
        raise ManifestError(f"{source}: {_words(error)}") from error
    for template in manifest.spec.templates:
        one_kind(template, source)
    return manifest


def _words(error: msgspec.ValidationError) -> str:
    match = _UNKNOWN.search(str(error))
    if match is None:
        return f"{error}; see docs/reference/argo-fields.md for what the local runner honours"
    place = f"{(match['path'] or '').lstrip('.')}.{match['field']}".lstrip(".")
    return (
        f"unknown field `{match['field']}` at {place}; the local runner honours no such field, so it refuses the file"
    )


def _without_nothing(value: Any) -> Any:
    """The document without keys of no value (``suspend: null``), which Argo reads as absent; ``suspend: {}`` stays."""
    if isinstance(value, dict):
        return {key: _without_nothing(part) for key, part in value.items() if part is not None}
    return [_without_nothing(part) for part in value] if isinstance(value, list) else value


def one_kind(template: Template, source: str) -> None:
    """Refuse a template that is of no kind, or of several."""
    kinds = [name for name in TEMPLATE_KINDS if getattr(template, name) is not None]
    if len(kinds) != 1:
        found, known = ", ".join(kinds) or "none", ", ".join(TEMPLATE_KINDS)
        raise ManifestError(
            f"{source}: spec.templates[{template.name}]: found {found}; expected exactly one of {known}"
        )
