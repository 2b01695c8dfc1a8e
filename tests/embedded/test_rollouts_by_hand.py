"""Rollouts that wait for a person, with real processes: approvals, pauses, promotions and aborts by command."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.embedded.hand_rig import Hand

from sluicegate.serving.local.running import kill_all

pytestmark = pytest.mark.embedded

ERRORS = {"name": "errors", "kind": "error-rate", "margin": 0.5}
FLIPS = {"name": "flips", "kind": "disagreement", "margin": 0.1}
LABELS = {"name": "labels", "kind": "quality", "margin": 0.1, "mustHaveData": True}
SHORT = {"minSampleSize": 10, "maxDuration": 1}
LONG = {"minSampleSize": 10, "maxDuration": 300}


def plan(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """These steps, a short bake, and errors as the only objective."""
    return {"steps": list(steps), "objectives": [ERRORS], "alpha": 0.1, "bake": 0.5} | more


PLANS = {
    "approved": plan({"setWeight": 20}, {"approval": {"deadline": 300}}, {"setWeight": 50}),
    "denied": plan({"setWeight": 20}, {"approval": {"deadline": 300}}),
    "forgotten": plan({"setWeight": 20}, {"approval": {"deadline": 1}}),
    "undecided": plan({"setWeight": 50}, {"analysis": SHORT}, onInconclusive="pause"),
    "dropped": plan({"analysis": SHORT}, onInconclusive="pause"),
    "unlabelled": plan({"setWeight": 50}, {"analysis": SHORT | {"maxDuration": 5}}, objectives=[ERRORS, LABELS]),
    "harmful": plan({"setMirrorRoute": {}}, {"analysis": LONG}, {"setWeight": 50}, {"analysis": LONG},
                    objectives=[ERRORS, FLIPS], onFailure="pause"),
}  # fmt: skip


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hand]:
    """A plane on which all these rollouts have begun."""
    home = tmp_path_factory.mktemp("hand").resolve()
    try:
        made = Hand(home)
        for name, steps in PLANS.items():
            made.begin(name, steps, version="opposite" if name == "harmful" else "2")
        yield made
        made.run("down")
    finally:
        kill_all(f"{home}|")


def test_without_the_data_that_it_must_have_nothing_is_promoted(hand: Hand) -> None:
    """Requests come, labels do not."""
    with hand.asking("unlabelled"):
        assert hand.end("unlabelled") == ("RolledBack", "Inconclusive")

    assert "no data for labels" in hand.status("unlabelled")["message"]
    assert hand.traffic("unlabelled") == {"v1": 100}


def test_who_does_not_come_before_the_deadline_gives_the_traffic_back(hand: Hand) -> None:
    """An approval that nobody gave."""
    assert hand.end("forgotten") == ("RolledBack", "NotApproved")
    assert hand.traffic("forgotten") == {"v1": 100}


def test_a_denied_approval_gives_the_traffic_back(hand: Hand) -> None:
    """To deny is to abort, with a reason."""
    hand.at("denied", 1)
    assert hand.traffic("denied") == {"v1": 80, "v2": 20}

    hand.rollout("abort", "denied", "--reason", "too early")

    assert hand.end("denied") == ("RolledBack", "AbortedByHand")
    assert hand.traffic("denied") == {"v1": 100}
    assert hand.status("denied")["message"] == "too early"


def test_an_approved_rollout_goes_on_is_paused_and_promoted_by_hand(hand: Hand) -> None:
    """Paused before the next step, it gets no more traffic; promoted, it leaves out the rest."""
    hand.at("approved", 1)
    hand.rollout("pause", "approved")
    hand.rollout("approve", "approved", "--by", "jane")
    hand.at("approved", 2)
    assert hand.traffic("approved") == {"v1": 80, "v2": 20}

    hand.rollout("promote", "approved", "--reason", "checked by hand")
    assert hand.status("approved")["phase"] == "Progressing"
    hand.rollout("resume", "approved")

    assert hand.end("approved") == ("Promoted", "PromotedByHand")
    assert hand.traffic("approved") == {"v2": 100}
    assert hand.found("approved")["metadata"]["annotations"]["sluicegate.dev/approved-by"] == "jane"


def test_an_undecided_rollout_that_waits_can_be_aborted(hand: Hand) -> None:
    """Nobody asked it anything."""
    hand.paused("dropped")

    hand.rollout("abort", "dropped")

    assert hand.end("dropped") == ("RolledBack", "AbortedByHand")


def test_an_undecided_rollout_waits_and_goes_on_when_it_is_resumed(hand: Hand) -> None:
    """It keeps its traffic while it waits; resumed, it has its whole time again, and requests prove it."""
    hand.paused("undecided")
    assert hand.traffic("undecided") == {"v1": 50, "v2": 50}

    with hand.asking("undecided"):
        hand.rollout("resume", "undecided")
        assert hand.end("undecided") == ("Promoted", "Completed")

    assert hand.traffic("undecided") == {"v2": 100}


def test_proven_harm_waits_for_a_person_when_the_plan_says_so(hand: Hand) -> None:
    """Its mirrored answers are the opposite. Resumed, it takes the step and is stopped again, and again in the bake."""
    with hand.asking("harmful"):
        hand.paused("harmful")
    assert hand.traffic("harmful") == {"v1": 100}

    hand.rollout("resume", "harmful")
    hand.at("harmful", 3)
    hand.paused("harmful")
    assert hand.traffic("harmful") == {"v1": 50, "vopposite": 50}

    hand.rollout("promote", "harmful", "--reason", "the labels were wrong")
    hand.rollout("resume", "harmful")
    hand.wait("harmful", lambda r: r["status"]["phase"] == "Baking" and r["spec"]["paused"], "paused in the bake")
    hand.rollout("resume", "harmful")
    assert hand.end("harmful") == ("Promoted", "PromotedByHand")
    assert hand.traffic("harmful") == {"vopposite": 100}
