"""The names that references and expressions may use in a part of a workflow: pure."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec

from sluicegate.pipelines.workflows.errors import ExpressionError, ManifestError
from sluicegate.pipelines.workflows.exprlang.functions import FUNCTIONS
from sluicegate.pipelines.workflows.exprlang.parsing import PREDICATES, parse
from sluicegate.pipelines.workflows.exprlang.sprig import SPRIG
from sluicegate.pipelines.workflows.exprlang.syntax import called, mentioned
from sluicegate.pipelines.workflows.library import Library
from sluicegate.pipelines.workflows.manifest import Template
from sluicegate.pipelines.workflows.parts import Artifact, Hook, RetryStrategy, ValueFrom
from sluicegate.pipelines.workflows.templating import expressions, references
from sluicegate.pipelines.workflows.whole import workflow_texts

_NODE = frozenset(
    {
        "pod.name", "node.name", "retries", "steps.name", "tasks.name", "lastRetry.exitCode", "lastRetry.status",
        "lastRetry.duration", "lastRetry.message",
    }
)  # fmt: skip
_ANY = datetime(2000, 1, 1, tzinfo=UTC)
_NEIGHBOURS = frozenset({"steps", "tasks"})


@dataclass(frozen=True, slots=True)
class Known:
    """The names that may be used, and the neighbours whose outputs may be."""

    names: frozenset[str]
    neighbours: frozenset[str] = frozenset()
    item: bool = False

    @classmethod
    def of_workflow(cls, library: Library) -> "Known":
        """What every part of a workflow may use."""
        names = {*workflow_texts(library, "", "", "", _ANY), "workflow.failures"}
        for template in (each for home in library.templates.values() for each in home.values()):
            outputs = template.outputs
            names |= {f"workflow.outputs.parameters.{p.global_name}" for p in outputs.parameters if p.global_name}
            names |= {f"workflow.outputs.artifacts.{a.global_name}" for a in outputs.artifacts if a.global_name}
        return cls(frozenset(names))

    @classmethod
    def of_template(cls, library: Library, template: Template) -> "Known":
        """What the parts of a template may use."""
        inputs, outputs = template.inputs, template.outputs
        names = {f"inputs.parameters.{p.name}" for p in inputs.parameters}
        names |= {f"inputs.artifacts.{a.name}" for a in inputs.artifacts}
        names |= {f"inputs.artifacts.{a.name}.path" for a in inputs.artifacts}
        names |= {f"outputs.artifacts.{a.name}.path" for a in outputs.artifacts}
        names |= {f"outputs.parameters.{p.name}.path" for p in outputs.parameters}
        return cls(cls.of_workflow(library).names | _NODE | names)

    def after(self, neighbours: frozenset[str], *, item: bool = False) -> "Known":
        """The same, where these neighbours have ended."""
        return replace(self, neighbours=neighbours, item=item)

    def has(self, name: str) -> bool:
        """Whether a plain reference has a meaning."""
        head, _, rest = name.partition(".")
        if name in self.names or head == "item":
            return name in self.names or self.item
        return head in _NEIGHBOURS and rest.split(".", 1)[0] in self.neighbours

    def leads_to(self, name: str) -> bool:
        """Whether a name in an expression has a meaning; it may stop half-way, or go on into what is found there."""
        return (
            self.has(name)
            or any(each.startswith(f"{name}.") or name.startswith(f"{each}.") for each in self.names)
            or name in _NEIGHBOURS
        )


def lint_names(part: msgspec.Struct, known: Known, where: str) -> None:
    """Refuse a part that mentions what it cannot know.

    Raises ManifestError with the name.
    """
    text = "\n".join(_texts(msgspec.to_builtins(part)))
    for name in references(text):
        if not known.has(name):
            raise ManifestError(f"{where}: unknown reference {{{{{name}}}}}")
    for expression in [*expressions(text), *_own_expressions(part)]:
        _lint_expression(expression, known, where)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [text for part in parts for text in _texts(part)]


def _own_expressions(part: msgspec.Struct) -> list[str]:
    """Expressions that stand without braces."""
    found: list[str] = []
    if isinstance(part, Hook | RetryStrategy | ValueFrom):
        found.append(part.expression)
    if isinstance(part, Artifact):
        found.append(part.from_expression.removeprefix("{{=").removesuffix("}}"))
    for field in msgspec.structs.fields(type(part)):
        value = getattr(part, field.name)
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, msgspec.Struct):
                found += _own_expressions(each)
    return [each for each in found if each]


def _lint_expression(expression: str, known: Known, where: str) -> None:
    try:
        part = parse(expression)
    except ExpressionError as error:
        raise ManifestError(f"{where}: {error}") from error
    for name in called(part):
        owner, _, member = name.rpartition(".")
        if owner == "sprig" and member not in SPRIG:
            have = ", ".join(sorted(SPRIG))
            raise ManifestError(f"{where}: the local runner has no function sprig.{member}; it has: {have}")
        if not owner and name not in FUNCTIONS and name not in PREDICATES:
            have = ", ".join(sorted({*FUNCTIONS, *PREDICATES}))
            raise ManifestError(f"{where}: the local runner has no function {name}; it has: {have}")
    for name in mentioned(part):
        if not known.leads_to(name):
            raise ManifestError(f"{where}: unknown name {name} in the expression {expression.strip()!r}")
