"""What the executor decides: which tasks come next, how a dag ends, the turns of a loop, whether to try again."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.pipelines.workflows.items import turns
from sluicegate.pipelines.workflows.manifest import Call, Dag
from sluicegate.pipelines.workflows.nodes import BAD, Node, Phase, node_id
from sluicegate.pipelines.workflows.parts import Backoff, RetryStrategy, Sequence
from sluicegate.pipelines.workflows.planning import Ended, cycle, dag_outcome, ready_tasks
from sluicegate.pipelines.workflows.retrying import after

ENDS: tuple[Phase, ...] = ("Succeeded", "Failed", "Error", "Skipped")
ITEMS = st.lists(st.text(max_size=6) | st.integers(-99, 99) | st.booleans(), max_size=6)


@st.composite
def dags(draw: st.DrawFn) -> Dag:
    """Tasks that depend on earlier ones, with outcomes of all kinds."""
    tasks: list[Call] = []
    for number in range(draw(st.integers(1, 6))):
        before = draw(st.lists(st.sampled_from(tasks), max_size=2, unique_by=lambda one: one.name)) if tasks else []
        outcome = draw(st.sampled_from(["", ".Succeeded", ".Failed", ".Skipped", ".Omitted"]))
        depends = draw(st.sampled_from([" && ", " || "])).join(f"{one.name}{outcome}" for one in before)
        tasks.append(Call(name=f"t{number}", template="t", depends=depends))
    return Dag(tasks=tuple(tasks))


def ended(name: str, phase: Phase) -> Ended:
    """The end of a task."""
    return Ended(Node(id=name, name=name, display_name=name, kind="Pod", phase=phase))


def played(dag: Dag, ends: list[Phase]) -> dict[str, Ended]:
    """The dag run to its end: each task that starts takes the next of ``ends``."""
    found: dict[str, Ended] = {}
    while True:
        start, omit = ready_tasks(dag, found, frozenset())
        if not start and not omit:
            return found
        found |= {task.name: ended(task.name, "Omitted") for task in omit}
        found |= {task.name: ended(task.name, ends[len(found) % len(ends)]) for task in start}


@given(dags(), st.lists(st.sampled_from(ENDS), min_size=1, max_size=6))
def test_every_task_of_a_dag_ends_once_and_none_waits_for_ever(dag: Dag, ends: list[Phase]) -> None:
    assert cycle(dag) is None
    assert set(played(dag, ends)) == {task.name for task in dag.tasks}


@given(dags(), st.lists(st.sampled_from(ENDS), min_size=1, max_size=6))
def test_a_dag_fails_only_when_a_task_did(dag: Dag, ends: list[Phase]) -> None:
    found = played(dag, ends)

    phase, cause = dag_outcome(dag, found)

    assert phase in get_args(Phase)
    assert (phase in BAD) is bool(cause)
    assert phase not in BAD or any(end.node.bad for end in found.values())


@given(ITEMS)
def test_a_loop_has_a_turn_for_each_item_in_order(items: list[object]) -> None:
    call = Call(name="each", template="t", with_param="{{list}}")

    found = turns(call, {"list": json.dumps(items)})

    assert len({turn.name for turn in found}) == len(items)
    assert [turn.name.split(":")[0] for turn in found] == [f"each({number}" for number in range(len(items))]
    assert [turn.scope["item"] for turn in found if isinstance(items[int(turn.name[5:].split(":")[0])], str)] == [
        item for item in items if isinstance(item, str)
    ]


@given(st.integers(-50, 50), st.integers(-50, 50))
def test_a_sequence_goes_from_its_start_to_its_end_either_way(start: int, end: int) -> None:
    call = Call(name="each", template="t", with_sequence=Sequence(start=start, end=end))

    numbers = [int(turn.scope["item"]) for turn in turns(call, {})]

    assert numbers == list(range(start, end + 1) if start <= end else range(start, end - 1, -1))


@given(st.integers(0, 8), st.integers(1, 10), st.sampled_from(["Failed", "Error"]))
def test_a_node_is_tried_at_most_once_more_than_its_limit(limit: int, attempts: int, phase: Phase) -> None:
    following = after(RetryStrategy(limit=limit, retry_policy="Always"), attempts, ended("n", phase).node, 0.0, 0.0)

    assert (following.pause is not None) is (attempts <= limit)


@pytest.mark.parametrize(
    ("attempts", "pause"), [(1, 2.0), (2, 6.0), (3, 18.0), (4, 20.0)], ids=["first", "second", "third", "capped"]
)
def test_pauses_grow_by_their_factor_up_to_the_cap(attempts: int, pause: float) -> None:
    strategy = RetryStrategy(backoff=Backoff(duration="2s", factor="3", cap="20s"))

    assert after(strategy, attempts, ended("n", "Failed").node, 0.0, 0.0).pause == pause


def test_a_node_has_the_identifier_that_argo_gives_it() -> None:
    assert node_id("dag-diamond", "dag-diamond") == "dag-diamond"
    assert node_id("active-deadline-workflow", "active-deadline-workflow[0].long") == (
        "active-deadline-workflow-2129874894"
    )
