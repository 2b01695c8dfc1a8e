"""Argo's ``Workflow`` and ``WorkflowTemplate`` as values: exactly the fields that this runner honours.

Every other field is refused when the file is read, by its path, because a field that is silently ignored changes
what a workflow means. Fields that only a cluster can honour (images, resources, service accounts) are read and have no
effect on one machine. Semantics: Argo Workflows 4, "Fields" reference.
"""

from typing import Any

import msgspec

from sluicegate.pipelines.workflows.errors import ManifestError

Scalar = str | int | float | bool


class Field(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """Base of the views: unknown fields are refused."""


class ValueFrom(Field, frozen=True, kw_only=True):
    """Where an output parameter comes from: a file, or another parameter; ``default`` when that is missing."""

    path: str = ""
    parameter: str = ""
    default: Scalar | None = None
    supplied: dict[str, Any] | None = None


class Parameter(Field, frozen=True, kw_only=True):
    """A named text."""

    name: str
    value: Scalar | None = None
    default: Scalar | None = None
    value_from: ValueFrom | None = None
    description: str = ""
    enum: tuple[Scalar, ...] = ()
    global_name: str = ""


class RawArtifact(Field, frozen=True, kw_only=True):
    """An artefact's content, in the manifest itself."""

    data: str


class Artifact(Field, frozen=True, kw_only=True):
    """A named file or directory."""

    name: str
    path: str = ""
    from_: str = msgspec.field(default="", name="from")
    raw: RawArtifact | None = None
    optional: bool = False


class Inputs(Field, frozen=True, kw_only=True):
    """What a template takes."""

    parameters: tuple[Parameter, ...] = ()
    artifacts: tuple[Artifact, ...] = ()


class Outputs(Field, frozen=True, kw_only=True):
    """What a template leaves."""

    parameters: tuple[Parameter, ...] = ()
    artifacts: tuple[Artifact, ...] = ()


class Arguments(Field, frozen=True, kw_only=True):
    """What a caller gives."""

    parameters: tuple[Parameter, ...] = ()
    artifacts: tuple[Artifact, ...] = ()


class EnvironmentVariable(Field, frozen=True, kw_only=True):
    """One variable of a process, as text."""

    name: str
    value: str = ""


class Container(Field, frozen=True, kw_only=True):
    """A command; on one machine it is a subprocess and the image has no effect."""

    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvironmentVariable, ...] = ()
    working_dir: str = ""
    image_pull_policy: str = ""
    resources: dict[str, Any] = {}
    security_context: dict[str, Any] = {}


class Script(Container, frozen=True, kw_only=True):
    """A source text, run as the command's last argument."""

    source: str = ""


class Resource(Field, frozen=True, kw_only=True):
    """An action on an object, and what to wait for."""

    action: str
    manifest: str = ""
    merge_strategy: str = "merge"
    success_condition: str = ""
    failure_condition: str = ""
    set_owner_reference: bool = False


class Suspend(Field, frozen=True, kw_only=True):
    """Waits: for a duration, or for somebody to resume."""

    duration: Scalar = ""


class Backoff(Field, frozen=True, kw_only=True):
    """Waiting between attempts."""

    duration: Scalar = "0s"
    factor: Scalar = 1
    max_duration: Scalar = ""


class RetryStrategy(Field, frozen=True, kw_only=True):
    """How often a node is tried again, and after which ends."""

    limit: Scalar = 1
    retry_policy: str = "OnFailure"
    backoff: Backoff = Backoff()


class TemplateRef(Field, frozen=True, kw_only=True):
    """A template of another WorkflowTemplate."""

    name: str
    template: str
    cluster_scope: bool = False


class ContinueOn(Field, frozen=True, kw_only=True):
    """Which ends of this node do not end its parent."""

    failed: bool = False
    error: bool = False


