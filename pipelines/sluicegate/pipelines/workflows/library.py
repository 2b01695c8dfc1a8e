"""Which template a call means: those of the workflow itself, and those of the WorkflowTemplates given beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from sluicegate.pipelines.workflows.errors import ManifestError
from sluicegate.pipelines.workflows.manifest import Call, Manifest, Spec, Template
from sluicegate.pipelines.workflows.neighbours import Beside
from sluicegate.pipelines.workflows.parts import Arguments, Artifact, KeyOf, Parameter, Scalar
from sluicegate.pipelines.workflows.reading import one_kind


@dataclass(frozen=True, slots=True)
class Resolved:
    """A template and the WorkflowTemplate in which its calls are looked up ("" for the workflow's own)."""

    template: Template
    home: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """All templates that a run may use, and the spec that it runs."""

    spec: Spec
    templates: Mapping[str, Mapping[str, Template]]
    """WorkflowTemplate name ("" for the workflow itself) to template name to template."""
    config_maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Labels and annotations of the workflow."""
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why a WorkflowTemplate that lies beside cannot be used."""

    def find(self, call: Call, home: str, where: str) -> Resolved:
        """The template that a call in ``home`` means.

        Raises ManifestError when there is none.
        """
        if call.inline is not None:
            return Resolved(self.complete(call.inline), home)
        if call.template_ref is not None:
            return self.named(call.template_ref.template, call.template_ref.name, where)
        return self.named(call.template, home, where)

    def named(self, name: str, home: str, where: str) -> Resolved:
        """The template of that name in ``home``."""
        if home in self.refused:
            raise ManifestError(f"{where}: refers to WorkflowTemplate {home!r}:\n{self.refused[home]}")
        if home not in self.templates:
            known = ", ".join(sorted(filter(None, self.templates))) or "none"
            raise ManifestError(f"{where}: no WorkflowTemplate {home!r} was given; given are: {known}")
        if name not in self.templates[home]:
            known = ", ".join(sorted(self.templates[home])) or "none"
            raise ManifestError(f"{where}: no template {name!r}; there are: {known}")
        return Resolved(self.complete(self.templates[home][name]), home)

    def complete(self, template: Template) -> Template:
        """The template with the workflow's ``templateDefaults`` where it says nothing itself."""
        defaults = self.spec.template_defaults
        if defaults is None:
            return template
        unsaid = {
            name: getattr(defaults, name)
            for name in DEFAULTED
            if getattr(template, name) in (None, "") and getattr(defaults, name) not in (None, "")
        }
        return msgspec.structs.replace(template, **unsaid)

    def from_config_map(self, key: KeyOf, default: Scalar | None) -> str:
        """The value under a ConfigMap's key.

        Raises ManifestError when there is none and no default.
        """
        found = self.config_maps.get(key.name, {}).get(key.key)
        if found is not None:
            return found
        if default is not None:
            return as_text(default)
        known = ", ".join(sorted(self.config_maps)) or "none"
        raise ManifestError(
            f"ConfigMap '{key.name}' has no key '{key.key}', or was not given; give it with --with FILE; given: {known}"
        )

    def size_of(self, key: KeyOf) -> int:
        """How many may hold a semaphore.

        Raises ManifestError when the ConfigMap's key says no number above 0.
        """
        text = self.from_config_map(key, None).strip()
        if not text.isdigit() or not int(text):
            raise ManifestError(
                f"ConfigMap '{key.name}', key '{key.key}': found {text!r}; expected how many may hold it"
            )
        return int(text)


DEFAULTED = (
    "retry_strategy",
    "timeout",
    "active_deadline_seconds",
    "memoize",
    "parallelism",
    "fail_fast",
    "synchronization",
)
"""What ``templateDefaults`` may say."""


def build(workflow: Manifest, beside: Beside, given: Mapping[str, Scalar]) -> Library:
    """Put a workflow together with what is beside it and the parameters given at submission.

    Raises ManifestError for an unknown template or parameter, or a parameter without a value.
    """
    spec, home = _own_spec(workflow, beside)
    looked_up = Library(spec=spec, templates={}, config_maps=beside.config_maps)
    parameters = _given(tuple(_from_map(each, looked_up) for each in spec.arguments.parameters), given, workflow.name)
    spec = msgspec.structs.replace(spec, arguments=msgspec.structs.replace(spec.arguments, parameters=parameters))
    templates = {name: _by_name(manifest.spec, name) for name, manifest in beside.templates.items()}
    templates[""] = _by_name(spec, home or workflow.name)
    if not spec.entrypoint:
        raise ManifestError(f"{workflow.name}: spec.entrypoint: expected the name of a template")
    return Library(
        spec=spec, templates=templates, config_maps=beside.config_maps, secrets=beside.secrets,
        metadata=workflow.metadata, refused=beside.refused,
    )  # fmt: skip


def _from_map(parameter: Parameter, library: Library) -> Parameter:
    source = parameter.value_from
    if source is None or source.config_map_key_ref is None or parameter.value is not None:
        return parameter
    return msgspec.structs.replace(parameter, value=library.from_config_map(source.config_map_key_ref, source.default))


def _own_spec(workflow: Manifest, beside: Beside) -> tuple[Spec, str]:
    reference = workflow.spec.workflow_template_ref
    if reference is None:
        return workflow.spec, ""
    if reference.name in beside.refused:
        raise ManifestError(f"{workflow.name}: spec.workflowTemplateRef.name:\n{beside.refused[reference.name]}")
    if reference.name not in beside.templates:
        raise ManifestError(
            f"{workflow.name}: spec.workflowTemplateRef.name: no WorkflowTemplate {reference.name!r} was given"
        )
    return _merged(workflow.spec, beside.templates[reference.name].spec), reference.name


def _merged(own: Spec, base: Spec) -> Spec:
    """A WorkflowTemplate's spec, in which what the workflow says itself comes first."""
    said = {
        field.name: getattr(own, field.name)
        for field in msgspec.structs.fields(Spec)
        if getattr(own, field.name) != getattr(Spec(), field.name)
    }
    merged = {
        "arguments": Arguments(
            parameters=_first(own.arguments.parameters, base.arguments.parameters),
            artifacts=_first(own.arguments.artifacts, base.arguments.artifacts),
        ),
        "templates": _first(own.templates, base.templates),
        "hooks": {**base.hooks, **own.hooks},
    }
    return msgspec.structs.replace(base, **said | merged)


Named = TypeVar("Named", Parameter, Artifact, Template)


def _first(own: tuple[Named, ...], base: tuple[Named, ...]) -> tuple[Named, ...]:
    """All of both; of two with one name the own one."""
    mine = {each.name: each for each in own}
    kept = [mine.pop(each.name, each) for each in base]
    return tuple(kept) + tuple(mine.values())


def _by_name(spec: Spec, owner: str) -> dict[str, Template]:
    found: dict[str, Template] = {}
    for template in spec.templates:
        if template.name in found:
            raise ManifestError(f"{owner}: spec.templates: two templates are named {template.name!r}")
        one_kind(template, owner)
        found[template.name] = template
    return found


def _given(declared: tuple[Parameter, ...], given: Mapping[str, Scalar], owner: str) -> tuple[Parameter, ...]:
    unknown = sorted(set(given) - {parameter.name for parameter in declared})
    if unknown:
        known = ", ".join(parameter.name for parameter in declared) or "none"
        raise ManifestError(f"{owner}: no parameter {unknown[0]!r}; it takes: {known}")
    return tuple(_with_value(parameter, given, owner) for parameter in declared)


def _with_value(parameter: Parameter, given: Mapping[str, Scalar], owner: str) -> Parameter:
    value = given.get(parameter.name, parameter.value if parameter.value is not None else parameter.default)
    where = f"{owner}: spec.arguments.parameters[{parameter.name}]"
    if value is None:
        raise ManifestError(f"{where}: has no value; give one with -p {parameter.name}=VALUE")
    if parameter.enum and as_text(value) not in {as_text(choice) for choice in parameter.enum}:
        raise ManifestError(f"{where}: found {value!r}; expected one of {', '.join(map(as_text, parameter.enum))}")
    return msgspec.structs.replace(parameter, value=value)


def as_text(value: Scalar) -> str:
    """A parameter's value as the text that Argo makes of it."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).lower() if isinstance(value, bool) else str(value)
