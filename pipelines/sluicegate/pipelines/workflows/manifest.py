"""Argo's ``Workflow`` and ``WorkflowTemplate`` as values: exactly the fields that this runner honours.

Every other field is refused when the file is read (``reading``, ``refusals``), because a field that is silently ignored
changes what a workflow means. Fields that only a cluster can honour (images, resources, service accounts) are read and
have no effect on one machine. Semantics: Argo Workflows 4, "Fields" reference, held to its controller by tests.
"""

from typing import Any

import msgspec

Scalar = str | int | float | bool


class Field(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """Base of the views: unknown fields are refused."""


class KeyOf(Field, frozen=True, kw_only=True):
    """A key of a ConfigMap or a Secret."""

    name: str
    key: str
    optional: bool = False


class ValueFrom(Field, frozen=True, kw_only=True):
    """Where a parameter's value comes from: a file, another parameter, an expression, a ConfigMap, or somebody.

    ``default`` is taken when that is missing.
    """

    path: str = ""
    parameter: str = ""
    expression: str = ""
    config_map_key_ref: KeyOf | None = None
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
    """A named file or directory; on one machine it is copied as it is, so ``archive`` and ``mode`` have no effect."""

    name: str
    path: str = ""
    from_: str = msgspec.field(default="", name="from")
    from_expression: str = ""
    raw: RawArtifact | None = None
    optional: bool = False
    global_name: str = ""
    archive: dict[str, Any] = {}
    mode: int | None = None


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


class VariableFrom(Field, frozen=True, kw_only=True):
    """Where a variable's text comes from: a key of a ConfigMap or of a Secret that was given beside the workflow."""

    config_map_key_ref: KeyOf | None = None
    secret_key_ref: KeyOf | None = None


class EnvironmentVariable(Field, frozen=True, kw_only=True):
    """One variable of a process, as text."""

    name: str
    value: str = ""
    value_from: VariableFrom | None = None


class Named(Field, frozen=True, kw_only=True):
    """A ConfigMap or Secret as a whole."""

    name: str
    optional: bool = False


class VariablesFrom(Field, frozen=True, kw_only=True):
    """All keys of a ConfigMap or of a Secret, as variables."""

    prefix: str = ""
    config_map_ref: Named | None = None
    secret_ref: Named | None = None


class VolumeMount(Field, frozen=True, kw_only=True):
    """Where a container sees a volume; on one machine the paths below it are moved into the node's directory."""

    name: str
    mount_path: str
    sub_path: str = ""
    read_only: bool = False


class Volume(Field, frozen=True, kw_only=True):
    """A volume of kind ``emptyDir``: a directory of the node's own."""

    name: str
    empty_dir: dict[str, Any]


class Container(Field, frozen=True, kw_only=True):
    """A command; on one machine it is a subprocess and the image has no effect."""

    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvironmentVariable, ...] = ()
    env_from: tuple[VariablesFrom, ...] = ()
    working_dir: str = ""
    volume_mounts: tuple[VolumeMount, ...] = ()
    name: str = ""
    image_pull_policy: str = ""
    resources: dict[str, Any] = {}
    security_context: dict[str, Any] = {}
    termination_message_path: str = ""
    termination_message_policy: str = ""


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

    duration: Scalar = ""
    factor: Scalar | None = None
    max_duration: Scalar = ""
    cap: Scalar = ""


class RetryStrategy(Field, frozen=True, kw_only=True):
    """How often a node is tried again, and after which ends; ``affinity`` has no effect on one machine."""

    limit: Scalar | None = None
    retry_policy: str = ""
    expression: str = ""
    backoff: Backoff | None = None
    affinity: dict[str, Any] = {}


class CacheConfigMap(Field, frozen=True, kw_only=True):
    """The ConfigMap that remembers; on one machine a file of that name."""

    name: str
    key: str = ""


class Cache(Field, frozen=True, kw_only=True):
    """Where outputs are remembered."""

    config_map: CacheConfigMap


class Memoize(Field, frozen=True, kw_only=True):
    """Outputs are remembered under a key, and taken from there instead of running again."""

    key: str
    cache: Cache
    max_age: str = ""


class Mutex(Field, frozen=True, kw_only=True):
    """One at a time, within this run."""

    name: str = ""
    namespace: str = ""


class Semaphore(Field, frozen=True, kw_only=True):
    """As many at a time as a ConfigMap's key says, within this run."""

    config_map_key_ref: KeyOf
    namespace: str = ""


class Synchronization(Field, frozen=True, kw_only=True):
    """What has to be held while a template or the workflow runs."""

    mutexes: tuple[Mutex, ...] = ()
    semaphores: tuple[Semaphore, ...] = ()


class TemplateRef(Field, frozen=True, kw_only=True):
    """A template of another WorkflowTemplate."""

    name: str
    template: str
    cluster_scope: bool = False


class ContinueOn(Field, frozen=True, kw_only=True):
    """Which ends of this node do not end its parent."""

    failed: bool = False
    error: bool = False


class Sequence(Field, frozen=True, kw_only=True):
    """Numbers to loop over, as text; ``format`` is printf's with one number."""

    count: Scalar | None = None
    start: Scalar | None = None
    end: Scalar | None = None
    format: str = ""


class Hook(Field, frozen=True, kw_only=True):
    """A template that runs once: at its node's end (``exit``), or as soon as its expression holds."""

    template: str = ""
    template_ref: TemplateRef | None = None
    arguments: Arguments = Arguments()
    expression: str = ""


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