class Call(Field, frozen=True, kw_only=True):
    """A use of a template: one entry of ``steps``, or one task of a ``dag``."""

    name: str
    template: str = ""
    template_ref: TemplateRef | None = None
    arguments: Arguments = Arguments()
    when: str = ""
    continue_on: ContinueOn = ContinueOn()
    dependencies: tuple[str, ...] = ()
    depends: str = ""


class Dag(Field, frozen=True, kw_only=True):
    """Tasks in the order of their dependencies."""

    tasks: tuple[Call, ...]
    fail_fast: bool = True
    target: str = ""


class Template(Field, frozen=True, kw_only=True):
    """One thing to do; exactly one of the kinds is set."""

    name: str = ""
    inputs: Inputs = Inputs()
    outputs: Outputs = Outputs()
    container: Container | None = None
    script: Script | None = None
    resource: Resource | None = None
    suspend: Suspend | None = None
    steps: tuple[tuple[Call, ...], ...] | None = None
    dag: Dag | None = None
    timeout: Scalar = ""
    active_deadline_seconds: Scalar | None = None
    retry_strategy: RetryStrategy | None = None
    metadata: dict[str, Any] = {}
    service_account_name: str = ""

    @property
    def kind(self) -> str:
        """``container``, ``script``, ``resource``, ``suspend``, ``steps`` or ``dag``."""
        return next(name for name in TEMPLATE_KINDS if getattr(self, name) is not None)


TEMPLATE_KINDS = ("container", "script", "resource", "suspend", "steps", "dag")


class WorkflowTemplateRef(Field, frozen=True, kw_only=True):
    """The WorkflowTemplate whose spec this workflow runs."""

    name: str
    cluster_scope: bool = False


class Spec(Field, frozen=True, kw_only=True):
    """A workflow's spec."""

    entrypoint: str = ""
    arguments: Arguments = Arguments()
    templates: tuple[Template, ...] = ()
    on_exit: str = ""
    active_deadline_seconds: int | None = None
    workflow_template_ref: WorkflowTemplateRef | None = None
    service_account_name: str = ""
    ttl_strategy: dict[str, Any] = {}
    pod_gc: dict[str, Any] = msgspec.field(default_factory=dict, name="podGC")
    pod_metadata: dict[str, Any] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A Workflow or WorkflowTemplate object; ``status`` and other top-level fields belong to the API server."""

    api_version: str
    kind: str
    metadata: dict[str, Any] = {}
    spec: Spec = Spec()

    @property
    def name(self) -> str:
        """Its name, or what names made from it begin with."""
        return str(self.metadata.get("name") or self.metadata.get("generateName", "workflow-").rstrip("-"))


def read(document: Any, source: str = "manifest") -> Manifest:
    """Read one YAML document.

    Raises ManifestError that names the field which is unknown to this runner, or of the wrong type.
    """
    if not isinstance(document, dict) or document.get("kind") not in {"Workflow", "WorkflowTemplate"}:
        found = document.get("kind") if isinstance(document, dict) else type(document).__name__
        raise ManifestError(f"{source}: expected an object of kind Workflow or WorkflowTemplate, found {found!r}")
    if document.get("apiVersion") != "argoproj.io/v1alpha1":
        raise ManifestError(
            f"{source}: apiVersion: found {document.get('apiVersion')!r}; expected 'argoproj.io/v1alpha1'"
        )
    try:
        manifest = msgspec.convert(document, Manifest)
    except msgspec.ValidationError as error:
        raise ManifestError(
            f"{source}: {error}; the local runner honours no such field, so it refuses the file"
        ) from error
    for template in manifest.spec.templates:
        _one_kind(template, source)
    return manifest


def _one_kind(template: Template, source: str) -> None:
    kinds = [name for name in TEMPLATE_KINDS if getattr(template, name) is not None]
    if len(kinds) != 1:
        found, known = ", ".join(kinds) or "none", ", ".join(TEMPLATE_KINDS)
        raise ManifestError(
            f"{source}: spec.templates[{template.name}]: found {found}; expected exactly one of {known}"
        )
