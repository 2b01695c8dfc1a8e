"""Which tasks of a dag come next, and how it ends: pure, over what has ended so far."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sluicegate.pipelines.workflows.expressions import evaluate_depends, task_names
from sluicegate.pipelines.workflows.manifest import Call, Dag
from sluicegate.pipelines.workflows.nodes import BAD, DONE, Node, Phase

_OUTCOMES: dict[str, frozenset[Phase]] = {
    "Succeeded": frozenset({"Succeeded"}),
    "Failed": frozenset({"Failed"}),
    "Errored": frozenset({"Error"}),
    "Skipped": frozenset({"Skipped"}),
    "Omitted": frozenset({"Omitted"}),
    "Daemoned": frozenset(),
}
LOOP_OUTCOMES = frozenset({"AnySucceeded", "AllFailed"})
OUTCOMES = frozenset(_OUTCOMES) | LOOP_OUTCOMES


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a task, and of the items of its loop."""

    node: Node
    items: tuple[Node, ...] = ()


def tolerated(call: Call, node: Node) -> bool:
    """Whether the parent goes on after this end."""
    bad = (node.phase == "Failed" and not call.continue_on.failed) or (
        node.phase == "Error" and not call.continue_on.error
    )
    return not bad


def ready_tasks(dag: Dag, ended: Mapping[str, Ended], running: frozenset[str]) -> tuple[list[Call], list[Call]]:
    """Tasks to start now, and tasks that can never start (they are *Omitted*)."""
    start: list[Call] = []
    omit: list[Call] = []
    for task in wanted(dag):
        if task.name in ended or task.name in running or not _dependencies_done(task, ended):
            continue
        (start if _satisfied(task, dag, ended) else omit).append(task)
    return start, omit


def dag_outcome(dag: Dag, ended: Mapping[str, Ended]) -> tuple[Phase, str]:
    """How a dag ends when nothing of it can run any more, and why: by its targets (its leaves, unless it names some).

    A target that was skipped or omitted ends as the branch that leads to it: badly when a task on the way did.
    """
    calls = {task.name: task for task in dag.tasks}
    for name in targets(dag):
        bad = _branch(name, calls, ended)
        if bad is not None and not tolerated(calls[name], bad):
            return bad.phase, f"{bad.display_name}: {bad.told}"
    return "Succeeded", ""


def _branch(name: str, calls: Mapping[str, Call], ended: Mapping[str, Ended]) -> Node | None:
    """What went wrong on the way to a task: itself, or when it did not run, one before it."""
    node = ended[name].node if name in ended else None
    if node is not None and node.phase in BAD:
        return node
    if node is not None and node.phase == "Succeeded":
        return None
    before = (_branch(parent, calls, ended) for parent in sorted(mentions(calls[name])))
    return next((found for found in before if found is not None), None)


def targets(dag: Dag) -> list[str]:
    """The tasks that the dag is run for."""
    needed = {name for task in dag.tasks for name in mentions(task)}
    return dag.target.split() or sorted({task.name for task in dag.tasks} - needed)


def wanted(dag: Dag) -> list[Call]:
    """The tasks that lead to a target, in the order of the file."""
    by_name = {task.name: task for task in dag.tasks}
    names = {name for target in targets(dag) for name in (target, *ancestors(by_name[target], dag))}
    return [task for task in dag.tasks if task.name in names]


def ancestors(task: Call, dag: Dag) -> list[str]:
    """The tasks before a task, near and far."""
    by_name = {each.name: each for each in dag.tasks}
    found: list[str] = []
    waiting = sorted(mentions(task))
    while waiting:
        name = waiting.pop()
        if name not in found and name in by_name:
            found.append(name)
            waiting.extend(sorted(mentions(by_name[name])))
    return found


def mentions(task: Call) -> set[str]:
    """The tasks that a task waits for."""
    return set(task.dependencies) | task_names(task.depends)


def cycle(dag: Dag) -> str | None:
    """A task that waits for itself, if there is one."""
    return next((task.name for task in dag.tasks if task.name in ancestors(task, dag)), None)


def unknown_outcome(depends: str) -> str | None:
    """A word like ``A.Suceeded`` whose end is no outcome, if there is one."""
    words = re.findall(r"[A-Za-z0-9][-\w]*\.([A-Za-z]+)", depends)
    return next((word for word in words if word not in OUTCOMES), None)


def _dependencies_done(task: Call, ended: Mapping[str, Ended]) -> bool:
    return all(name in ended and ended[name].node.phase in DONE for name in mentions(task))


def _satisfied(task: Call, dag: Dag, ended: Mapping[str, Ended]) -> bool:
    calls = {other.name: other for other in dag.tasks}
    if task.depends:
        return evaluate_depends(task.depends, lambda text: _ended_so(text, calls, ended))
    return all(_fulfils(calls[name], ended[name].node) for name in task.dependencies)


def _ended_so(text: str, calls: Mapping[str, Call], ended: Mapping[str, Ended]) -> bool:
    name, _, outcome = text.partition(".")
    end = ended[name]
    if outcome == "AnySucceeded":
        return any(item.phase == "Succeeded" for item in end.items)
    if outcome == "AllFailed":
        return bool(end.items) and all(item.phase == "Failed" for item in end.items)
    return end.node.phase in _OUTCOMES[outcome] if outcome else _fulfils(calls[name], end.node)


def _fulfils(call: Call, node: Node) -> bool:
    """A bare name in ``depends`` means succeeded, skipped, or failed in a way that ``continueOn`` allows."""
    return node.phase in {"Succeeded", "Skipped"} or (node.phase in BAD and tolerated(call, node))
