"""The parts that templates and calls are made of, as values: parameters, artefacts, containers, retries, locks, hooks.

Exactly the fields that this runner honours, or reads without effect; see ``manifest`` for the whole.
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


class Cache(Field, frozen=True, kw_only=True):
    """The ConfigMap in which outputs are remembered; on one machine a file of that name."""

    config_map: Named


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
