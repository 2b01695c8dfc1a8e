"""Looks through everything that a run can reach before anything runs: templates, parameters, references, expressions.

A workflow that would fail half-way for a misspelt name is refused at submission instead, and so is what Argo's own
validation refuses: a dag with a cycle, ``depends`` beside ``dependencies``, two kinds of loop in one step.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from sluicegate.pipelines.workflows.errors import ExpressionError, ManifestError
from sluicegate.pipelines.workflows.expressions import duration_seconds
from sluicegate.pipelines.workflows.library import DEFAULTED, Library, Resolved
from sluicegate.pipelines.workflows.linting_graph import lint_dag
from sluicegate.pipelines.workflows.linting_leaves import lint_given, lint_ins_and_outs
from sluicegate.pipelines.workflows.linting_names import Known, lint_names
from sluicegate.pipelines.workflows.manifest import Call, ForClusters, Template
from sluicegate.pipelines.workflows.parts import Hook
from sluicegate.pipelines.workflows.planning import ancestors

_ACTIONS = {"get", "create", "apply", "patch", "delete"}
_POLICIES = {"Always", "OnFailure", "OnError", "OnTransientError"}


@dataclass(frozen=True, slots=True)
class _Use:
    """A call of a template, with the names of its neighbours that it may refer to."""

    call: Call
    earlier: frozenset[str]


def lint(library: Library) -> None:
    """Refuse a run that cannot work.

    Raises ManifestError with the template, the field and what is expected.
    """
    _lint_defaults(library)
    seen: set[tuple[str, str]] = set()
    waiting = list(_entries(library))
    while waiting:
        resolved = waiting.pop()
        key = (resolved.home, resolved.template.name)
        if not resolved.template.name or key not in seen:
            seen.add(key)
            waiting.extend(_lint_template(library, resolved))


def _lint_defaults(library: Library) -> None:
    defaults = library.spec.template_defaults
    if defaults is None:
        return
    silent = {field.name for field in msgspec.structs.fields(ForClusters)} | {"metadata", "security_context"}
    names = {field.name: field.encode_name for field in msgspec.structs.fields(type(defaults))}
    said = [name for name in names if getattr(defaults, name) != getattr(Template(), name)]
    wrong = [name for name in said if name not in {*DEFAULTED, *silent}]
    if wrong:
        have = ", ".join(names[name] for name in DEFAULTED)
        raise ManifestError(f"spec.templateDefaults.{names[wrong[0]]}: the local runner takes defaults of: {have}")


def _entries(library: Library) -> Iterator[Resolved]:
    spec = library.spec
    for name in filter(None, (spec.entrypoint, spec.on_exit)):
        yield library.named(name, "", f"template {name!r}")
    known = Known.of_workflow(library)
    for name, hook in spec.hooks.items():
        where = f"spec.hooks[{name}]"
        _lint_hook(name, hook, where)
        lint_names(hook, known, where)
        yield library.find(Call(name=name, template=hook.template, template_ref=hook.template_ref), "", where)


def _lint_template(library: Library, resolved: Resolved) -> list[Resolved]:
    template, where = resolved.template, f"template {resolved.template.name!r}"
    known = Known.of_template(library, template)
    _lint_settings(template, where)
    lint_ins_and_outs(library, template, where)
    called: list[Resolved] = []
    uses = list(_uses(template, where))
    for use in uses:
        call, place = use.call, f"{where}, {use.call.name!r}"
        called.extend(_lint_call(library, resolved.home, use, known, place))
        called.append(library.find(call, resolved.home, place))
        _lint_arguments(call, called[-1].template, place)
    names = frozenset(use.call.name for use in uses)
    part = msgspec.structs.replace(template, steps=None, dag=None)
    lint_names(part, known.after(names), where)
    return called


def _lint_call(library: Library, home: str, use: _Use, known: Known, where: str) -> Iterator[Resolved]:
    call = use.call
    loops = [name for name in ("with_items", "with_param", "with_sequence") if getattr(call, name)]
    if len(loops) > 1:
        raise ManifestError(f"{where}: only one of withItems, withParam, withSequence can be given")
    lint_given(call, where)
    bare = msgspec.structs.replace(call, hooks={}, inline=None)
    lint_names(bare, known.after(use.earlier, item=call.loops), where)
    own = known.after(use.earlier | {call.name}, item=call.loops)
    for name, hook in (call.hooks | ({"exit": call.exit_hook} if call.exit_hook else {})).items():
        place = f"{where}, hook {name!r}"
        _lint_hook(name, hook, place)
        lint_names(hook, own, place)
        yield library.find(Call(name=name, template=hook.template, template_ref=hook.template_ref), home, place)


def _lint_hook(name: str, hook: Hook, where: str) -> None:
    if name != "exit" and not hook.expression:
        raise ManifestError(f"{where}: expression: expected one; only the hook 'exit' goes without")


def _uses(template: Template, where: str) -> Iterator[_Use]:
    """Each call of a template with the names that it may refer to."""
    names: frozenset[str] = frozenset()
    for group in template.steps or ():
        for call in group:
            if call.dependencies or call.depends:
                raise ManifestError(f"{where}, {call.name!r}: depends and dependencies belong to dag tasks")
            yield _Use(call, names)
        names |= {call.name for call in group}
    if template.dag is not None:
        lint_dag(template.dag, where)
        for task in template.dag.tasks:
            yield _Use(task, frozenset(ancestors(task, template.dag)))
    all_calls = [call.name for group in template.steps or () for call in group]
    if len(set(all_calls)) != len(all_calls):
        raise ManifestError(f"{where}: two steps have the same name")


def _lint_arguments(call: Call, target: Template, where: str) -> None:
    given = {p.name for p in call.arguments.parameters} | {a.name for a in call.arguments.artifacts}
    declared = {p.name for p in target.inputs.parameters} | {a.name for a in target.inputs.artifacts}
    if given - declared:
        known = ", ".join(sorted(declared)) or "none"
        raise ManifestError(
            f"{where}: template {target.name!r} has no input {min(given - declared)!r}; it has: {known}"
        )
    needed = {
        p.name for p in target.inputs.parameters if p.value is None and p.default is None and p.value_from is None
    }
    needed |= {a.name for a in target.inputs.artifacts if not a.optional and a.raw is None}
    if needed - given:
        raise ManifestError(f"{where}: template {target.name!r} needs input {min(needed - given)!r}")


def _lint_settings(template: Template, where: str) -> None:
    resource, retry = template.resource, template.retry_strategy
    if resource is not None and resource.action not in _ACTIONS:
        raise ManifestError(
            f"{where}: resource.action: found {resource.action!r}; expected one of {', '.join(sorted(_ACTIONS))}"
        )
    if resource is not None and resource.merge_strategy != "merge":
        raise ManifestError(
            f"{where}: resource.mergeStrategy: found {resource.merge_strategy!r}; the local runner honours merge"
        )
    if retry is not None and retry.retry_policy not in _POLICIES | {""}:
        raise ManifestError(
            f"{where}: retryStrategy.retryPolicy: found {retry.retry_policy!r}; expected {', '.join(sorted(_POLICIES))}"
        )
    if retry is not None and retry.backoff is not None and not retry.backoff.duration:
        raise ManifestError(f"{where}: retryStrategy.backoff.duration: expected a duration like 30s")
    for container in filter(None, (template.container, template.script)):
        if not container.command:
            raise ManifestError(
                f"{where}: command: expected a command; on one machine there is no image to take it from"
            )
    if template.timeout and template.kind in {"steps", "dag"}:
        raise ManifestError(f"{where}: timeout: a {template.kind} template has none; give its leaves one")
    _lint_durations(template, where)


def _lint_durations(template: Template, where: str) -> None:
    retry, suspend, memoize = template.retry_strategy, template.suspend, template.memoize
    backoff = retry.backoff if retry and retry.backoff else None
    found = [template.timeout, suspend.duration if suspend else "", memoize.max_age if memoize else ""]
    found += [backoff.duration, backoff.max_duration, backoff.cap] if backoff else []
    for value in filter(None, found):
        if "{{" not in str(value):
            try:
                duration_seconds(value)
            except ExpressionError as error:
                raise ManifestError(f"{where}: {error}") from error
