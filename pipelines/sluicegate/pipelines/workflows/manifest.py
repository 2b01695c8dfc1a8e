"""Argo's ``Workflow`` and ``WorkflowTemplate`` as values: exactly the fields that this runner honours.

Every other field is refused when the file is read (``reading``, ``refusals``), because a field that is silently ignored
changes what a workflow means. Fields that only a cluster can honour (images, resources, service accounts) are read and
have no effect on one machine. Semantics: Argo Workflows 4, "Fields" reference, held to its controller by tests.
"""

from typing import Any

import msgspec

from sluicegate.pipelines.workflows.parts import (
    Arguments,
    Container,
    ContinueOn,
    Field,
    Hook,
    Inputs,
    Memoize,
    Outputs,
    Resource,
    RetryStrategy,
    Scalar,
    Script,
    Sequence,
    Suspend,
    Synchronization,
    TemplateRef,
    Volume,
)


class Call(Field, frozen=True, kw_only=True):
    """A use of a template: one entry of ``steps``, or one task of a ``dag``."""

    name: str
    template: str = ""
    template_ref: TemplateRef | None = None
    inline: "Template | None" = None
    arguments: Arguments = Arguments()
    when: str = ""
    continue_on: ContinueOn = ContinueOn()
    with_items: tuple[Any, ...] | None = None
    with_param: str = ""
    with_sequence: Sequence | None = None
    hooks: dict[str, Hook] = {}
    on_exit: str = ""
    dependencies: tuple[str, ...] = ()
    depends: str = ""

    @property
    def reference(self) -> str:
        """``NAME/TEMPLATE`` of a WorkflowTemplate, when it calls one."""
        return f"{self.template_ref.name}/{self.template_ref.template}" if self.template_ref else ""

    @property
    def loops(self) -> bool:
        """Whether it is expanded to one node for each item."""
        return bool(self.with_items) or bool(self.with_param) or self.with_sequence is not None

    @property
    def exit_hook(self) -> Hook | None:
        """What runs when it has ended."""
        return self.hooks.get("exit") or (Hook(template=self.on_exit) if self.on_exit else None)


class Dag(Field, frozen=True, kw_only=True):
    """Tasks in the order of their dependencies."""

    tasks: tuple[Call, ...]
    fail_fast: bool = True
    target: str = ""


class ForClusters(Field, frozen=True, kw_only=True):
    """Fields that say how a pod is placed, guarded, and cleaned up: read, and without effect on one machine."""

    service_account_name: str = ""
    automount_service_account_token: bool | None = None
    node_selector: dict[str, str] = {}
    affinity: dict[str, Any] = {}
    tolerations: tuple[dict[str, Any], ...] = ()
    scheduler_name: str = ""
    priority_class_name: str = ""
    host_aliases: tuple[dict[str, Any], ...] = ()
    pod_spec_patch: str = ""
    metrics: dict[str, Any] = {}
    executor: dict[str, Any] = {}


class Template(ForClusters, frozen=True, kw_only=True):
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
    memoize: Memoize | None = None
    parallelism: int | None = None
    fail_fast: bool | None = None
    synchronization: Synchronization | None = None
    volumes: tuple[Volume, ...] = ()
    metadata: dict[str, Any] = {}
    security_context: dict[str, Any] = {}
    archive_location: dict[str, Any] = {}

    @property
    def kind(self) -> str:
        """``container``, ``script``, ``resource``, ``suspend``, ``steps`` or ``dag``."""
        return next(name for name in TEMPLATE_KINDS if getattr(self, name) is not None)


TEMPLATE_KINDS = ("container", "script", "resource", "suspend", "steps", "dag")


class WorkflowTemplateRef(Field, frozen=True, kw_only=True):
    """The WorkflowTemplate whose spec this workflow runs."""

    name: str
    cluster_scope: bool = False


class Spec(ForClusters, frozen=True, kw_only=True):
    """A workflow's spec."""

    entrypoint: str = ""
    arguments: Arguments = Arguments()
    templates: tuple[Template, ...] = ()
    template_defaults: Template | None = None
    on_exit: str = ""
    hooks: dict[str, Hook] = {}
    active_deadline_seconds: int | None = None
    workflow_template_ref: WorkflowTemplateRef | None = None
    retry_strategy: RetryStrategy | None = None
    parallelism: int | None = None
    synchronization: Synchronization | None = None
    volumes: tuple[Volume, ...] = ()
    ttl_strategy: dict[str, Any] = {}
    pod_gc: dict[str, Any] = msgspec.field(default_factory=dict, name="podGC")
    artifact_gc: dict[str, Any] = msgspec.field(default_factory=dict, name="artifactGC")
    pod_metadata: dict[str, Any] = {}
    workflow_metadata: dict[str, Any] = {}
    image_pull_secrets: tuple[dict[str, Any], ...] = ()
    security_context: dict[str, Any] = {}
    archive_logs: bool | None = None
    artifact_repository_ref: dict[str, Any] = {}
    priority: int | None = None
    pod_priority_class_name: str = ""


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
