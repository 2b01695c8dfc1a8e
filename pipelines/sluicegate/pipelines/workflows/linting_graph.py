"""What can be wrong with the tasks of a dag, in the words of who wrote it: pure."""

from sluicegate.pipelines.workflows.errors import ExpressionError, ManifestError
from sluicegate.pipelines.workflows.expressions import evaluate_depends
from sluicegate.pipelines.workflows.manifest import Call, Dag
from sluicegate.pipelines.workflows.planning import OUTCOMES, cycle, mentions, unknown_outcome


def lint_dag(dag: Dag, where: str) -> None:
    """Refuse a dag that cannot run.

    Raises ManifestError with the task and what is expected.
    """
    names = [task.name for task in dag.tasks]
    if len(set(names)) != len(names):
        raise ManifestError(f"{where}: two tasks have the same name")
    for task in dag.tasks:
        _lint_task(task, set(names), f"{where}, {task.name!r}")
    _lint_spelling(dag, where)
    around = cycle(dag)
    if around is not None:
        raise ManifestError(f"{where}: task {around!r} waits for itself: its dependencies go in a circle")
    missing = set(dag.target.split()) - set(names)
    if missing and "{{" not in dag.target:
        raise ManifestError(f"{where}: target: no task {min(missing)!r}")


def _lint_task(task: Call, names: set[str], where: str) -> None:
    unknown = mentions(task) - names
    if unknown:
        raise ManifestError(f"{where}: depends on unknown task {min(unknown)!r}")
    outcome = unknown_outcome(task.depends)
    if outcome is not None:
        raise ManifestError(f"{where}: depends: unknown outcome {outcome!r}; there are: {', '.join(sorted(OUTCOMES))}")
    if task.depends:
        try:
            evaluate_depends(task.depends, lambda _: True)
        except ExpressionError as error:
            raise ManifestError(f"{where}: depends: {error}") from error


def _lint_spelling(dag: Dag, where: str) -> None:
    """A dag is written either with ``depends``, or with ``dependencies`` and ``continueOn``."""
    modern = next((task.name for task in dag.tasks if task.depends), None)
    older = next((task.name for task in dag.tasks if task.dependencies), None)
    if modern is None:
        return
    if older is not None:
        raise ManifestError(
            f"{where}: {modern!r} uses depends and {older!r} dependencies; Argo takes one of both in a dag: use depends"
        )
    going = next((task.name for task in dag.tasks if task.continue_on.failed or task.continue_on.error), None)
    if going is not None:
        raise ManifestError(
            f"{where}, {going!r}: continueOn is not for a dag with depends; let others depend on {going}.Failed"
        )
