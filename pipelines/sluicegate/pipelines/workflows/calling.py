"""One call, before it runs: its condition, its arguments, the template's inputs. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from sluicegate.pipelines.workflows.errors import ExpressionError, WorkflowError
from sluicegate.pipelines.workflows.expressions import evaluate_when
from sluicegate.pipelines.workflows.items import turns
from sluicegate.pipelines.workflows.library import Library, as_text
from sluicegate.pipelines.workflows.manifest import Call, Template
from sluicegate.pipelines.workflows.parts import Arguments, Parameter
from sluicegate.pipelines.workflows.scoping import Scope, artifact_path
from sluicegate.pipelines.workflows.templating import left_over, substitute, substituted


@dataclass(frozen=True, slots=True)
class Given:
    """What a caller gives: texts, files that lie somewhere, and texts that are to become files."""

    parameters: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    raw: dict[str, str] = field(default_factory=dict)


def proceeds(when: str) -> bool:
    """Whether a condition holds whose references are already replaced; an empty one does."""
    return not when or evaluate_when(when)


def resolved_call(call: Call, scope: Scope) -> Call:
    """The call with its references replaced; of one that will be skipped only the condition.

    Raises ExpressionError when the condition or an expression cannot be evaluated, WorkflowError when a step or task
    that is referred to left no such output.
    """
    when = _complete(substitute(call.when, scope.texts))
    try:
        if not proceeds(when):
            return msgspec.structs.replace(call, when=when)
    except ExpressionError:
        # It may speak of an item, which is known only later.
        if not call.loops:
            raise
    plain = msgspec.structs.replace(call, when=when, hooks={}, inline=None)
    found = substituted(plain, scope.texts)
    for parameter in found.arguments.parameters:
        _complete(as_text(parameter.value) if parameter.value is not None else "")
    _complete(found.with_param)
    return msgspec.structs.replace(found, hooks=call.hooks, inline=call.inline)


def expanded(call: Call, scope: Scope) -> list[Call]:
    """The calls that a call becomes: itself, or one for each item of its loop.

    Raises ExpressionError when the items cannot be read, unless the call would be skipped anyhow.
    """
    if not call.loops:
        return [call]
    try:
        found = turns(call, scope.texts)
    except ExpressionError:
        if _will_run(call):
            raise
        return []
    return [_turn(call, turn.name, scope, turn.scope) for turn in found]


def _will_run(call: Call) -> bool:
    try:
        return proceeds(call.when)
    except ExpressionError:
        return True


def _turn(call: Call, name: str, scope: Scope, item: Mapping[str, str]) -> Call:
    plain = msgspec.structs.replace(
        call, with_items=None, with_param="", with_sequence=None, hooks={}, inline=None, name=name
    )
    found = substituted(plain, {**scope.texts, **item})
    return msgspec.structs.replace(found, hooks=call.hooks, inline=call.inline)


def _complete(text: str) -> str:
    left = left_over(text)
    if left:
        raise WorkflowError(
            f"{{{{{left[0]}}}}} has no value: the step that gives it did not run, or left no such output"
        )
    return text


def given(arguments: Arguments, scope: Scope) -> Given:
    """The arguments of a call whose references are replaced.

    Raises WorkflowError for an artefact that is not there and not optional.
    """
    parameters = {p.name: as_text(p.value) for p in arguments.parameters if p.value is not None}
    files = {a.name: artifact_path(a, scope) for a in arguments.artifacts if a.from_ or a.from_expression}
    raw = {a.name: a.raw.data for a in arguments.artifacts if a.raw is not None}
    return Given(parameters, {name: path for name, path in files.items() if path is not None}, raw)


def inputs_of(template: Template, gave: Given, library: Library, scope: Mapping[str, str]) -> dict[str, str]:
    """Values of a template's input parameters: the caller's, else its own, else a ConfigMap's.

    Raises WorkflowError for one without a value.
    """
    found: dict[str, str] = {}
    texts = dict(scope)
    for each in template.inputs.parameters:
        found[each.name] = texts[f"inputs.parameters.{each.name}"] = _input(each, gave, library, texts)
    return found


def _input(parameter: Parameter, gave: Given, library: Library, scope: Mapping[str, str]) -> str:
    if parameter.name in gave.parameters:
        return gave.parameters[parameter.name]
    source = parameter.value_from
    if source is not None and source.config_map_key_ref is not None:
        return library.from_config_map(source.config_map_key_ref, source.default)
    own = parameter.value if parameter.value is not None else parameter.default
    if own is None:
        raise WorkflowError(f"inputs.parameters.{parameter.name} was not supplied")
    return substitute(as_text(own), scope)
