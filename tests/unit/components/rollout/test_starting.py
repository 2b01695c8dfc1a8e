"""A rollout is begun once per run, however often the step that begins it is killed and tried again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.objects import FakeObjects

from sluicegate.components.rollout.errors import RolloutRefusedError
from sluicegate.components.rollout.starting import has_begun, rollout_name, submit, turn_of, workflow
from sluicegate.serving.client.errors import ConflictError, NotFoundError

words = st.text(max_size=8)


def wanted(run: str = "run-1", **parameters: str) -> dict[str, Any]:
    """The workflow that a run asks for."""
    name = rollout_name(deployment="flights", version="3", digest="sha256:3", run=run)
    return workflow(name, "default", {"rollout": name, "plan": "{}"} | parameters)


class Racing(FakeObjects):
    """Another attempt creates the workflow between our look and our write."""

    def get(self, kind: str, name: str, namespace: str | None = None) -> dict[str, Any]:
        """Nothing, at the first look."""
        if not self.kept:
            raise NotFoundError(name)
        return super().get(kind, name, namespace)

    def create(self, obj: dict[str, Any]) -> dict[str, Any]:
        """Too late."""
        super().create(obj)
        raise ConflictError(obj["metadata"]["name"])


@given(words, words, words.filter(bool), words.filter(bool))
def test_a_run_always_finds_its_own_name(version: str, digest: str, run: str, other: str) -> None:
    """The same for each attempt; another for another run, or for another bundle."""
    name = rollout_name(deployment="d", version=version, digest=digest, run=run)

    assert rollout_name(deployment="d", version=version, digest=digest, run=run) == name
    assert (rollout_name(deployment="d", version=version, digest=digest, run=other) == name) == (run == other)
    assert rollout_name(deployment="d", version=version, digest=digest + "x", run=run) != name


def test_without_a_run_each_submission_is_a_new_one() -> None:
    """A person who types the command again means another rollout."""
    assert len({wanted(run="")["metadata"]["name"] for _ in range(9)}) == 9


def test_an_answer_that_was_lost_begins_nothing_twice() -> None:
    """The workflow is there, whether this attempt or the next one finds it."""
    objects = FakeObjects()
    objects.loses_answers = True
    submit(objects, wanted())

    submit(objects, wanted())

    assert len(objects.kept) == 1


def test_two_attempts_at_the_same_moment_begin_one_rollout() -> None:
    """The slower one joins."""
    objects = Racing()

    submit(objects, wanted())

    assert len(objects.kept) == 1


def test_a_rollout_whose_workflow_was_tidied_away_is_not_begun_again() -> None:
    """A cluster deletes ended workflows after a while; what they did remains."""
    objects, name = FakeObjects(), wanted()["metadata"]["name"]
    objects.kept["ModelRollout", "default", name] = {"status": {"phase": "RolledBack"}}

    submit(objects, wanted())

    assert has_begun(objects, name, "default")
    assert list(objects.kept) == [("ModelRollout", "default", name)]


def test_one_run_cannot_mean_two_rollouts() -> None:
    """The same key with another plan is refused, by the parameter's name."""
    objects = FakeObjects()
    submit(objects, wanted())

    with pytest.raises(RolloutRefusedError, match="with another plan; "):
        submit(objects, wanted(plan='{"bake": 5}'))


def test_another_run_begins_its_own() -> None:
    """Also of the same version."""
    objects = FakeObjects()

    submit(objects, wanted("run-1"))
    submit(objects, wanted("run-2"))

    assert len(objects.kept) == 2


KEY = {"deployment": "flights", "version": "3", "digest": "sha256:3", "run": "run-1"}
OVER = ("Promoted", "RolledBack", "Refused")


def begun(objects: FakeObjects, *phases: str) -> list[str]:
    """Names of the rollouts that a run began one after another; each is in this phase now."""
    names = [rollout_name(**KEY, turn=turn) for turn in range(1, len(phases) + 1)]  # type: ignore[arg-type]
    for name, phase in zip(names, phases, strict=True):
        objects.kept["ModelRollout", "default", name] = {"status": {"phase": phase}}
    return names


@given(st.lists(st.sampled_from(["RolledBack", "Refused"]), max_size=4), st.sampled_from([*OVER, "Progressing"]))
def test_a_lost_attempt_joins_whatever_became_of_the_rollout(before: list[str], last: str) -> None:
    """Also of one that went back while nobody looked: to begin another one is a person's decision."""
    objects = FakeObjects()
    names = begun(objects, *before, last)

    assert turn_of(objects, "default", again=False, **KEY) == names[-1]


@given(st.lists(st.sampled_from(["RolledBack", "Refused"]), max_size=4), st.sampled_from([*OVER, "Progressing"]))
def test_a_retry_begins_the_next_rollout_where_the_last_one_failed(before: list[str], last: str) -> None:
    """It joins one that is under way, or that was promoted."""
    objects = FakeObjects()
    names = begun(objects, *before, last)

    found = turn_of(objects, "default", again=True, **KEY)

    assert (found not in names) == (last in {"RolledBack", "Refused"})
    assert found in names or not has_begun(objects, found, "default")


@pytest.mark.parametrize(("phase", "is_new"), [("Failed", True), ("Error", True), ("Running", False), ("", False)])
def test_a_workflow_that_failed_before_its_rollout_is_not_joined_by_a_retry(phase: str, is_new: bool) -> None:
    objects, first = FakeObjects(), turn_of(FakeObjects(), "default", again=True, **KEY)
    objects.kept["Workflow", "default", first] = {"status": {"phase": phase}}

    assert (turn_of(objects, "default", again=True, **KEY) != first) == is_new
