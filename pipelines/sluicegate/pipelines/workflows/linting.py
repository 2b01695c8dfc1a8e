"""Looks through everything that a run can reach before anything runs: templates, parameters, references, expressions.

A workflow that would fail half-way for a misspelt name is refused at submission instead.
"""

from collections.abc import Iterator

import msgspec

from sluicegate.pipelines.workflows.errors import ExpressionError, ManifestError
from sluicegate.pipelines.workflows.expressions import duration_seconds, references, task_names
from sluicegate.pipelines.workflows.library import Library, Resolved
from sluicegate.pipelines.workflows.manifest import Call, Template

_WORKFLOW = {
    "workflow.name",
    "workflow.namespace",
    "workflow.uid",
    "workflow.status",
    "workflow.failures",
    "workflow.duration",
}
_NODE = {"pod.name", "node.name", "retries"}
_ACTIONS = {"get", "create", "apply", "patch", "delete"}
_POLICIES = {"Always", "OnFailure", "OnError", "OnTransientError"}


def lint(library: Library) -> None:
    """Refuse a run that cannot work.

    Raises ManifestError with the template, the field and what is expected.
    """
    seen: set[tuple[str, str]] = set()
    entries = [library.spec.entrypoint, *filter(None, [library.spec.on_exit])]
    waiting = [library.named(name, "", f"template {name!r}") for name in entries]
    while waiting:
        resolved = waiting.pop()
        key = (resolved.home, resolved.template.name)
        if key not in seen:
            seen.add(key)
            waiting.extend(_lint_template(library, resolved))


def _lint_template(library: Library, resolved: Resolved) -> list[Resolved]:
    template, where = resolved.template, f"template {resolved.template.name!r}"
    scope = _scope(library, template)
    _lint_leaf(template, where)
    called: list[Resolved] = []
    for call, earlier in _calls(template, where):
        target = library.find(call, resolved.home, f"{where}, {call.name!r}")
        _lint_arguments(call, target.template, f"{where}, {call.name!r}")
        _lint_references(call, scope, earlier, f"{where}, {call.name!r}")
        called.append(target)
    if not called:
        _lint_references(template, scope, set(), where)
    return called


def _scope(library: Library, template: Template) -> set[str]:
    scope = _WORKFLOW | _NODE | {f"inputs.parameters.{p.name}" for p in template.inputs.parameters}
    scope |= {f"workflow.parameters.{p.name}" for p in library.spec.arguments.parameters}
    scope |= {f"inputs.artifacts.{a.name}" for a in template.inputs.artifacts}
    scope |= {f"inputs.artifacts.{a.name}.path" for a in template.inputs.artifacts}
    scope |= {f"outputs.artifacts.{a.name}.path" for a in template.outputs.artifacts}
    return scope | {f"outputs.parameters.{p.name}.path" for p in template.outputs.parameters}


def _calls(template: Template, where: str) -> Iterator[tuple[Call, set[str]]]:
    """Each call of a template with the names that it may refer to."""
    names: set[str] = set()
    for group in template.steps or ():
        for call in group:
            if call.dependencies or call.depends:
                raise ManifestError(f"{where}, {call.name!r}: depends and dependencies belong to dag tasks")
            yield call, set(names)
        names |= {call.name for call in group}
    if template.dag is not None:
        tasks = {task.name for task in template.dag.tasks}
        for task in template.dag.tasks:
            wanted = set(task.dependencies) | task_names(task.depends)
            if not wanted <= tasks:
                raise ManifestError(f"{where}, {task.name!r}: depends on unknown task {min(wanted - tasks)!r}")
            yield task, tasks - {task.name}
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
    needed = {p.name for p in target.inputs.parameters if p.value is None and p.default is None}
    needed |= {a.name for a in target.inputs.artifacts if not a.optional and a.raw is None}
    if needed - given:
        raise ManifestError(f"{where}: template {target.name!r} needs input {min(needed - given)!r}")


def _lint_references(part: Call | Template, scope: set[str], earlier: set[str], where: str) -> None:
    text = msgspec.json.encode(part).decode()
    if "{{=" in text:
        raise ManifestError(f"{where}: expression tags ({{{{=…}}}}) are not supported by the local runner")
    for name in references(text):
        head, _, rest = name.partition(".")
        known = rest.split(".", 1)[0] in earlier if head in {"steps", "tasks"} else name in scope
        if not known:
            raise ManifestError(f"{where}: unknown reference {{{{{name}}}}}")


def _lint_leaf(template: Template, where: str) -> None:
    resource, retry = template.resource, template.retry_strategy
    if resource is not None and resource.action not in _ACTIONS:
        raise ManifestError(
            f"{where}: resource.action: found {resource.action!r}; expected one of {', '.join(sorted(_ACTIONS))}"
        )
    if resource is not None and resource.merge_strategy != "merge":
        raise ManifestError(
            f"{where}: resource.mergeStrategy: found {resource.merge_strategy!r}; the local runner honours merge"
        )
    if retry is not None and retry.retry_policy not in _POLICIES:
        raise ManifestError(
            f"{where}: retryStrategy.retryPolicy: found {retry.retry_policy!r}; expected {', '.join(sorted(_POLICIES))}"
        )
    for container in filter(None, (template.container, template.script)):
        if not container.command:
            raise ManifestError(
                f"{where}: command: expected a command; on one machine there is no image to take it from"
            )
    for value in filter(None, (template.timeout, retry.backoff.duration if retry else "")):
        if "{{" not in str(value):
            _check_duration(value, where)


def _check_duration(value: object, where: str) -> None:
    try:
        duration_seconds(value)
    except ExpressionError as error:
        raise ManifestError(f"{where}: {error}") from error
