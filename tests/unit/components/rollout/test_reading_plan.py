"""A rollout's workflow learns from the plan, step by step, what to do."""

from pathlib import Path

import pytest

from sluicegate.components.rollout.errors import RolloutError
from sluicegate.components.rollout.evidence_places import DirectoryPlace
from sluicegate.components.rollout.evidence_record import EvidenceRecord
from sluicegate.components.rollout.looking import goal_of
from sluicegate.components.rollout.preparing import rollout_plan
from sluicegate.components.rollout.reading_plan import read_plan
from sluicegate.monitoring.analysis.verdict import Verdict
from sluicegate.serving.api.metadata import ObjectMeta
from sluicegate.serving.api.model_rollout import ModelRollout, ModelRolloutStatus


def test_an_empty_plan_mirrors_first_and_climbs_to_all() -> None:
    kinds = []
    index, more = 0, True
    while more:
        found = read_plan(plan={}, index=index)
        kinds.append((found.kind, found.weight))
        index, more = found.next_index, found.more

    assert kinds[:2] == [("set-mirror-route", 0), ("analysis", 0)]
    assert [weight for kind, weight in kinds if kind == "set-weight"] == [1, 5, 25, 50, 100]


@pytest.mark.parametrize(
    ("step", "kind", "seconds"),
    [
        ({"pause": {"duration": 30}}, "pause", 30.0),
        ({"pause": {}}, "hold", 0.0),
        ({"approval": {"deadline": 60}}, "approval", 60.0),
        ({"setHeaderRoute": {"name": "testers"}}, "set-header-route", 0.0),
        ({"analysis": {}}, "analysis", 0.0),
    ],
)
def test_each_kind_of_step_has_a_branch(step: dict[str, object], kind: str, seconds: float) -> None:
    found = read_plan(plan={"steps": [step]}, index=0)

    assert (found.kind, found.seconds, found.more) == (kind, seconds, False)


def test_an_index_beyond_the_plan_is_refused() -> None:
    with pytest.raises(RolloutError, match=r"plan.steps\[7\]: the plan has 1 steps"):
        read_plan(plan={"steps": [{"setWeight": 5}]}, index=7)


def test_without_a_mirror_the_ladder_begins_at_its_first_weight() -> None:
    by_default = rollout_plan({}, mirror=False)
    mirrored = [{"setMirrorRoute": {}}, {"analysis": {"minSampleSize": 500}}]
    own = rollout_plan({"steps": [*mirrored, {"setWeight": 10}, {"analysis": {}}]}, mirror=False)

    assert by_default.steps[0].set_weight == 1
    # An analysis of what nobody is asked would wait for ever.
    assert [step.set_weight for step in own.steps] == [10, None]


def test_a_goal_that_is_none_is_refused() -> None:
    with pytest.raises(RolloutError, match="expected one of advance, promote, bake"):
        goal_of("win")


def test_evidence_goes_on_where_the_last_step_left_it(tmp_path: Path) -> None:
    """Each step is a process of its own."""
    status = ModelRolloutStatus(stable="old", candidate="new", traffic={"old": 95, "new": 5})
    rollout = ModelRollout(metadata=ObjectMeta(name="first"), status=status)
    verdict = Verdict(result="Successful", advance=True, promote=False, message="no harm", at=1.0)
    EvidenceRecord.of(rollout, DirectoryPlace(tmp_path, "first")).add(verdict)

    again = EvidenceRecord.of(rollout, DirectoryPlace(tmp_path, "first"))
    again.moment("advance", 3, rollout, "no harm")

    found = EvidenceRecord.of(rollout, DirectoryPlace(tmp_path, "first")).evidence
    assert [one.message for one in found.verdicts] == ["no harm"]
    assert [(one.what, one.step, one.weight) for one in found.moments] == [("advance", 3, 5)]
    assert again.reference == (tmp_path / "first.json").as_uri()
