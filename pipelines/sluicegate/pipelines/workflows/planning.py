"""Which calls of a template come next, and how it ends: pure, over what has ended so far."""

from collections.abc import Mapping

from sluicegate.pipelines.workflows.expressions import evaluate_depends, task_names
from sluicegate.pipelines.workflows.manifest import Call, Dag
from sluicegate.pipelines.workflows.nodes import DONE, Node, Phase

_OUTCOMES: dict[str, frozenset[Phase]] = {
    "Succeeded": frozenset({"Succeeded"}),
    "Failed": frozenset({"Failed"}),
    "Errored": frozenset({"Error"}),
    "Skipped": frozenset({"Skipped"}),
    "Omitted": frozenset({"Omitted"}),
    "Daemoned": frozenset(),
}


def tolerated(call: Call, node: Node) -> bool:
    """Whether the parent goes on after this end."""
    bad = (node.phase == "Failed" and not call.continue_on.failed) or (
        node.phase == "Error" and not call.continue_on.error
    )
    return not bad


def ready_tasks(dag: Dag, ended: Mapping[str, Node], running: frozenset[str]) -> tuple[list[Call], list[Call]]:
    """Tasks to start now, and tasks that can never start (they are *Omitted*)."""
    start: list[Call] = []
    omit: list[Call] = []
    for task in _wanted(dag):
        if task.name in ended or task.name in running or not _dependencies_done(task, ended):
            continue
        (start if _satisfied(task, dag, ended) else omit).append(task)
    return start, omit


def dag_outcome(dag: Dag, ended: Mapping[str, Node]) -> tuple[Phase, str]:
    """How a dag ends when nothing of it can run any more: by its target tasks (the leaves, unless it says others).

    A target that was omitted ends as the branch that leads to it: failed when a task on the way failed.
    """
    calls = {task.name: task for task in dag.tasks}
    for name in dag.target.split() or sorted(_leaves(dag)):
        failed = _branch_failure(name, calls, ended)
        if failed is not None:
            return failed.phase, f"task {failed.name!r}: {failed.message}"
    return "Succeeded", ""


def _branch_failure(name: str, calls: Mapping[str, Call], ended: Mapping[str, Node]) -> Node | None:
    node = ended.get(name)
    if node is not None and node.phase in {"Failed", "Error"}:
        return None if tolerated(calls[name], node) else node
    if node is not None and node.phase != "Omitted":
        return None
    before = (_branch_failure(parent, calls, ended) for parent in sorted(_mentions(calls[name])))
    return next((failed for failed in before if failed is not None), None)


def _wanted(dag: Dag) -> list[Call]:
    if not dag.target:
        return list(dag.tasks)
    by_name = {task.name: task for task in dag.tasks}
    names, waiting = set[str](), dag.target.split()
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            waiting.extend(_mentions(by_name[name]))
    return [task for task in dag.tasks if task.name in names]


def _mentions(task: Call) -> set[str]:
    return set(task.dependencies) | task_names(task.depends)


def _leaves(dag: Dag) -> set[str]:
    needed = {name for task in dag.tasks for name in _mentions(task)}
    return {task.name for task in dag.tasks} - needed


def _dependencies_done(task: Call, ended: Mapping[str, Node]) -> bool:
    return all(name in ended and ended[name].phase in DONE for name in _mentions(task))


def _satisfied(task: Call, dag: Dag, ended: Mapping[str, Node]) -> bool:
    calls = {other.name: other for other in dag.tasks}
    if task.depends:
        return evaluate_depends(task.depends, lambda text: _ended_so(text, calls, ended))
    return all(_fulfils(calls[name], ended[name]) for name in task.dependencies)


def _ended_so(text: str, calls: Mapping[str, Call], ended: Mapping[str, Node]) -> bool:
    name, _, outcome = text.partition(".")
    return ended[name].phase in _OUTCOMES[outcome] if outcome else _fulfils(calls[name], ended[name])


def _fulfils(call: Call, node: Node) -> bool:
    """A bare name in ``depends`` means succeeded, skipped, or failed in a way that ``continueOn`` allows."""
    return node.phase in {"Succeeded", "Skipped"} or (node.phase in {"Failed", "Error"} and tolerated(call, node))
